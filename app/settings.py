"""Every setting: its range, its default, one sentence, and the rules between settings."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from app.setting_types import (
    SHARE_NAMES,
    AdmissionMode,
    Algorithms,
    Bearer,
    Environment,
    HttpUrl,
    KeySource,
    LogLevel,
    RatePerSecond,
    Weights,
    limit_or_auto,
    names_of,
)
from middleware.admission import Share

SECRET = {
    "admission_ticket_secret",
    "admission_ticket_secret_before",
    "auth_revocations",
    "database_url",
    "erasure_secret",
    "events_token",
    "operations_token",
    "reward_url",
}

INITIALIZE_BURST_S = 0.1
"""How many seconds' worth of initialize calls may come at once, unless a number is set."""

LOCAL_ERASURE_SECRET = "outside production nothing is secret"  # noqa: S105 - it says so

WAITS = {f"admission_{share}_wait_ms" for share in SHARE_NAMES}


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
    operations_token: Bearer | None = Field(
        None,
        description="Bearer token of whoever sets the clock on the operations port, 16 characters"
        " and more; unset, nobody can outside local.",
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
    events_token: Bearer | None = Field(
        None,
        description="Bearer token of the services that send events, 16 characters and more;"
        " unset, none is asked for; required in production.",
    )
    events_make_known: bool = Field(
        True,
        description="Whether the first event of a player makes it known, with the default goals.",
    )
    reward_url: HttpUrl | None = Field(
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
    events_client_ids: str | None = Field(
        None,
        max_length=10_000,
        description="Clients whose own tokens may send events, with commas; beside EVENTS_TOKEN.",
    )
    events_permission: str | None = Field(
        None,
        max_length=1_000,
        description="Permission that lets the token of any client send events.",
    )
    auth_enabled: bool = Field(
        True,
        description="Whether players must prove who they are; off, x-mock-user-id is believed.",
    )
    auth_keys: KeySource | None = Field(
        None,
        description="JSON Web Key Set of the issuer of tokens: an address, http or https, or a"
        " file; required if AUTH_ENABLED.",
    )
    auth_revocations: KeySource | None = Field(
        None,
        description="The platform's list of revoked tokens and users: an address, with its"
        " credentials, or a file; unset, tokens are good until they expire.",
    )
    auth_issuer: str | None = Field(
        None,
        max_length=1_000,
        description="What a token's iss must be; required in production.",
    )
    auth_audience: str | None = Field(
        None, max_length=1_000, description="What a token's aud must hold; unset, it is not read."
    )
    auth_algorithms: Algorithms = Field(
        "RS256", description="Algorithms that tokens may be signed with, with commas."
    )
    auth_namespace_claim: str = Field(
        "extend_namespace",
        min_length=1,
        max_length=100,
        description="Claim that must be NAMESPACE in every token that has it.",
    )
    auth_leeway_s: int = Field(
        30, ge=0, le=300, description="How far a token's instants may be off, in seconds."
    )
    auth_life_s_max: int = Field(
        86_400, ge=60, le=31_536_000, description="Longest life of a token, in seconds."
    )
    auth_verify_share: float = Field(
        0.1,
        ge=0.01,
        le=1,
        description="Share of a core that may go into verifying tokens of requests that are then"
        " refused; three times as much while places are free.",
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
    admission_limit: (
        Annotated[int, BeforeValidator(limit_or_auto), Field(ge=1, le=10_000)] | None
    ) = Field(None, description="Most requests that run at once; by default DATABASE_POOL_SIZE.")
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
    admission_ticket_secret: str | None = Field(
        None,
        min_length=32,
        max_length=256,
        description="Key that tickets are signed with, 32 characters and more, the same in every"
        " pod; required in production; unset, there are no tickets.",
    )
    admission_ticket_secret_before: str | None = Field(
        None,
        min_length=32,
        max_length=256,
        description="Key whose tickets are still accepted, while it is replaced.",
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
        errors += self._authentication_errors()
        if self.environment is Environment.PRODUCTION:
            errors += self._production_errors()
        if errors:
            raise ValueError("\n".join(errors))
        return self

    def _authentication_errors(self) -> list[str]:
        if self.auth_enabled:
            missing = "AUTH_KEYS is required, since AUTH_ENABLED is true"
            return [missing] if self.auth_keys is None else []
        return [
            f"{name.upper()} needs AUTH_ENABLED=true: no token of a client is looked at"
            for name in ("events_client_ids", "events_permission")
            if getattr(self, name) is not None
        ]

    def _production_errors(self) -> list[str]:
        errors = [
            f"{name.upper()} is required in production"
            for name in (
                *("database_url", "reward_url", "erasure_secret"),
                *("admission_ticket_secret", "auth_issuer"),
            )
            if getattr(self, name) is None
        ]
        if not self.auth_enabled:
            errors.append("AUTH_ENABLED=false is for local and test environments only")
        if not (self.events_token or self.service_client_ids or self.events_permission):
            errors.append(
                "EVENTS_TOKEN is required in production, or EVENTS_CLIENT_IDS or EVENTS_PERMISSION"
            )
        return errors

    @property
    def service_client_ids(self) -> frozenset[str]:
        """The clients whose own tokens may send events."""
        return names_of(self.events_client_ids or "")

    @property
    def ticket_secrets(self) -> tuple[str, ...]:
        """The keys of tickets: the one that signs, and the one before."""
        secrets = self.admission_ticket_secret, self.admission_ticket_secret_before
        return tuple(secret for secret in secrets if secret is not None)

    @property
    def token_algorithms(self) -> frozenset[str]:
        """The algorithms that tokens may be signed with."""
        return names_of(self.auth_algorithms)

    @property
    def clock_may_be_set(self) -> bool:
        """Whether anybody may let this process stand at another moment than the database's."""
        if self.environment is Environment.TEST:
            return self.operations_token is not None
        return self.environment is Environment.LOCAL

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
