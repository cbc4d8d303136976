"""Every setting: its range, its default, one sentence, and the rules between settings."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from middleware.admission import Share

SECRET = {"database_url", "events_token", "erasure_secret", "reward_url"}

INITIALIZE_BURST_S = 0.1
"""How many seconds' worth of initialize calls may come at once, unless a number is set."""

LOCAL_ERASURE_SECRET = "outside production nothing is secret"  # noqa: S105 - it says so

SHARE_NAMES = sorted(Share)
WAITS = {f"admission_{share}_wait_ms" for share in SHARE_NAMES}
_WEIGHT = re.compile(r"[1-9]\d{0,2}|1000")
_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(?:/s)?")


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


def _weights(value: str) -> str:
    """Check weights such as events=2,gameplay=8,logins=6: every share once, and no other."""
    pairs = [part.strip().partition("=") for part in value.split(",")]
    names = [name for name, _, _ in pairs]
    wrong = [f"there is no share {name!r}" for name in names if name not in SHARE_NAMES]
    wrong += [f"{name} stands there twice" for name in SHARE_NAMES if names.count(name) > 1]
    wrong += [f"{name} is missing" for name in SHARE_NAMES if name not in names]
    wrong += [
        f"{name} has {number!r}, not a whole number from 1 to 1000"
        for name, _, number in pairs
        if name in SHARE_NAMES and not _WEIGHT.fullmatch(number)
    ]
    if wrong:
        raise ValueError("; ".join(wrong))
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


Weights = Annotated[str, AfterValidator(_weights)]
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
        10,
        ge=1,
        le=1000,
        description="Connections to PostgreSQL, all opened at the start; one more is for health.",
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
    admission_initialize_burst: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="Most initialize calls that may be saved up while fewer come; by default those"
        " of 100 ms. Acts with ADMISSION_INITIALIZE_RATE only.",
    )
    admission_limit: Annotated[int, BeforeValidator(_limit), Field(ge=1, le=10_000)] | None = Field(
        None, description="Most requests that run at once; by default DATABASE_POOL_SIZE."
    )
    admission_weights: Weights = Field(
        "events=2,gameplay=8,logins=6",
        description="How events, gameplay and logins share the time that places are held, while"
        " they wait; each from 1 to 1000.",
    )
    admission_events_wait_ms: int = Field(
        1000, ge=0, le=60_000, description="Longest wait of a batch of events in line, in ms."
    )
    admission_gameplay_wait_ms: int = Field(
        150,
        ge=0,
        le=60_000,
        description="Longest wait in line of every player request but initialize, in ms.",
    )
    admission_logins_wait_ms: int = Field(
        2000,
        ge=0,
        le=60_000,
        description="Longest wait of an initialize in line, in ms, unless the client says another.",
    )
    admission_wait_ms_max: int = Field(
        2000,
        ge=0,
        le=60_000,
        description="Longest wait in line of all, in ms, and so of clients that ask for a longer"
        " one.",
    )
    admission_slot_horizon_s: int = Field(
        120, ge=1, le=3600, description="Furthest moment a refused client is promised, in seconds."
    )
    admission_slot_grace_s: int = Field(
        60,
        ge=0,
        le=3600,
        description="How long after its time a missed moment still goes before fresh arrivals, in"
        " seconds.",
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
        errors += [
            f"{name.upper()}={getattr(self, name)} is above ADMISSION_WAIT_MS_MAX="
            f"{self.admission_wait_ms_max}, which bounds every wait"
            for name in sorted(WAITS & self.model_fields_set)
            if getattr(self, name) > self.admission_wait_ms_max
        ]
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
    def initialize_burst(self) -> int | None:
        """How many initialize calls may come at once, in force; None without a rate."""
        rate = self.admission_initialize_rate
        if rate is None:
            return None
        return self.admission_initialize_burst or max(1, round(rate * INITIALIZE_BURST_S))

    @property
    def weights(self) -> dict[Share, int]:
        """The weight of each share."""
        pairs = (part.strip().split("=") for part in self.admission_weights.split(","))
        return {Share(name): int(number) for name, number in pairs}

    @property
    def erasure_key(self) -> str:
        """The secret in force."""
        return self.erasure_secret or LOCAL_ERASURE_SECRET
