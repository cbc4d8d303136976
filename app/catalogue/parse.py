"""Reads a catalogue file: all of it is right, or every error is told at once, each with its place.

bytes ─► app.strict_json    JSON; keys that are given twice are kept to be told with the rest
      ─► form               each key: type, length, range; unknown keys
      ─► between_keys       what keys must be to each other, and what has no effect
      ─► between_goals      what goals must be to each other: unique, known, without cycles
      ─► LoadedCatalogue      or CatalogueInvalid
"""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec
from pydantic import ValidationError

from app.catalogue.between_goals import check_goals, goals_fit
from app.catalogue.between_keys import check_goal, check_repeated_keys
from app.catalogue.findings import Findings
from app.catalogue.form import CatalogueForm
from app.catalogue.form_errors import note_form_errors
from app.catalogue.from_form import challenges_of
from app.catalogue.place import raw_goals
from app.domain.goal import Catalogue, Challenge
from app.domain.identity import CatalogueInvalid
from app.strict_json import Flaw, JsonUnreadable, read_json_file

FILE_BYTES_MAX: Final = 8 * 1024 * 1024

SENTENCES: Final[Mapping[Flaw, str]] = MappingProxyType(
    {
        Flaw.BYTE_ORDER_MARK: "the file begins with a byte order mark; save it as plain UTF-8",
        Flaw.NOT_JSON: "the file is not JSON: {where}",
        Flaw.NOT_UTF8: "the file is not UTF-8 at {where}",
        Flaw.NUMBER_TOO_LONG: "the file holds a number with too many digits",
        Flaw.TOO_DEEP: "the file is nested too deeply",
    }
)


class LoadedCatalogue(NamedTuple):
    """A valid catalogue, and what its author may not have meant."""

    catalogue: Catalogue
    warnings: tuple[str, ...]


def parse_catalogue(data: bytes) -> LoadedCatalogue:
    """Return the catalogue that a file's content describes. Raise CatalogueInvalid."""
    if len(data) > FILE_BYTES_MAX:
        raise CatalogueInvalid(
            (f"the file holds {len(data)} bytes, at most {FILE_BYTES_MAX} may be",)
        )
    try:
        document = read_json_file(data)
    except JsonUnreadable as unreadable:
        sentence = SENTENCES[unreadable.flaw].format(where=unreadable.where)
        raise CatalogueInvalid((sentence,)) from unreadable
    findings = Findings(document)
    challenges = _challenges(document, findings)
    if errors := findings.errors:
        raise CatalogueInvalid(errors, findings.warnings)
    return LoadedCatalogue(Catalogue(challenges, _digest(challenges)), findings.warnings)


def _challenges(document: Any, findings: Findings) -> tuple[Challenge, ...]:
    """Return the file's challenges: all of them if nothing is noted as an error, and else none."""
    if not goals_fit(document, findings):
        return ()
    challenges: tuple[Challenge, ...] = ()
    try:
        challenges = challenges_of(CatalogueForm.model_validate(document))
    except ValidationError as error:
        note_form_errors(error, findings)
    check_repeated_keys(document, findings)
    for goal in raw_goals(document):
        check_goal(goal, findings)
    check_goals(document, findings)
    return challenges


def _digest(challenges: tuple[Challenge, ...]) -> bytes:
    """Hash the content, not the file: spacing, key order and spelled-out defaults do not matter."""
    return hashlib.sha256(msgspec.json.encode(challenges)).digest()
