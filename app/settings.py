"""Every setting: its range, its default, one sentence. Files over environment over defaults.

A name is its field in capitals. `SETTINGS_DIR` names a folder with one file per setting (a mounted
ConfigMap as it is). All errors are reported at once, and each names the variable to change.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

SETTINGS_DIR = "SETTINGS_DIR"
PREFIXES = (
    "ADMISSION_",
    "AUTH_",
    "BODY_",
    "CATALOGUE_",
    "CONNECTIONS_",
    "DATABASE_",
    "DRAIN_",
    "ERASURE_",
    "EVENTS_",
    "OPERATIONS_",
    "REWARD_",
)
"""An unknown name that begins like this is an error: a typing mistake would not act."""

SECRET = {"database_url", "events_token", "erasure_secret", "reward_url"}

UNSET_WHEN_EMPTY = {"otel_exporter_otlp_endpoint", "otel_service_name", "otel_traces_sampler_arg"}
"""OpenTelemetry's specification reads an empty variable as one that is not set."""

LOCAL_ERASURE_SECRET = "outside production nothing is secret"  # noqa: S105 - it says so

_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(?:/s)?")


class SettingsInvalid(Exception):
    """The settings cannot be used. `errors` has one line for each thing to change."""

    def __init__(self, errors: tuple[str, ...]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


class Environment(StrEnum):
    """Where the service runs: production allows no short cuts."""

    LOCAL = "local"
    TEST = "test"
    PRODUCTION = "production"


class AdmissionMode(StrEnum):
    """Whether the gate is built at all."""

    OFF = "off"
    ENFORCE = "enforce"


class LogLevel(StrEnum):
    """The least serious log line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _rate(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value == "auto":
        raise ValueError("auto needs measured capacity, which is not built yet; give n or n/s")
    match = _RATE.fullmatch(value)
    if match is None or float(match[1]) <= 0:
        raise ValueError("expected a rate above 0 such as 300 or 300/s")
    return float(match[1])


def _limit(value: Any) -> Any:
    if value == "auto":
        raise ValueError("auto needs measured capacity, which is not built yet; give a number")
    return value


def is_http_url(text: str) -> bool:
    """Return whether this is an address that can be asked over HTTP."""
    try:
        parts = urlsplit(text)
        whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    return bool(whole) and not any(character.isspace() for character in text)


def _http_url(value: Any) -> Any:
    if not isinstance(value, str) or not is_http_url(value):
        raise ValueError("expected an address such as https://rewards.example/grants")
    return value


RatePerSecond = Annotated[float, BeforeValidator(_rate), Field(gt=0, le=1_000_000)]


class Settings(BaseModel):
    """The service's settings, frozen. Every one is read at the start and not again."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    environment: Environment = Field(
        Environment.LOCAL, description="Where this runs: local, test or production."
    )
    host: str = Field("127.0.0.1", description="Address that both listeners bind.")
    port: int = Field(8000, ge=0, le=65535, description="Port for players.")
    operations_port: int = Field(
        8080, ge=0, le=65535, description="Port for probes and metrics; not for players."
    )
    log_level: LogLevel = Field(
        LogLevel.INFO, description="Least serious log line written: debug, info, warning or error."
    )
    data_dir: Path | None = Field(
        None,
        description="Folder of the embedded PostgreSQL; .data, or for root below /var/lib.",
    )
    database_url: str | None = Field(
        None, description="PostgreSQL to use instead of the embedded one; required in production."
    )
    database_pool_size: int = Field(
        10, ge=1, le=1000, description="Connections to PostgreSQL, all opened at the start."
    )
    catalogue_path: Path | None = Field(
        None, description="challenges.json to serve; by default the sample catalogue."
    )
    namespace: str = Field(
        "local",
        min_length=1,
        max_length=200,
        description="Whose events take effect; those of another namespace are ignored.",
    )
    events_token: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9._~+/-]{16,256}={0,2}$",
        description="Bearer token of the services that send events, 16 characters and more;"
        " unset, none is asked for; required in production.",
    )
    events_make_known: bool = Field(
        True,
        description="Whether the first event of a player makes it known, with the default goals.",
    )
    reward_url: Annotated[str, BeforeValidator(_http_url)] | None = Field(
        None,
        description="Where rewards are granted, http or https; unset, they are granted by a line"
        " in the log; required in production.",
    )
    reward_timeout_ms: int = Field(
        5000, ge=100, le=60_000, description="Longest time for one call to grant a reward, in ms."
    )
    reward_rate_max: int = Field(
        100, ge=1, le=10_000, description="Most calls to grant rewards that begin a second."
    )
    reward_concurrency: int = Field(
        16, ge=1, le=1000, description="Most calls to grant rewards at once."
    )
    reward_attempts_max: int = Field(
        20,
        ge=1,
        le=1000,
        description="Attempts with unknown ends after which a reward is in doubt; 20 take about two"
        " hours.",
    )
    erasure_secret: str | None = Field(
        None,
        min_length=32,
        max_length=256,
        description="Key of what is kept of deleted players' claims, 32 characters and more; never"
        " change it; required in production.",
    )
    auth_enabled: bool = Field(
        True,
        description="Whether players must prove who they are; off, x-mock-user-id is believed.",
    )
    admission_mode: AdmissionMode = Field(
        AdmissionMode.ENFORCE, description="off: no gate at all; enforce: the gate decides."
    )
    admission_initialize_rate: RatePerSecond | None = Field(
        None,
        description="Most initialize calls admitted a second (n or n/s); unset: the limit decides.",
    )
    admission_limit: Annotated[int, BeforeValidator(_limit), Field(ge=1, le=10_000)] | None = Field(
        None, description="Most requests that run at once; by default DATABASE_POOL_SIZE."
    )
    admission_wait_ms_max: int = Field(
        2000,
        ge=0,
        le=60_000,
        description="Longest wait in line, in ms; above 2000 only for clients that ask for it.",
    )
    admission_slot_horizon_s: int = Field(
        120, ge=1, le=3600, description="Furthest moment a refused client is promised, in seconds."
    )
    admission_quota: RatePerSecond = Field(
        50.0, description="One client's own rate (n or n/s); two seconds' worth may come at once."
    )
    admission_line_per_key: int = Field(
        10, ge=1, le=1000, description="Most requests of one client in line."
    )
    connections_max: int = Field(
        10_000, ge=1, le=1_000_000, description="Most connections on the player listener."
    )
    body_bytes_max: int = Field(
        16_384, ge=0, le=16_777_216, description="Largest request body, in bytes."
    )
    body_s_max: float = Field(
        10.0, gt=0, le=300, description="Longest time for a request body to arrive, in seconds."
    )
    drain_delay_s: float = Field(
        5.0,
        ge=0,
        le=300,
        description="After SIGTERM: not ready, but still accepting, for so many seconds.",
    )
    drain_s_max: float = Field(
        10.0, ge=0, le=300, description="Longest time for running requests to end, in seconds."
    )
    otel_service_name: str = Field("headrace", description="Name of this service in traces.")
    otel_exporter_otlp_endpoint: str | None = Field(
        None, description="Base address of an OTLP/HTTP collector; unset, no trace leaves."
    )
    otel_traces_sampler_arg: float = Field(
        1.0, ge=0, le=1, description="Share of requests whose traces are exported, from 0 to 1."
    )

    @model_validator(mode="after")
    def _rules(self) -> "Settings":
        errors = []
        if self.port == self.operations_port != 0:
            errors.append(f"PORT and OPERATIONS_PORT are both {self.port}; they must differ")
        if self.admission_limit is not None and self.admission_limit > self.database_pool_size:
            errors.append(
                f"ADMISSION_LIMIT={self.admission_limit} is above DATABASE_POOL_SIZE="
                f"{self.database_pool_size}: the rest would queue inside the pool"
            )
        if self.environment is Environment.PRODUCTION:
            if not self.auth_enabled:
                errors.append("AUTH_ENABLED=false is for local and test environments only")
            if self.database_url is None:
                errors.append("DATABASE_URL is required in production")
            errors += [
                f"{name.upper()} is required in production"
                for name in ("reward_url", "erasure_secret", "events_token")
                if getattr(self, name) is None
            ]
        if self.auth_enabled:
            errors.append(
                "AUTH_ENABLED=true needs token verification, which is not built yet;"
                " use AUTH_ENABLED=false outside production"
            )
        if errors:
            raise ValueError("\n".join(errors))
        return self

    @property
    def limit(self) -> int:
        """The admission limit in force."""
        return self.admission_limit or self.database_pool_size

    @property
    def erasure_key(self) -> str:
        """The secret in force."""
        return self.erasure_secret or LOCAL_ERASURE_SECRET


