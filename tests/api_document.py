"""The API's description as the tests ask it: its operations, and whether an answer keeps to it."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from openapi_schema_validator import OAS31Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from app.api_document import api_document

METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
URI = "urn:headrace:api"
PROBLEM: Mapping[str, Any] = {"$ref": "#/components/schemas/ProblemBody"}


@cache
def document() -> Any:
    return json.loads(api_document())


def operations() -> Iterator[tuple[str, str, Any]]:
    """Yield each operation's method, path and description."""
    for path, item in document()["paths"].items():
        for method in METHODS & item.keys():
            yield method.upper(), path, item[method]


def bodies() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each body that is described: where, and its schema and examples."""
    for name, response in document()["components"]["responses"].items():
        for media in response.get("content", {}).values():
            yield name, media
    for method, path, operation in operations():
        entries = {"asked": operation.get("requestBody", {}), **operation["responses"]}
        for entry, described in entries.items():
            for kind, media in described.get("content", {}).items():
                yield f"{method} {path} {entry} {kind}", media


def examples_of(media: Mapping[str, Any]) -> list[Any]:
    """Return the values of a body's examples."""
    shown = [_resolved(example)["value"] for example in media.get("examples", {}).values()]
    return [*shown, media["example"]] if "example" in media else shown


def answer_errors(
    method: str, path: str, status: int, headers: Mapping[str, str], body: bytes
) -> list[str]:
    """Return in what an answer to this operation differs from what the document promises."""
    responses = document()["paths"][path][method.lower()]["responses"]
    if str(status) not in responses and status < 400:
        return [f"status {status} is not promised"]
    promised = _resolved(responses.get(str(status), responses["default"]))
    # Which of them there are depends on the error where one entry stands for several.
    needed = promised.get("headers", {}).keys() if str(status) in responses else ()
    wrong = [f"no header {name}" for name in needed if name.lower() not in headers]
    kind = headers.get("content-type")
    content = promised.get("content", {})
    if not content:
        return [*wrong, *(["a body where none is promised"] if body else [])]
    if kind not in content:
        return [*wrong, f"content type {kind}, promised: {', '.join(content)}"]
    return [*wrong, *schema_errors(content[kind]["schema"], json.loads(body))]


def schema_errors(schema: Mapping[str, Any], value: object) -> list[str]:
    """Return in what a value differs from a schema of the document."""
    registry = Registry().with_resource(URI, DRAFT202012.create_resource(document()))
    local = json.loads(json.dumps(schema).replace('"#/', f'"{URI}#/'))
    return [
        f"{error.json_path}: {error.message}"
        for error in OAS31Validator(local, registry=registry).iter_errors(value)
    ]


def _resolved(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in entry:
        return entry
    found = document()
    for name in entry["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return dict(found)
