"""What a goal is under its id may never change: facts that are stored would mean something else."""

from collections.abc import Mapping
from typing import NamedTuple

from app.domain.goal import Catalogue, GoalIdentity, Rotation


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


class Before(NamedTuple):
    """The catalogue to compare with. `targets` are None where they are not known."""

    revision: int
    goals: frozenset[str]
    defaults: frozenset[str]
    targets: Mapping[str, int] | None


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
