"""The Go service's environment, in the words of this one."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

SAME: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AB_NAMESPACE": "NAMESPACE",
        "CHALLENGE_CONFIG_PATH": "CATALOGUE_PATH",
        "DB_MAX_OPEN_CONNS": "DATABASE_POOL_SIZE",
        "LOG_LEVEL": "LOG_LEVEL",
        "OTEL_SERVICE_NAME": "OTEL_SERVICE_NAME",
    }
)
"""What has the same values under another name, or its own."""

WORDS: Final = MappingProxyType({"warn": "warning", "fatal": "error", "trace": "debug"})
"""Levels of its log that have another name here."""

DATABASE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "DB_HOST": "localhost",
        "DB_PORT": "5432",
        "DB_NAME": "challenge_service",
        "DB_USER": "postgres",
        "DB_PASSWORD": "",
        "DB_SSLMODE": "disable",
    }
)
"""The parts of the database's address, with the Go service's defaults."""

KEYS_PATH: Final = "/iam/v3/oauth/jwks"

REVOCATIONS_PATH: Final = "/iam/v3/oauth/revocationlist"

BASE_PATH: Final = "/challenge"

WITHOUT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "CLEANUP_": "there are no rows that expire",
        "DB_CONN_": "connections are kept open, all of them",
        "DB_MAX_IDLE_CONNS": "as DB_CONN_",
        "MIGRATIONS_PATH": "the migrations are part of the service",
        "OTEL_EXPORTER_ZIPKIN_ENDPOINT": "traces go by OTLP: set OTEL_EXPORTER_OTLP_ENDPOINT",
        "REFRESH_INTERVAL": "keys are fetched every 4 minutes",
    }
)
"""What has no setting here, and why; a name that ends in _ stands for all that begin with it."""


def translated(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield lines of our settings, `NAME=value`, and comments on what has none.

    Values are as they are; whoever writes them to a shell quotes them.
    """
    for name, ours in SAME.items():
        if environment.get(name):
            value = environment[name]
            yield f"{ours}={WORDS.get(value.lower(), value) if ours == 'LOG_LEVEL' else value}"
    if DATABASE.keys() & environment.keys():
        yield f"DATABASE_URL={_database_url({**DATABASE, **environment})}"
    yield from _authentication(environment)
    yield from _rewards(environment)
    if environment.get("BASE_PATH", BASE_PATH).rstrip("/") != BASE_PATH:
        yield f"# BASE_PATH: always {BASE_PATH} here; let the proxy in front translate it"
    for name in sorted(environment):
        why = WITHOUT.get(name) or next(
            (WITHOUT[part] for part in WITHOUT if part.endswith("_") and name.startswith(part)), ""
        )
        if why:
            yield f"# {name}: {why}"


def _database_url(parts: Mapping[str, str]) -> str:
    password = f":{quote(parts['DB_PASSWORD'], safe='')}" if parts["DB_PASSWORD"] else ""
    user = quote(parts["DB_USER"], safe="") + password
    address = f"{parts['DB_HOST']}:{parts['DB_PORT']}/{quote(parts['DB_NAME'], safe='')}"
    return f"postgresql://{user}@{address}?sslmode={parts['DB_SSLMODE']}"


def _authentication(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield what the platform's tokens need. As there, unset means that they are asked for."""
    is_on = environment.get("PLUGIN_GRPC_SERVER_AUTH_ENABLED", "true").lower() == "true"
    if not is_on:
        yield "AUTH_ENABLED=false"
        yield "# AUTH_ENABLED: production starts with true only; test believes everybody"
        return
    yield "AUTH_ENABLED=true"
    base = environment.get("AB_BASE_URL", "").rstrip("/")
    if base:
        yield f"AUTH_ISSUER={base}"
        yield f"AUTH_KEYS={base}{KEYS_PATH}"
        yield from _revocations(environment, base)
        yield "# AUTH_ISSUER: compare it with `iss` in one of your players' tokens"
    else:
        yield "# AUTH_ISSUER, AUTH_KEYS: set them to your platform's, since AB_BASE_URL is missing"


def _revocations(environment: Mapping[str, str], base: str) -> Iterator[str]:
    """Yield the address of the platform's list, which takes the credentials of a client."""
    client = [environment.get(name, "") for name in ("AB_CLIENT_ID", "AB_CLIENT_SECRET")]
    if all(client):
        user = ":".join(quote(part, safe="") for part in client)
        scheme, _, host = base.partition("://")
        yield f"# AUTH_REVOCATIONS={scheme}://{user}@{host}{REVOCATIONS_PATH}"
        yield "# AUTH_REVOCATIONS: off until you have tried that address; then no new token is good"
        yield "#   while the list cannot be had"
    else:
        yield "# AUTH_REVOCATIONS: needs AB_CLIENT_ID and AB_CLIENT_SECRET, as in the Go service"


def _rewards(environment: Mapping[str, str]) -> Iterator[str]:
    if environment.get("REWARD_CLIENT_MODE", "real") == "mock":
        yield "# REWARD_CLIENT_MODE: unset, REWARD_URL grants by a line in the log, as mock does"
    else:
        yield "# REWARD_URL: set it to what grants rewards; app/rewards/provider.py has the call"
