"""The one settings file. Everything that differs between installations comes from the environment.

``COUNTERSIGN_ENV=production`` demands every secret and refuses to start without them; the default,
``development``, keeps its state under ``var/`` and makes its own keys there.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from pathlib import Path
from typing import Any

import dj_database_url
import structlog
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

COUNTERSIGN_ENV = os.environ.get("COUNTERSIGN_ENV", "development")
if COUNTERSIGN_ENV not in ("development", "production", "test"):
    raise ImproperlyConfigured(f"COUNTERSIGN_ENV must be development, production or test, not {COUNTERSIGN_ENV!r}")
PRODUCTION = COUNTERSIGN_ENV == "production"

# What production cannot do without. Named together, so that one start tells everything that is missing.
_REQUIRED = (
    "COUNTERSIGN_SECRET_KEY",
    "COUNTERSIGN_URL",
    "COUNTERSIGN_SIGNING_KEY_FILE",
    "COUNTERSIGN_CHECKPOINT_DIR",
    "DATABASE_URL",
)
if PRODUCTION and (_missing := [name for name in _REQUIRED if not os.environ.get(name)]):
    raise ImproperlyConfigured(f"COUNTERSIGN_ENV=production needs these environment variables: {', '.join(_missing)}")

DATA_DIR = Path(os.environ.get("COUNTERSIGN_DATA_DIR", BASE_DIR / "var"))


def _development_secret() -> str:
    path = DATA_DIR / "keys" / "secret-key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Where another process made it first, both read the same one.
        with (
            contextlib.suppress(FileExistsError),
            os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file,
        ):
            file.write(secrets.token_urlsafe(50))
    return path.read_text()


SECRET_KEY = os.environ.get("COUNTERSIGN_SECRET_KEY") or _development_secret()
_SECRET_LENGTH = 50
if PRODUCTION and len(SECRET_KEY) < _SECRET_LENGTH:
    raise ImproperlyConfigured(f"COUNTERSIGN_SECRET_KEY must be at least {_SECRET_LENGTH} characters long")

DEBUG = os.environ.get("COUNTERSIGN_DEBUG") == "1" and not PRODUCTION
COUNTERSIGN_URL = os.environ.get("COUNTERSIGN_URL", "http://127.0.0.1:8000").rstrip("/")
if PRODUCTION and not COUNTERSIGN_URL.startswith("https://"):
    raise ImproperlyConfigured("COUNTERSIGN_URL must begin with https:// in production")
_HOST = COUNTERSIGN_URL.split("://", 1)[-1].split("/", 1)[0]
ALLOWED_HOSTS = [_HOST.rsplit(":", 1)[0], *os.environ.get("COUNTERSIGN_ALLOWED_HOSTS", "").split()]
if not PRODUCTION:
    ALLOWED_HOSTS += ["127.0.0.1", "localhost", "[::1]", "testserver"]
CSRF_TRUSTED_ORIGINS = [COUNTERSIGN_URL]

INSTALLED_APPS = [
    "governance",
    "audits",
    "registry",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "guardian",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_tasks",
    "django_tasks_db",
    "django_htmx",
    "csp",
    "axes",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "governance.plain_addresses.plain_addresses",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "governance.urls"
WSGI_APPLICATION = "governance.wsgi.application"
ASGI_APPLICATION = "governance.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django.template.loaders.filesystem.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
        },
    }
]

# ── database ─────────────────────────────────────────────────────────────────────────────────────────────────────

DATABASES: dict[str, Any] = {
    "default": dj_database_url.config(
        default=f"sqlite:///{DATA_DIR / 'countersign.sqlite3'}", conn_max_age=60, conn_health_checks=True
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE: a write transaction takes its lock first, so chained ledger entries never fork. recursive_triggers:
    # without it INSERT OR REPLACE would overwrite rows that the triggers protect.
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON; PRAGMA busy_timeout=30000;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────

AUTH_USER_MODEL = "registry.Person"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None
GUARDIAN_GET_INIT_ANONYMOUS_USER = None
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "inbox"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "locked_out.html"
AXES_VERBOSE = False
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SAMESITE = "Lax"

# ── e-mail ───────────────────────────────────────────────────────────────────────────────────────────────────────

# Without a host nothing is mailed: notices then wait in the inbox only.
EMAIL_HOST = os.environ.get("COUNTERSIGN_SMTP_HOST", "")
EMAIL_PORT = int(os.environ.get("COUNTERSIGN_SMTP_PORT", "587"))
EMAIL_HOST_USER = os.environ.get("COUNTERSIGN_SMTP_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("COUNTERSIGN_SMTP_PASSWORD", "")
EMAIL_USE_TLS = os.environ.get("COUNTERSIGN_SMTP_TLS", "1") == "1"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = os.environ.get("COUNTERSIGN_MAIL_FROM", f"countersign@{ALLOWED_HOSTS[0]}")

# ── API ──────────────────────────────────────────────────────────────────────────────────────────────────────────

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "governance.authentication.TokenAuthentication",
        "governance.authentication.BrowserSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated", "governance.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "registry.api.negotiation.OneRepresentation",
    "DEFAULT_PARSER_CLASSES": ["registry.api.parsers.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "registry.api.pagination.CreatedCursorPagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.UserRateThrottle",
        "rest_framework.throttling.AnonRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "user": os.environ.get("COUNTERSIGN_API_RATE", "6000/min"),
        "anon": "300/min",
        # By the second: a short window keeps the list of recent calls short.
        "lineage": os.environ.get("COUNTERSIGN_LINEAGE_RATE", "1000/sec"),
    },
    "EXCEPTION_HANDLER": "registry.api.problems.problem_response",
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "ENUM_NAME_OVERRIDES": {"RiskTierEnum": "registry.models.RiskTier", "JobStatusEnum": "audits.models.JobStatus"},
    "TITLE": "Countersign",
    "DESCRIPTION": "The gate in front of production for machine-learning models.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
}

# ── background work ──────────────────────────────────────────────────────────────────────────────────────────────

if PRODUCTION:
    # Loops compiled once serve all workers; a service user often has no home of its own to keep them in.
    os.environ.setdefault("NUMBA_CACHE_DIR", str(DATA_DIR / "numba"))
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default"]}}
COUNTERSIGN_LEASE_SECONDS = int(os.environ.get("COUNTERSIGN_LEASE_SECONDS", "60"))
COUNTERSIGN_HEARTBEAT_SECONDS = float(os.environ.get("COUNTERSIGN_HEARTBEAT_SECONDS", "10"))
COUNTERSIGN_MAX_ATTEMPTS = int(os.environ.get("COUNTERSIGN_MAX_ATTEMPTS", "3"))
# Rows that people ask a model about may be about people: so long they are kept.
COUNTERSIGN_WHAT_IF_HOURS = float(os.environ.get("COUNTERSIGN_WHAT_IF_HOURS", "24"))

# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────

COUNTERSIGN_MAX_ARTIFACT_BYTES = int(os.environ.get("COUNTERSIGN_MAX_ARTIFACT_BYTES", str(20 * 1024**3)))
_S3_BUCKET = os.environ.get("COUNTERSIGN_S3_BUCKET")
STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": DATA_DIR / "files"}},
    "artifacts": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": _S3_BUCKET,
            "endpoint_url": os.environ.get("COUNTERSIGN_S3_ENDPOINT"),
            "location": os.environ.get("COUNTERSIGN_S3_PREFIX", "artifacts"),
            "file_overwrite": False,
            "default_acl": None,
        },
    }
    if _S3_BUCKET
    else {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": DATA_DIR / "artifacts",
            "file_permissions_mode": 0o440,
            "directory_permissions_mode": 0o750,
        },
    },
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
STATIC_URL = "/static/"
# Outside production nothing is collected: the files are found where they lie.
_STATIC_ROOT = os.environ.get("COUNTERSIGN_STATIC_ROOT", str(DATA_DIR / "static") if PRODUCTION else "")
STATIC_ROOT = Path(_STATIC_ROOT) if _STATIC_ROOT else None
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000

# ── ledger and keys ──────────────────────────────────────────────────────────────────────────────────────────────

COUNTERSIGN_SIGNING_KEY_FILE = Path(os.environ.get("COUNTERSIGN_SIGNING_KEY_FILE", DATA_DIR / "keys" / "signing.pem"))
COUNTERSIGN_CHECKPOINT_DIR = Path(os.environ.get("COUNTERSIGN_CHECKPOINT_DIR", DATA_DIR / "checkpoints"))
COUNTERSIGN_ORIGIN = os.environ.get("COUNTERSIGN_ORIGIN", f"{_HOST}/countersign")

# ── security headers ─────────────────────────────────────────────────────────────────────────────────────────────

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if PRODUCTION:
    SECURE_SSL_REDIRECT = os.environ.get("COUNTERSIGN_SSL_REDIRECT", "1") == "1"
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}

# ── language, logs ───────────────────────────────────────────────────────────────────────────────────────────────

LANGUAGE_CODE = "en"
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True

_SHARED_PROCESSORS: list[Any] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
_RENDERERS: list[Any] = (
    [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    if PRODUCTION
    else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
)
structlog.configure(
    processors=[*_SHARED_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _SHARED_PROCESSORS,
            "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_RENDERERS],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": sys.stderr, "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("COUNTERSIGN_LOG_LEVEL", "WARNING")},
}
