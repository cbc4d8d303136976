"""Reads a catalogue file: all of it is right, or every error is told at once, each with its place.

bytes ─► catalogue_json     JSON, with members that were named twice
      ─► catalogue_reader   each field: type, length, range; unknown keys
      ─► catalogue_rules    what goals must be to each other: unique, known, without cycles
      ─► LoadedCatalogue    or CatalogueInvalid
"""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from app.domain.catalogue_json import JsonUnreadable, read_json
from app.domain.catalogue_reader import read_challenges
from app.domain.catalogue_rules import check_goals
from app.domain.findings import Findings
from app.domain.goal import Catalogue, Challenge, GoalIdentity, Rotation

FILE_BYTES_MAX = 8 * 1024 * 1024


class CatalogueInvalid(ValueError):
    """A catalogue file that is not served. `errors` are sentences, each led by its place.

    `warnings` were found beside them.
    """

    def __init__(self, errors: tuple[str, ...], warnings: tuple[str, ...] = ()) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors
        self.warnings = warnings


class IdentityChanged(CatalogueInvalid):
    """Goals changed source, stat, mode or rotation under an id that players have facts of."""


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


def changed_identities(
    catalogue: Catalogue, registered: Mapping[str, GoalIdentity]
) -> tuple[str, ...]:
    """Return a sentence for each goal that is not what was registered under its id, in order.

    Such a catalogue is refused: what is stored of players would mean something else.
    """
    sentences = []
    for goal in catalogue.goals:
        was = registered.get(goal.goal_id, goal.identity)
        if was != goal.identity:
            changes = ", ".join(_changes(was, goal.identity))
            sentences.append(f'goal "{goal.goal_id}": {changes}; a new meaning needs a new goalId')
    return tuple(sentences)


def _changes(was: GoalIdentity, now: GoalIdentity) -> list[str]:
    texts = (
        ("eventSource", was.source, now.source),
        ("statCode", was.stat_code, now.stat_code),
        ("progressMode", was.progress_mode, now.progress_mode),
        ("rotation", _rotation_text(was.rotation), _rotation_text(now.rotation)),
    )
    return [f"{name} was {old} and is now {new}" for name, old, new in texts if old != new]


def _rotation_text(rotation: Rotation | None) -> str:
    if rotation is None:
        return "none"
    flags = [
        name
        for name, is_set in (
            ("resetProgress", rotation.reset_progress),
            ("allowReselection", rotation.allow_reselection),
        )
        if is_set
    ]
    return " with ".join((rotation.schedule, " and ".join(flags))) if flags else rotation.schedule


def _digest(challenges: tuple[Challenge, ...]) -> bytes:
    """Hash the content, not the file: spacing, key order and spelled-out defaults do not matter."""
    return hashlib.sha256(msgspec.json.encode(challenges)).digest()
