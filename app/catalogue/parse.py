"""Reads a catalogue file: all of it is right, or every error is told at once, each with its place.

bytes ─► strict_json      JSON, with members that were named twice
      ─► reader           each field: type, length, range; unknown keys
      ─► between_goals    what goals must be to each other: unique, known, without cycles
      ─► LoadedCatalogue    or CatalogueInvalid
"""

import hashlib
from typing import NamedTuple

import msgspec

from app.catalogue.between_goals import check_goals
from app.catalogue.findings import Findings
from app.catalogue.reader import read_challenges
from app.catalogue.strict_json import JsonUnreadable, read_json
from app.domain.goal import Catalogue, Challenge
from app.domain.identity import CatalogueInvalid

FILE_BYTES_MAX = 8 * 1024 * 1024


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
        document = read_json(data)
    except JsonUnreadable as unreadable:
        raise CatalogueInvalid((str(unreadable),)) from unreadable
    findings = Findings()
    challenges = read_challenges(document, findings)
    check_goals(challenges, findings)
    if errors := findings.errors:
        raise CatalogueInvalid(errors, findings.warnings)
    return LoadedCatalogue(Catalogue(challenges, _digest(challenges)), findings.warnings)


def _digest(challenges: tuple[Challenge, ...]) -> bytes:
    """Hash the content, not the file: spacing, key order and spelled-out defaults do not matter."""
    return hashlib.sha256(msgspec.json.encode(challenges)).digest()
