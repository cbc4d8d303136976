"""The rules between goals: ids are unique, prerequisites exist and can be met."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from app.catalogue.findings import Findings
from app.catalogue.object_reader import owner_text, shown
from app.domain.goal import Challenge, Goal

# Each is one edge too many; whoever has more has one mistake many times over.
CYCLES_MAX = 100
# A longer cycle is named by its first goals.
CYCLE_SHOWN_MAX = 10


def check_goals(challenges: Sequence[Challenge], findings: Findings) -> None:
    """Note repeated ids, unknown and repeated prerequisites, and cycles. Empty ids are skipped."""
    _check_challenge_ids(challenges, findings)
    places: dict[str, str] = {}
    goals: dict[str, Goal] = {}
    for place, goal in _placed_goals(challenges):
        if goal.goal_id in places:
            first = places[goal.goal_id]
            _note_repeated(f"{place}.goalId", "goal", goal.goal_id, first, findings)
        elif goal.goal_id:
            places[goal.goal_id] = place
            goals[goal.goal_id] = goal
    for place, goal in _placed_goals(challenges):
        _check_prerequisites(place, goal, goals, findings)
    edges = {goal_id: goal.prerequisites for goal_id, goal in goals.items()}
    for cycle in islice(_cycles(edges), CYCLES_MAX):
        place = f"{places[cycle[0]]}.prerequisites{owner_text('goal', cycle[0])}"
        findings.error(place, _cycle_sentence(cycle))


def _placed_goals(challenges: Sequence[Challenge]) -> Iterator[tuple[str, Goal]]:
    for number, challenge in enumerate(challenges):
        for index, goal in enumerate(challenge.goals):
            yield f"challenges[{number}].goals[{index}]", goal


def _check_challenge_ids(challenges: Sequence[Challenge], findings: Findings) -> None:
    places: dict[str, str] = {}
    for number, challenge in enumerate(challenges):
        place = f"challenges[{number}]"
        first = places.setdefault(challenge.challenge_id, place)
        if challenge.challenge_id and first != place:
            here = f"{place}.challengeId"
            _note_repeated(here, "challenge", challenge.challenge_id, first, findings)


def _note_repeated(place: str, kind: str, repeated_id: str, first: str, findings: Findings) -> None:
    findings.error(
        place + owner_text(kind, repeated_id), f"{shown(repeated_id)} is already the id of {first}"
    )


def _check_prerequisites(
    place: str, goal: Goal, goals: Mapping[str, Goal], findings: Findings
) -> None:
    seen: set[str] = set()
    for index, needed in enumerate(goal.prerequisites):
        here = f"{place}.prerequisites[{index}]{owner_text('goal', goal.goal_id)}"
        if not needed:
            continue
        if needed in seen:
            findings.error(here, f"{shown(needed)} is named more than once")
        elif needed not in goals:
            findings.error(here, f"there is no goal {shown(needed)}")
        elif needed == goal.goal_id:
            findings.error(here, "a goal cannot be its own prerequisite")
        seen.add(needed)


def _cycles(prerequisites: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Yield each cycle of two goals or more. Depth first without recursion: chains can be long."""
    done: set[str] = set()
    for start in prerequisites:
        path = {start: iter(prerequisites[start])} if start not in done else {}
        while path:
            goal_id, remaining = next(reversed(path.items()))
            for needed in remaining:
                if needed in path and needed != goal_id:
                    trail = list(path)
                    yield trail[trail.index(needed) :]
                elif needed in prerequisites and needed not in done and needed not in path:
                    path[needed] = iter(prerequisites[needed])
                    break
            else:
                del path[goal_id]
                done.add(goal_id)


def _cycle_sentence(cycle: Sequence[str]) -> str:
    shown = [*cycle[:CYCLE_SHOWN_MAX], "…"] if len(cycle) > CYCLE_SHOWN_MAX else [*cycle, cycle[0]]
    return f"none of these goals can unlock, each needs the next: {' -> '.join(shown)}"
