"""The API's description names what the application serves, no less and no more."""

import tomllib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import BaseRoute, Mount

from app.domain.intake import Why
from app.errors import REASONS
from app.main import create_app
from app.routing import OneMethodRoute
from app.settings import Settings
from app.state import Lifecycle
from app.telemetry import Metrics
from middleware.loop_lag import LoopLag
from tests.api_document import (
    PROBLEM,
    bodies,
    document,
    examples_of,
    operations,
    schema_errors,
)
from tests.app import settings_for

CHECKOUT = Path(__file__).parents[2]


def served(routes: Sequence[BaseRoute]) -> Iterator[tuple[str, str]]:
    """Yield method and template of every route."""
    for route in routes:
        if isinstance(route, Mount):
            yield from served(route.routes)
        else:
            assert isinstance(route, OneMethodRoute)
            assert route.methods is not None
            [method] = route.methods
            yield method, route._template


@asynccontextmanager
async def never_started(_: object) -> AsyncIterator[dict[str, Any]]:
    yield {}


def player_routes() -> list[tuple[str, str]]:
    app = create_app(
        settings_for(),
        lifecycle=Lifecycle(),
        metrics=Metrics(),
        loop_lag=LoopLag(),
        lifespan=never_started,
    )
    return sorted(served(app.routes))


def names_in(value: Any) -> Iterator[str]:
    """Yield every reference in a part of the document."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for part in value.values():
            yield from names_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from names_in(part)


def test_the_document_is_correct_openapi() -> None:
    assert list(OpenAPIV31SpecValidator(document()).iter_errors()) == []


def test_the_document_is_of_this_release() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    assert document()["info"]["version"] == project["version"]


def test_every_route_is_described_and_nothing_else() -> None:
    described = sorted((method, path) for method, path, _ in operations())
    assert described == player_routes()


def test_every_operation_promises_the_one_error_body() -> None:
    for method, path, operation in operations():
        default = operation["responses"]["default"]
        assert default == {"$ref": "#/components/responses/Problem"}, (method, path)


@pytest.mark.parametrize(("schema", "reasons"), [("Problem", REASONS), ("EventResult", Why)])
def test_a_reason_is_one_of_those_that_are_given(schema: str, reasons: Iterable[str]) -> None:
    described = document()["components"]["schemas"][schema]["properties"]["reason"]["enum"]
    assert sorted(described) == sorted(map(str, reasons))


def test_whatever_is_defined_is_used() -> None:
    parts = document()["components"]
    defined = {
        f"#/components/{kind}/{name}"
        for kind in parts.keys() - {"securitySchemes"}
        for name in parts[kind]
    }
    assert set(names_in(document())) == defined


def schemas_in(schema: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Yield a schema and all that it is made of."""
    yield where, schema
    for name, part in schema.get("properties", {}).items():
        yield from schemas_in(part, f"{where}.{name}")
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from schemas_in(schema[name], f"{where}.{name}")
    for part in schema.get("anyOf", ()):
        yield from schemas_in(part, f"{where}|")


def test_no_schema_leaves_open_what_is_in_it() -> None:
    """A tool that makes clients leaves out whatever it cannot name, and all that refers to it."""
    roots = [*document()["components"]["schemas"].items()]
    roots += [(where, media["schema"]) for where, media in bodies()]
    needed = {"array": ("items",), "object": ("properties", "additionalProperties")}
    for root, whole in roots:
        for where, schema in schemas_in(whole, root):
            assert {"$ref", "anyOf", "type"} & schema.keys(), where
            told = needed.get(schema.get("type"), schema)
            assert any(name in schema for name in told), where


def test_every_operation_has_what_names_it_in_a_client() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)
    tags = {tag["name"] for tag in document()["tags"]}
    schemes = document()["components"]["securitySchemes"].keys()
    for method, path, operation in operations():
        assert len(set(operation["tags"]) & tags) == 1, (method, path)
        asked = {name for way in operation.get("security", document()["security"]) for name in way}
        assert asked <= schemes, (method, path)


def test_every_body_has_an_example_that_fits() -> None:
    for where, media in bodies():
        shown = examples_of(media)
        assert shown, where
        for example in shown:
            assert schema_errors(media["schema"], example) == [], where
            if media["schema"] == PROBLEM:
                kind = REASONS[example["reason"]]
                told = tuple(example[name] for name in ("status", "code", "errorCode", "title"))
                assert told == (kind.status, kind.code, kind.error_code, kind.summary), where


def test_a_refusal_shows_when_to_come_back() -> None:
    [media] = document()["components"]["responses"]["ComeBack"]["content"].values()
    [refusal] = examples_of(media)
    assert (refusal["status"], refusal["retry_after_ms"] > 0) == (503, True)


def test_the_servers_are_the_one_that_is_asked_and_a_local_one() -> None:
    default = Settings(auth_enabled=False)
    local = f"http://{default.host}:{default.port}"
    assert [server["url"] for server in document()["servers"]] == ["/", local]


def test_a_wrong_answer_is_noticed() -> None:
    """The check itself is checked: a schema that allows everything would please every answer."""
    good: dict[str, Any] = {
        "goalId": "g",
        "status": "claimed",
        "reward": {"type": "ITEM", "rewardId": "x", "quantity": 1},
        "claimedAt": "2026-03-06T09:05:00Z",
        "claimId": "73ff1a91-6dd7-54cd-a42a-bdd0d9e3aebe",
        "rewardState": "granted",
    }
    claimed = {"$ref": "#/components/schemas/Claimed"}
    assert schema_errors(claimed, good) == []
    for name, wrong in (("status", "done"), ("claimedAt", "yesterday"), ("reward", {}), ("x", 1)):
        assert schema_errors(claimed, {**good, name: wrong}) != [], name
