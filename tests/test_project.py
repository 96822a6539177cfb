"""What holds for the project as a whole."""

import ast
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("operations", "contributions", "config")


def files() -> list[Path]:
    """The files of the repository; where git cannot say which, all but hidden folders, data and caches."""
    try:
        names = subprocess.check_output(
            ["git", "ls-files", "-z"], cwd=ROOT, stderr=subprocess.DEVNULL, text=True
        )
    except (OSError, subprocess.CalledProcessError):
        names = ""
    if names:
        return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]
    found = []
    for folder, folders, names_here in os.walk(ROOT):
        folders[:] = [
            name
            for name in folders
            if name not in {"var", "__pycache__"} and (name[0] != "." or name == ".ci")
        ]
        found += [Path(folder, name) for name in names_here]
    return found


# --- The direction of imports ---------------------------------------------------------------------


def imports(path: Path) -> set[str]:
    """The modules of ours that a file imports, by their full names."""
    package = path.relative_to(ROOT).parent.parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in {*PACKAGES, "tests"}}


def test_imports_run_one_way():
    allowed = {
        "operations": {"operations"},
        "contributions": {"operations", "contributions"},
        "config": set(PACKAGES),
    }
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for name in sorted(imports(path))
        if name.split(".")[0] not in allowed[package]
    ]
    assert wrong == []


def test_the_pure_modules_import_nothing_of_ours():
    found = {
        name: {imported.rsplit(".", 1)[0] for imported in imports(ROOT / "operations" / f"{name}.py")}
        for name in ("rounding", "charts", "maps")
    }
    assert found["charts"] <= {"operations.rounding"}
    assert found["rounding"] | found["maps"] == set()


# --- Settings and migrations ----------------------------------------------------------------------


def manage(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """``manage.py`` with these settings and none of those of this test run."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=inherited | {"PYTHONUTF8": "1"} | settings,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture
def production(tmp_path):
    return {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "operations.example.org",
        "DATA_DIR": str(tmp_path),
    }


def test_the_deployment_checks_have_no_complaint(production):
    result = manage("check", "--deploy", "--fail-level", "WARNING", **production)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("name", ["SECRET_KEY", "ALLOWED_HOSTS"])
def test_outside_development_there_is_no_start_without(name, production):
    del production[name]
    result = manage("check", **production)
    assert result.returncode == 1
    assert f"ImproperlyConfigured: {name} is not set." in result.stderr


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"HTTPS": "yep"}, "HTTPS is “yep”; write 1 or 0."),
        ({"IMPORT_MAX_ROWS": "many"}, "IMPORT_MAX_ROWS is “many”; write a whole number."),
        ({"DATABASE_URL": "mysql://localhost/openfield"}, "DATABASE_URL must name SQLite"),
    ],
)
def test_a_wrong_setting_is_an_error_at_start(setting, message, production):
    result = manage("check", **production | setting)
    assert result.returncode == 1
    assert f"ImproperlyConfigured: {message}" in result.stderr


@pytest.mark.django_db
def test_the_migrations_are_complete(capsys):
    try:
        call_command("makemigrations", check=True, dry_run=True)
    except SystemExit:
        pytest.fail(capsys.readouterr().out, pytrace=False)


# --- Static files ---------------------------------------------------------------------------------


def test_every_static_file_that_a_template_names_exists():
    named = {
        (str(path.relative_to(ROOT)), match)
        for folder in [ROOT / "templates", *ROOT.glob("*/templates")]
        for path in folder.rglob("*.*")
        for match in re.findall(r"""{%\s*static\s+["']([^"']+)["']""", path.read_text(encoding="utf-8"))
    }
    assert sorted(pair for pair in named if not finders.find(pair[1])) == []


def test_the_static_files_of_production_can_be_built(production, tmp_path):
    result = manage("collectstatic", "--noinput", **production)
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "static" / "staticfiles.json").exists()


# --- What must not be in the repository -----------------------------------------------------------


def locked(name: str) -> list[str]:
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", "")
    return [line for line in text.splitlines() if line]


def test_every_locked_package_has_hashes_and_no_address():
    package = re.compile(r"[a-z0-9.-]+==\S+( ; [^#]+?)?( +--hash=sha256:[0-9a-f]{64})+")
    for name in ("requirements.txt", "requirements-dev.txt"):
        assert len(locked(name)) > 15
        assert [line for line in locked(name) if not package.fullmatch(line)] == []


def test_the_tests_run_with_the_packages_of_the_site():
    assert sorted(set(locked("requirements.txt")) - set(locked("requirements-dev.txt"))) == []


def test_no_file_names_a_package_registry_or_a_folder_of_somebodys_machine():
    # A registry would tie every installation to one server; a folder exists on one machine only.
    registry = re.compile(
        r"\w+://\S*(?:pypi\.|pythonhosted|/simple\b|registry\.(?:npm|yarn)|artifactory|\.whl\b)"
        r"|--(?:extra-)?index-ur[l]|--find-link[s]"
    )
    machine = re.compile(r"(?<![\w.~})-])/(?:work|root|home|Users|farm|tmp)/\w")
    wrong = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in files()
        for pattern in (registry, machine)
        for match in pattern.finditer(path.read_bytes().decode("utf-8", errors="ignore"))
    ]
    assert wrong == []