class LoadedSettings(BaseModel):
    """Settings, and where each came from: a file, the environment or a default."""

    settings: Settings
    origins: dict[str, str]


def load_settings(
    environ: Mapping[str, str], checks: Mapping[str, Callable[[str], object]] = MappingProxyType({})
) -> LoadedSettings:
    """Read and check everything. Raises `SettingsInvalid` with every error.

    `checks` are those that this module cannot make: by field, they raise a `ValueError` that names
    the variable.
    """
    values: dict[str, str] = {}
    origins: dict[str, str] = {}
    errors: list[str] = []
    for origin, names in (("environment", environ), ("file", _files(environ, errors))):
        for name in names:
            field = name.lower()
            if name.isupper() and field in Settings.model_fields:
                if names[name] or field not in UNSET_WHEN_EMPTY:
                    values[field], origins[field] = names[name], origin
            elif origin == "file" or name.startswith(PREFIXES):
                errors.append(_unknown(name, origin))
    for field in checks.keys() & values.keys():
        try:
            checks[field](values[field])
        except ValueError as error:
            errors.append(str(error))
    defaults = _environment_defaults(values.get("environment", ""))
    origins = {field: origins.get(field, "default") for field in sorted(Settings.model_fields)}
    settings = _validate({**defaults, **values}, errors)
    if settings is None or errors:
        raise SettingsInvalid(tuple(errors))
    return LoadedSettings(settings=settings, origins=origins)


