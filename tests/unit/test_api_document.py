"""The API's description names what the application serves, no less and no more."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

from app.errors import REASONS
from app.settings import Settings
from tests.api_document import (
    PROBLEM,
    bodies,
    document,
    examples_of,
    operations,
    schema_errors,
)

CHECKOUT = Path(__file__).parents[2]


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
    """And it is kept for this client."""
    listing = document()["paths"]["/challenge/v1/challenges/initialize"]["post"]
    [media] = listing["responses"]["503"]["content"].values()
    shown = {refusal["reason"]: refusal for refusal in examples_of(media)}
    assert shown.keys() == {
        *("line_full", "wait_expired", "slot_early"),
        *("database_unavailable", "token_keys_unavailable"),
    }
    assert all(refusal["retry_after_ms"] > 0 for refusal in shown.values())
    assert shown["line_full"]["reserved"]


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
    claimed = {"$ref": "#/components/schemas/ClaimAnswer"}
    assert schema_errors(claimed, good) == []
    for name, wrong in (("status", "done"), ("claimedAt", "yesterday"), ("reward", {}), ("x", 1)):
        assert schema_errors(claimed, {**good, name: wrong}) != [], name
