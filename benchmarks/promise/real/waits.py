"""How long the admitted waited at the gate, as the service itself counts it."""

import http.client

import msgspec
from prometheus_client.parser import text_string_to_metric_families

BUCKETS = "admission_wait_seconds_bucket"
GAMEPLAY = "gameplay"
ANSWER_S_MAX = 10


class Waits(msgspec.Struct, frozen=True):
    """How many of `count` waited at most so many seconds, by the text of that number."""

    count: int
    at_most: dict[str, int]

    @property
    def percent_within_10_ms(self) -> float:
        """The share that waited no longer."""
        return round(100 * self.at_most["0.01"] / self.count, 3) if self.count else 0.0

    @property
    def p95_ms_at_most(self) -> float:
        """The smallest bucket that 95 % of the waits are in."""
        buckets = [float(s) for s, within in self.at_most.items() if within >= 0.95 * self.count]
        return 1000 * min(buckets, default=0.0)


def ask_waits(operations_port: int) -> Waits:
    """Ask a service how long its players' requests, but for initializes, have waited so far."""
    connection = http.client.HTTPConnection("127.0.0.1", operations_port, timeout=ANSWER_S_MAX)
    try:
        connection.request("GET", "/metrics")
        return read_waits(connection.getresponse().read().decode())
    finally:
        connection.close()


def read_waits(text: str) -> Waits:
    """Return the waits of gameplay in what a service shows of its metrics."""
    at_most = {
        sample.labels["le"]: round(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == BUCKETS and sample.labels["class"] == GAMEPLAY
    }
    return Waits(count=max(at_most.values(), default=0), at_most=at_most)
