"""The whole site as data: a Frictionless data package of all released tables, and a site made of it.

https://datapackage.org/standard/data-package/. The tables are those for readers, with their dictionary; under
``archive/`` stand the documents that a site is made of (``operations.archive``, ``archive``).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.color import no_style
from django.db import connection, transaction
from django.utils.translation import override

from operations import archive as texts
from operations.dataset_files import csv_lines, table_schema
from operations.datasets import REGISTRY, Asked, plain
from operations.models import Agency, Edition, Operation

from . import archive as money
from .models import Contribution, Donor, ImportBatch

SHAPE = 1  # counts up when the documents change their shape
DOCUMENTS: dict[str, Callable[[Asked], Iterable[dict[str, Any]]]] = {
    "agency": texts.agency_documents,
    "reference": texts.reference_documents,
    "editions": texts.edition_documents,
    "imports": money.import_documents,
    "donors": money.donor_documents,
    "lines": money.line_documents,
    "sums": money.sum_documents,
}


class NotAPackage(Exception):
    """What is wrong with a package, or with the place where a site is to be made of it."""


# --- Out ---------------------------------------------------------------------------------------------


def export(folder: Path, at: dt.datetime) -> dict[str, int]:
    """Write all that is released at ``at`` into an empty or new folder; the rows of each table."""
    if folder.exists() and any(folder.iterdir()):
        raise NotAPackage(f"{folder} is not empty. Name a new folder, or empty it.")
    (folder / "archive").mkdir(parents=True, exist_ok=True)
    asked, resources, counts = Asked(at, {}, settings.SITE_URL), [], {}
    with override("en"), transaction.atomic():
        for dataset in REGISTRY:
            path = f"{dataset.name}.csv"
            counts[dataset.name], told = written(folder / path, csv_lines(dataset, dataset.rows(asked)))
            resources.append({
                "name": dataset.name, "path": path, "title": dataset.title, "description": dataset.description,
                "format": "csv", "mediatype": "text/csv", "encoding": "utf-8", **told,
                "schema": table_schema(dataset),
            })  # fmt: skip
        for name, documents in DOCUMENTS.items():
            path = f"archive/{name}.jsonl"
            lines = (json.dumps(document, ensure_ascii=False) + "\n" for document in documents(asked))
            _count, told = written(folder / path, lines)
            resources.append({"name": f"archive-{name}", "path": path, "format": "jsonl", "encoding": "utf-8",
                              "mediatype": "application/jsonl", **told})  # fmt: skip
    package = json.dumps(described(at, resources), ensure_ascii=False, indent=1)
    (folder / "datapackage.json").write_text(package + "\n", encoding="utf-8")
    return counts


def written(path: Path, lines: Iterable[str]) -> tuple[int, dict[str, Any]]:
    """Write the lines, some of which come together; how many rows below a head, and what the package says of the file."""
    digest, size, rows = hashlib.sha256(), 0, -1
    with path.open("wb") as file:
        for text in lines:
            data = text.encode()
            file.write(data)
            digest.update(data)
            size += len(data)
            rows += data.count(b"\r\n")
    return rows, {"bytes": size, "hash": f"sha256:{digest.hexdigest()}"}


def described(at: dt.datetime, resources: list[dict[str, Any]]) -> dict[str, Any]:
    agency = Agency.current(fresh=True)
    found: dict[str, Any] = {
        "profile": "data-package",
        "name": "openfield",
        "title": f"{agency.shown_name}: operations, figures, texts and contributions",
        "description": "All that is released. The tables are for readers; a site can be made of the archive.",
        "version": f"{SHAPE}",
        "created": plain(at.replace(microsecond=0)),
        "sources": [
            {"title": agency.shown_name, **({"path": settings.SITE_URL} if settings.SITE_URL else {})}
        ],
        "resources": resources,
    }
    if agency.licence:
        licence = {"title": agency.licence, **({"path": agency.licence_url} if agency.licence_url else {})}
        found["licenses"] = [licence]
    return found


def publish(file: Path, at: dt.datetime) -> dict[str, int]:
    """The package as one ZIP file, in the place of the one before it at once."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        counts = export(Path(folder) / "package", at)
        made = shutil.make_archive(str(Path(folder) / "archive"), "zip", Path(folder) / "package")
        os.replace(made, file)
    return counts


# --- In ----------------------------------------------------------------------------------------------


def take(folder: Path) -> dict[str, int]:
    """Make a site of a package, all of it or nothing; how much of each there is."""
    check(folder)
    with transaction.atomic():
        texts.take_agency(documents(folder, "agency"))
        texts.take_reference(documents(folder, "reference"))
        texts.take_editions(documents(folder, "editions"))
        money.take_imports(documents(folder, "imports"))
        money.take_donors(documents(folder, "donors"))
        books = money.Books()
        money.take_lines(documents(folder, "lines"), books)
        money.take_sums(documents(folder, "sums"), books)
        count_on()
    models = (Operation, Edition, Donor, ImportBatch, Contribution)
    return {str(model._meta.verbose_name_plural): model.objects.count() for model in models}


def check(folder: Path) -> None:
    """``NotAPackage`` where a file is missing or was changed, or the database is not empty."""
    try:
        package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
        resources = {resource["path"]: resource["hash"] for resource in package["resources"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotAPackage(f"{folder} holds no data package of this site: {error}") from None
    if package.get("version") != str(SHAPE):
        raise NotAPackage(
            f"The package is of version {package.get('version')}; this site reads version {SHAPE}."
        )
    for name in DOCUMENTS:
        path = f"archive/{name}.jsonl"
        if path not in resources or not (folder / path).is_file():
            raise NotAPackage(f"The package has no file {path}.")
        with (folder / path).open("rb") as file:
            if f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}" != resources[path]:
                raise NotAPackage(f"{path} is not as it was written. Get the package again.")
    for model in (Operation, Edition, Donor, Contribution):
        if model.objects.exists():
            said = f"The database has {model._meta.verbose_name_plural} already. A package is taken by an empty one."
            raise NotAPackage(said)


def documents(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    with (folder / "archive" / f"{name}.jsonl").open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def count_on() -> None:
    """What is made next gets a number behind those that were taken."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [Edition, ImportBatch]):
            cursor.execute(statement)
