"""Settings of the site, all from the environment; README.md has the table.

A wrong or missing setting is an error at start, never a silent default: outside development
(``DEBUG=1``) there is no site without ``SECRET_KEY`` and ``ALLOWED_HOSTS``.
"""

import datetime
import os
import shutil
from pathlib import Path

import dj_database_url
import django
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str = "") -> str:
    """The variable ``name``, or the content of the file that ``name_FILE`` names (container secrets)."""
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    return os.environ.get(name) or default  # an empty variable is one that was not set


def env_bool(name: str, default: bool) -> bool:
    value = env(name, "1" if default else "0").lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off", ""}:
        return False
    raise ImproperlyConfigured(f"{name} is “{value}”; write 1 or 0.")


def env_int(name: str, default: int) -> int:
    value = env(name, str(default))
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is “{value}”; write a whole number.") from None


def env_day(name: str, default: str) -> tuple[int, int]:
    """Month and day of every year."""
    value = env(name, default)
    try:
        day = datetime.date.fromisoformat(f"2001-{value}")
    except ValueError:
        raise ImproperlyConfigured(f"{name} is “{value}”; write a month and a day, such as 03-31.") from None
    return day.month, day.day


def env_file(name: str, default: Path | None = None) -> Path | None:
    """A file that is there; a name without a folder before it is looked for where the site was started."""
    value = env(name)
    if value and not Path(value).is_file():
        raise ImproperlyConfigured(f"{name} is “{value}”; there is no such file.")
    return Path(value).resolve() if value else default


def env_browser(name: str) -> str:
    """The program that prints, by its name or its place: Debian's Chromium, where it is installed; empty: none."""
    if name in os.environ:
        asked = os.environ[name].strip()
        if asked and not shutil.which(asked):
            raise ImproperlyConfigured(f"{name} is “{asked}”; there is no such program.")
        return shutil.which(asked) or "" if asked else ""
    programs = ("chromium-headless-shell", "chromium", "chromium-browser")
    return next(filter(None, map(shutil.which, programs)), "")


def env_list(name: str) -> list[str]:
    return [part.strip() for part in env(name).split(",") if part.strip()]


# --- Where we are ---------------------------------------------------------------------------------

DEBUG = env_bool("DEBUG", False)
SECRET_KEY = env("SECRET_KEY", "only-for-development-never-for-a-public-site" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. Set it to fifty or more random characters "
        "(or set SECRET_KEY_FILE to a file that holds them); for development set DEBUG=1 instead."
    )
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS")
if not ALLOWED_HOSTS and not DEBUG:
    raise ImproperlyConfigured(
        "ALLOWED_HOSTS is not set. Set it to the host names that this site answers to, "
        "separated by commas, for example ALLOWED_HOSTS=operations.example.org."
    )
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")

# What the site writes: the SQLite file, uploads that wait for a confirmation, kept import files.
DATA_DIR = Path(env("DATA_DIR", str(BASE_DIR / "var"))).resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True)

# The agency that publishes. DEMO labels every page as a demonstration.
AGENCY_NAME = env("AGENCY_NAME", "Openfield")
DEMO = env_bool("DEMO", False)

# --- Applications ---------------------------------------------------------------------------------

INSTALLED_APPS = [
    "modeltranslation",  # before the admin, as it asks
    "config.apps.OpenfieldAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_countries",
    "django_prose_editor",
    "import_export",
    "csp",
    "operations",
    "contributions",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # with Django's random padding against BREACH
    "django.middleware.http.ConditionalGetMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "operations.context.site",
            ],
        },
    },
]

# --- Database -------------------------------------------------------------------------------------

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA_DIR / "openfield.sqlite3"}}
if url := env("DATABASE_URL"):
    DATABASES["default"] = dj_database_url.parse(url)
_database = DATABASES["default"]
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # Readers never wait for a writer (WAL); a transaction that will write queues at its start
    # instead of failing in its middle (IMMEDIATE).
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
elif _database["ENGINE"] == "django.db.backends.postgresql":
    # To compile a query takes longer than all the work of a page. (A pooler that refuses the parameter: `?options=`
    # at the end of DATABASE_URL.)
    _database.setdefault("OPTIONS", {}).setdefault("options", "-c jit=off")
    # The pool and the health checks together: no failed request across a database restart.
    _database["CONN_HEALTH_CHECKS"] = True
    _database["OPTIONS"]["pool"] = {
        "min_size": env_int("DATABASE_POOL_MIN", 2),
        "max_size": env_int("DATABASE_POOL_MAX", 8),
        "timeout": 10,
    }
