"""From a request line to a class, and from `Prefer: wait` to a bound on waiting."""

import re
from collections.abc import Mapping

from middleware.admission.decision import Class
from middleware.admission.settings import SECOND_NS

Routes = Mapping[tuple[str, str], Class]
"""Method and exact path to class. What is not listed is gameplay."""

_PREFER_WAIT = re.compile(rb"(?:^|[,;\s])wait\s*=\s*(\d{1,6})(?:$|[,;\s])", re.IGNORECASE)


def class_of(routes: Routes, method: str, path: str) -> Class:
    """Return the class of a request."""
    return routes.get((method, path), Class.GAMEPLAY)


def prefer_wait_ns(prefer: bytes) -> int | None:
    """Return the seconds of `Prefer: wait=N` (RFC 7240, section 4.3) in nanoseconds, or None."""
    match = _PREFER_WAIT.search(prefer)
    return int(match[1]) * SECOND_NS if match else None
