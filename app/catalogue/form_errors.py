"""What pydantic finds wrong with the form of a catalogue, in the words of its authors.

pydantic's types of errors: https://docs.pydantic.dev/latest/errors/validation_errors/
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from app.catalogue.findings import Findings
from app.catalogue.form import (
    ID_PATTERN,
    CatalogueForm,
    ChallengeForm,
    GoalForm,
    OnExpiryForm,
    RequirementForm,
    RewardForm,
    RotatingForm,
)
from app.catalogue.place import Path, shown

ROTATION_STEPS: Final = len(("challenges", 0, "goals", 0, "rotation"))

FORMS: Final[Mapping[str, type[BaseModel]]] = MappingProxyType(
    {
        "": CatalogueForm,
        "challenges": ChallengeForm,
        "goals": GoalForm,
        "requirement": RequirementForm,
        "reward": RewardForm,
        "rotation": RotatingForm,
        "onExpiry": OnExpiryForm,
    }
)
"""The form of the objects under a key; of the whole file under none."""


def _choice(context: Mapping[str, Any], value: Any) -> str:
    expected = context["expected"].replace("'", '"')
    return f"must be {expected}, got {shown(value)}"


def _forbidden_character(_: Mapping[str, Any], value: str) -> str:
    # Not match: Python's `$` also matches before a line end.
    if re.fullmatch(ID_PATTERN, value):
        return f'must not hold "/", got {shown(value)}'
    return "must not hold control characters"


def _too_large(noun: str) -> Callable[[Mapping[str, Any], Any], str]:
    return lambda context, value: f"must {noun.format(context['max_length'])}, has {len(value)}"


def _got(sentence: str) -> Callable[[Mapping[str, Any], Any], str]:
    return lambda context, value: f"{sentence.format_map(context)}, got {shown(value)}"


SENTENCES: Final[Mapping[str, Callable[[Mapping[str, Any], Any], str]]] = MappingProxyType(
    {
        "bool_type": _got("must be true or false"),
        "enum": _choice,
        "greater_than_equal": _got("must be a whole number of at least {ge}"),
        "int_type": _got("must be a whole number of at least 1"),
        "less_than_equal": _got("must be at most {le}"),
        "list_type": _got("must be a list"),
        "literal_error": _choice,
        "missing": lambda *_: "is required",
        "model_type": _got("must be an object"),
        "relative_path": _got("must not be a relative path"),
        "reserved": _got("must not be the name of a route"),
        "string_pattern_mismatch": _forbidden_character,
        "string_too_long": _too_large("be at most {} characters long"),
        "string_too_short": lambda *_: "must not be empty",
        "string_type": _got("must be text"),
        "string_unicode": _got("must not hold half a surrogate pair"),
        "too_long": _too_large("hold at most {}"),
        "too_short": lambda *_: "must not be empty",
    }
)


def note_form_errors(error: ValidationError, findings: Findings) -> None:
    """Note each error at its place."""
    for details in error.errors(include_url=False):
        path = _path(details["loc"])
        findings.error(path, _sentence(path, details))


def _path(place: Path) -> Path:
    """Return the author's keys: of a rotation pydantic also names which of the two forms it has."""
    return place[:ROTATION_STEPS] + place[ROTATION_STEPS + 1 :] if _is_rotation(place) else place


def _is_rotation(place: Path) -> bool:
    return len(place) > ROTATION_STEPS and place[ROTATION_STEPS - 1] == "rotation"


def _sentence(path: Path, details: ErrorDetails) -> str:
    kind, value = details["type"], details["input"]
    if kind == "extra_forbidden":
        return _unknown_key(path)
    if value is None and path and isinstance(path[-1], str):
        return "is required"
    if kind not in SENTENCES:
        # A newer pydantic may know more ways to be wrong.
        return details["msg"]
    return SENTENCES[kind](details.get("ctx", {}), value)


def _unknown_key(path: Path) -> str:
    """Also the Go service's documents write `goal_id`, and its reader takes `goalid`."""
    owner = next((step for step in reversed(path[:-1]) if isinstance(step, str)), "")
    meant = _keys_of(owner).get(_folded(str(path[-1])))
    return f'unknown key; is "{meant}" meant?' if meant else "unknown key"


@cache
def _keys_of(owner: str) -> Mapping[str, str]:
    """Return the keys of the objects under a key that mean something, by their folded spelling."""
    fields = FORMS[owner].model_fields.values()
    keys = [str(field.alias) for field in fields if not field.deprecated]
    return {_folded(key): key for key in keys}


def _folded(key: str) -> str:
    return key.replace("_", "").lower()
