"""The gate's state as metrics: read once for each look, so that its numbers belong together."""

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from middleware.admission import Bound, Class, Share, Snapshot


class GateCollector(Collector):
    """Turns what `snapshot` returns into gauges."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot

    def describe(self) -> list[GaugeMetricFamily]:
        """Name what is collected, without looking at the gate."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every gauge of one moment."""
        snapshot = self._snapshot()
        yield GaugeMetricFamily(
            "admission_limit", "How many requests may run at once.", snapshot.limit
        )
        yield GaugeMetricFamily(
            "admission_running", "Requests that hold a place.", snapshot.running
        )
        yield GaugeMetricFamily(
            "admission_promised",
            "Moments to return that were promised and are still ahead.",
            snapshot.promised,
        )
        yield GaugeMetricFamily(
            "admission_promised_kept_ratio",
            "Share of the promised moments that is counted on, of those that fell due last.",
            snapshot.kept,
        )
        yield GaugeMetricFamily(
            "admission_horizon_seconds",
            "How far away a promised moment may be now; the memory for promises can shorten it.",
            snapshot.horizon_ns / 1e9,
        )
        yield GaugeMetricFamily(
            "admission_drain_per_second",
            "Initialize calls that are served a second while they have to wait.",
            1e9 / snapshot.drain_interval_ns,
        )
        waiting = GaugeMetricFamily(
            "admission_waiting", "Requests in line, by class.", labels=("class",)
        )
        for cls in Class:
            waiting.add_metric([cls.label], snapshot.waiting[cls])
        yield waiting
        yield from _by_share(snapshot)


def _by_share(snapshot: Snapshot) -> Iterator[GaugeMetricFamily]:
    places = GaugeMetricFamily(
        "admission_places",
        "Requests that hold a place, by the share that their time is charged to.",
        labels=("share",),
    )
    held = GaugeMetricFamily(
        "admission_place_held_seconds",
        "What a place is held for on average, by share.",
        labels=("share",),
    )
    binds = GaugeMetricFamily(
        "admission_binds",
        "1 for what keeps those of a share in line from running, 0 for the others.",
        labels=("share", "bound"),
    )
    for share in Share:
        places.add_metric([share], snapshot.places[share])
        held.add_metric([share], snapshot.held_ns[share] / 1e9)
        for bound in Bound:
            binds.add_metric([share, bound], snapshot.binds[share] is bound)
    yield from (places, held, binds)
