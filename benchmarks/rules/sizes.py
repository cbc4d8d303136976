"""How much each part measures: in full, and in a short form that only shows that it works."""

import msgspec


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """Repeats and rounds are medians' samples; each round takes every rival once."""

    repeats: int
    repeat_ns_min: int
    rounds: int
    round_s: float
    burst_rounds: int
    burst_s: int
    counted: int
    stored_players: int
    event_rounds: int
    event_batches: int
    claims: int


FULL = Size(
    repeats=9,
    repeat_ns_min=50_000_000,
    rounds=5,
    round_s=4.0,
    burst_rounds=3,
    burst_s=60,
    counted=1_000,
    stored_players=10_000,
    event_rounds=3,
    event_batches=100,
    claims=20_000,
)

SHORT = Size(
    repeats=3,
    repeat_ns_min=5_000_000,
    rounds=2,
    round_s=1.0,
    burst_rounds=1,
    burst_s=5,
    counted=50,
    stored_players=500,
    event_rounds=2,
    event_batches=10,
    claims=500,
)
