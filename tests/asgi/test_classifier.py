import pytest

from app.callers import MockAuthenticator
from middleware.admission import Class
from middleware.classifier import Classifier
from tests.asgi_client import http_scope

PATH = "/challenge/v1/challenges/initialize"
classifier = Classifier({("POST", PATH): Class.INITIALIZE}, MockAuthenticator())


def test_the_same_credential_is_the_same_client_and_another_is_another() -> None:
    alice = http_scope("POST", PATH, [(b"x-mock-user-id", b"alice")])
    bob = http_scope("POST", PATH, [(b"x-mock-user-id", b"bob")])
    assert classifier(alice, 0.1).key == classifier(alice, 0.2).key
    assert classifier(alice, 0.1).key != classifier(bob, 0.1).key
    assert classifier(alice, 0.1).verified


def test_a_key_says_nothing_about_its_credential_and_differs_between_processes() -> None:
    scope = http_scope("POST", PATH, [(b"x-mock-user-id", b"alice")])
    other = Classifier({}, MockAuthenticator())
    assert b"alice" not in classifier(scope, 0.1).key  # type: ignore[operator]
    assert classifier(scope, 0.1).key != other(scope, 0.1).key


def test_without_a_credential_the_address_is_the_key_and_reserves_nothing() -> None:
    anonymous = http_scope("POST", PATH)
    named_like_it = http_scope("POST", PATH, [(b"x-mock-user-id", b"127.0.0.1")])
    assert not classifier(anonymous, 0.1).verified
    assert classifier(anonymous, 0.1).key == classifier(http_scope("GET", "/"), 0.1).key
    assert classifier(anonymous, 0.1).key != classifier(named_like_it, 0.1).key
    classifier({**anonymous, "client": None}, 0.1)


@pytest.mark.parametrize(("method", "wait_ns"), [("POST", 1_000_000_000), ("GET", None)])
def test_only_initialize_may_shorten_its_wait(method: str, wait_ns: int | None) -> None:
    scope = http_scope(method, PATH, [(b"prefer", b"respond-async"), (b"prefer", b"wait=1")])
    assert classifier(scope, 0.1).wait_ns_max == wait_ns