else:
    raise ImproperlyConfigured("DATABASE_URL must name SQLite (sqlite:///…) or PostgreSQL (postgres://…).")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Computed public content only, under keys that name what was released; never whole responses.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- Languages and time ---------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fr", _("French")), ("es", _("Spanish")), ("ar", _("Arabic"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
MODELTRANSLATION_DEFAULT_LANGUAGE = "en"
MODELTRANSLATION_FALLBACK_LANGUAGES = ("en",)
FORMAT_MODULE_PATH = ["config.formats"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env("TIME_ZONE", "UTC")
COUNTRIES_FIRST = []
# The United Nations' short names, where the library's differ.
COUNTRIES_OVERRIDE = {
    "BN": _("Brunei Darussalam"),
    "BO": _("Bolivia (Plurinational State of)"),
    "CV": _("Cabo Verde"),
    "CZ": _("Czechia"),
    "FM": _("Micronesia (Federated States of)"),
    "GB": _("United Kingdom of Great Britain and Northern Ireland"),
    "IR": _("Iran (Islamic Republic of)"),
    "KP": _("Democratic People’s Republic of Korea"),
    "KR": _("Republic of Korea"),
    "LA": _("Lao People’s Democratic Republic"),
    "MD": _("Republic of Moldova"),
    "MK": _("North Macedonia"),
    "NL": _("Netherlands (Kingdom of the)"),
    "PS": _("State of Palestine"),
    "RU": _("Russian Federation"),
    "SY": _("Syrian Arab Republic"),
    "SZ": _("Eswatini"),
    "TR": _("Türkiye"),
    "TZ": _("United Republic of Tanzania"),
    "VA": _("Holy See"),
    "VE": _("Venezuela (Bolivarian Republic of)"),
    "VN": _("Viet Nam"),
    "XK": {"name": _("Kosovo (S/RES/1244 (1999))"), "alpha3": "XKX"},
}

# --- Files ----------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Import files are kept here and are never served.
MEDIA_ROOT = DATA_DIR / "files"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_AUTOREFRESH = DEBUG
FILE_UPLOAD_PERMISSIONS = 0o640

# --- Sign-in and security -------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"

# HTTPS=0 only where the site is reached over plain HTTP on this machine, as `make demo` does.
HTTPS = env_bool("HTTPS", not DEBUG)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
if env_bool("BEHIND_PROXY", False):
    # Only where a proxy sets this header on every request and removes the visitor's own.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = env_int("HSTS_SECONDS", 31_536_000) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}

# A role is a group for some operations, see operations/rights.py.
AUTHENTICATION_BACKENDS = ["operations.rights.RoleBackend"]

# --- Release ---------------------------------------------------------------------------------------

# Who made the last change to a text or profile cannot release it.
FOUR_EYES = env_bool("FOUR_EYES", False)

# When the texts of a year are due: month and day, of the year before for a plan, of the year after for a
# year-end report.
DUE_PLAN = env_day("DUE_PLAN", "12-31")
DUE_YEAR_END = env_day("DUE_YEAR_END", "03-31")

# --- E-mail ----------------------------------------------------------------------------------------

# Reminders of what is due (manage.py send_reminders) go out only where they are switched on.
REMINDERS = env_bool("REMINDERS", False)
_smtp = {
    "host": env("EMAIL_HOST", "localhost"),
    "port": env_int("EMAIL_PORT", 25),
    "username": env("EMAIL_HOST_USER"),
    "password": env("EMAIL_HOST_PASSWORD"),
    "use_tls": env_bool("EMAIL_USE_TLS", False),
    "timeout": 10,  # seconds
}
if django.VERSION >= (6, 1):
    _backends = "django.core.mail.backends"
    MAILERS = {
        "default": {"BACKEND": f"{_backends}.console.EmailBackend"}
        if DEBUG
        else {"BACKEND": f"{_backends}.smtp.EmailBackend", "OPTIONS": _smtp}
    }
else:
    EMAIL_HOST, EMAIL_PORT, EMAIL_USE_TLS = _smtp["host"], _smtp["port"], _smtp["use_tls"]
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _smtp["username"], _smtp["password"]
    EMAIL_TIMEOUT = _smtp["timeout"]
    if DEBUG:
        EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", "webmaster@localhost")
# The address of this site, for links in e-mail: https://operations.example.org
SITE_URL = env("SITE_URL").rstrip("/")
if REMINDERS and not SITE_URL:
    raise ImproperlyConfigured(
        "REMINDERS is on, but SITE_URL is not set: e-mail could not link to this site."
    )

# --- Imports --------------------------------------------------------------------------------------

IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "import"
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "view"
IMPORT_EXPORT_USE_TRANSACTIONS = True
IMPORT_MAX_ROWS = env_int("IMPORT_MAX_ROWS", 200_000)
IMPORT_MAX_BYTES = env_int("IMPORT_MAX_BYTES", 50 * 1024 * 1024)
# Larger files are read and imported in the background, by `manage.py work`.
IMPORT_BACKGROUND_BYTES = env_int("IMPORT_BACKGROUND_BYTES", 5 * 1024 * 1024)
# How long, in days, `manage.py work` keeps the files of imports (0: for ever) and imports that came to nothing.
IMPORT_KEEP_FILES_DAYS = env_int("IMPORT_KEEP_FILES_DAYS", 3650)
IMPORT_KEEP_UNFINISHED_DAYS = env_int("IMPORT_KEEP_UNFINISHED_DAYS", 30)
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000

# --- Data for readers -----------------------------------------------------------------------------

# The file in which `manage.py export_data` leaves all that is released, for readers to take; empty: none.
DATA_ARCHIVE = Path(env("DATA_ARCHIVE")).resolve() if env("DATA_ARCHIVE") else None

# --- Private donors -------------------------------------------------------------------------------

# Readers see gifts of private donors in sums of so many donors at least, of whom none gave more than so many per cent
# of a sum; by day or by month. After a change: `manage.py remake_sums`.
PRIVATE_FEWEST_DONORS = env_int("PRIVATE_FEWEST_DONORS", 3)
PRIVATE_LARGEST_SHARE = env_int("PRIVATE_LARGEST_SHARE", 80)
PRIVATE_GIFTS_BY = env("PRIVATE_GIFTS_BY", "day")
if PRIVATE_GIFTS_BY not in {"day", "month"}:
    raise ImproperlyConfigured(f"PRIVATE_GIFTS_BY is “{PRIVATE_GIFTS_BY}”; write day or month.")
if not 1 <= PRIVATE_LARGEST_SHARE <= 100 or PRIVATE_FEWEST_DONORS < 1:
    raise ImproperlyConfigured("PRIVATE_LARGEST_SHARE is per cent, PRIVATE_FEWEST_DONORS at least 1.")

# --- Maps -----------------------------------------------------------------------------------------

# The outlines of countries, and which of them are shown as disputed or left out: docs/maps.md tells their forms.
_outlines = BASE_DIR / "operations" / "outlines"
MAP_OUTLINES = env_file("MAP_OUTLINES", _outlines / "world-50m.json")
MAP_OUTLINES_WORLD = env_file(
    "MAP_OUTLINES_WORLD", MAP_OUTLINES if env("MAP_OUTLINES") else _outlines / "world-110m.json"
)
MAP_SHAPES = env_file("MAP_SHAPES")

# --- PDF ------------------------------------------------------------------------------------------

# The browser that makes the PDF of a page; where it is empty, no page offers one. Its sandbox is off only where the
# system allows it none, as in many containers: docs/print.md.
PDF_BROWSER = env_browser("PDF_BROWSER")
PDF_SANDBOX = env_bool("PDF_SANDBOX", True)

# --- Log ------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"tokens": {"()": "config.logs.WithoutTokens"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["tokens"]}},
    "root": {"handlers": ["stderr"], "level": env("LOG_LEVEL", "INFO").upper()},
}