def _validate(values: Mapping[str, Any], errors: list[str]) -> Settings | None:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        wrong = {item["loc"][0] for item in error.errors() if item["loc"]}
        errors += [line for item in error.errors() for line in _explain(item, values)]
    if wrong:
        # The rules between settings are looked at only once each setting is right by itself.
        _validate({field: values[field] for field in values if field not in wrong}, errors)
    return None


def range_of(name: str) -> str:
    """Return which values a setting takes, in a few words."""
    field = Settings.model_fields[name]
    schema = Settings.model_json_schema()
    shape = schema["properties"][name]
    shape = next((one for one in shape.get("anyOf", ()) if one.get("type") != "null"), shape)
    if "$ref" in shape:
        shape = schema["$defs"][shape["$ref"].rsplit("/", 1)[-1]]
    if "enum" in shape:
        return " | ".join(shape["enum"])
    high = shape.get("maximum", shape.get("le"))
    if high is not None:
        above = shape.get("exclusiveMinimum", shape.get("gt"))
        low = shape.get("minimum", shape.get("ge"))
        return f"{low:.0f} to {high:.0f}" if above is None else f"above {above:.0f} to {high:.0f}"
    return "true | false" if field.annotation is bool else "text"


def _environment_defaults(environment: str) -> dict[str, Any]:
    """Return the defaults that differ by environment."""
    if environment == Environment.PRODUCTION:
        return {"host": "0.0.0.0"}  # noqa: S104 - a pod is reached from outside
    if environment == Environment.TEST:
        return {"auth_enabled": False}
    return {"auth_enabled": False, "drain_delay_s": 0.0}


def _files(environ: Mapping[str, str], errors: list[str]) -> dict[str, str]:
    folder = environ.get(SETTINGS_DIR)
    if not folder:
        return {}
    try:
        # A mounted ConfigMap also holds ..data and the like.
        paths = [path for path in Path(folder).iterdir() if not path.name.startswith(".")]
        return {path.name: path.read_text("utf-8").strip() for path in paths if path.is_file()}
    except (OSError, UnicodeDecodeError) as error:
        errors.append(f"{SETTINGS_DIR}={folder}: {error}")
        return {}


def _unknown(name: str, origin: str) -> str:
    known = [field.upper() for field in Settings.model_fields]
    near = difflib.get_close_matches(name.upper(), known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{name} ({origin}): there is no such setting{hint}"


def _explain(item: Any, values: Mapping[str, Any]) -> list[str]:
    message = str(item["msg"]).removeprefix("Value error, ")
    if not item["loc"]:
        return message.split("\n")
    field = str(item["loc"][0])
    shown = "" if field in SECRET else f"={values.get(field, '')}"
    return [f"{field.upper()}{shown}: {message}"]
