import pytest

from middleware.admission import Class
from middleware.admission.classify import class_of, prefer_wait_ns

S = 1_000_000_000
ROUTES = {("POST", "/initialize"): Class.INITIALIZE}


def test_a_route_has_its_class_and_everything_else_is_gameplay() -> None:
    assert class_of(ROUTES, "POST", "/initialize") is Class.INITIALIZE
    assert class_of(ROUTES, "GET", "/initialize") is Class.GAMEPLAY
    assert class_of(ROUTES, "POST", "/initialize/") is Class.GAMEPLAY


@pytest.mark.parametrize(
    ("prefer", "wait_ns"),
    [
        (b"wait=1", S),
        (b"wait=0", 0),
        (b"respond-async, wait=10", 10 * S),
        (b"respond-async;WAIT = 3 ; x", 3 * S),
        (b"await=7", None),
        (b"wait=-1", None),
        (b"wait=1.5", None),
        (b"wait=12345678", None),
        (b"wait", None),
        (b"", None),
    ],
)
def test_prefer_wait_is_read_in_whole_seconds(prefer: bytes, wait_ns: int | None) -> None:
    assert prefer_wait_ns(prefer) == wait_ns
