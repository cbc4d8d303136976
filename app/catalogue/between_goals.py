"""The rules between goals: ids are unique, prerequisites exist and can be met.

They look at the file as it is, whatever else is wrong with it. What has no id is skipped.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from app.catalogue.findings import Findings
from app.catalogue.form import GOALS_MAX
from app.catalogue.place import (
    Path,
    RawGoal,
    challenge_id_of,
    raw_challenges,
    raw_goals,
    shown,
    text_of,
)

# Each is one edge too many; whoever has more has one mistake many times over.
CYCLES_MAX: Final = 100
# A longer cycle is named by its first goals.
CYCLE_SHOWN_MAX: Final = 10


def goals_fit(document: Any, findings: Findings) -> bool:
    """Return whether there are not too many goals in all; note it if there are."""
    lists = [challenge.get("goals") for _, challenge in raw_challenges(document)]
    goals = sum(len(each) for each in lists if isinstance(each, list))
    if goals > GOALS_MAX:
        findings.error(("challenges",), f"must hold at most {GOALS_MAX} goals in all, has {goals}")
    return goals <= GOALS_MAX


def check_goals(document: Any, findings: Findings) -> None:
    """Note repeated ids, unknown and repeated prerequisites, and cycles."""
    challenge_ids = (
        ((*path, "challengeId"), challenge_id_of(challenge))
        for path, challenge in raw_challenges(document)
    )
    _unique(challenge_ids, findings)
    goals = list(raw_goals(document))
    first = _unique((((*goal.path, "goalId"), goal.goal_id) for goal in goals), findings)
    for goal in goals:
        _check_prerequisites(goal, first, findings)
    by_id = {goal.goal_id: goal for goal in reversed(goals) if goal.goal_id}
    edges = {goal_id: by_id[goal_id].prerequisites for goal_id in first}
    for cycle in islice(_cycles(edges), CYCLES_MAX):
        path = (*by_id[cycle[0]].path, "prerequisites")
        findings.error(path, _cycle_sentence(cycle))


def _unique(ids: Iterable[tuple[Path, str]], findings: Findings) -> Mapping[str, Path]:
    """Return where each id stands first; note where it stands again."""
    first: dict[str, Path] = {}
    for path, each in ids:
        if each and first.setdefault(each, path) != path:
            owner = text_of(first[each][:-1])
            findings.error(path, f"{shown(each)} is already the id of {owner}")
    return first


def _check_prerequisites(goal: RawGoal, known: Mapping[str, Path], findings: Findings) -> None:
    named: set[str] = set()
    for index, needed in enumerate(goal.prerequisites):
        path = (*goal.path, "prerequisites", index)
        if not needed:
            continue
        if needed in named:
            findings.error(path, f"{shown(needed)} is named more than once")
        elif needed not in known:
            findings.error(path, f"there is no goal {shown(needed)}")
        elif needed == goal.goal_id:
            findings.error(path, "a goal cannot be its own prerequisite")
        named.add(needed)


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
    trail = [shown(each).strip('"') for each in (*cycle[:CYCLE_SHOWN_MAX], cycle[0])]
    if len(cycle) > CYCLE_SHOWN_MAX:
        trail[-1] = "…"
    return f"none of these goals can unlock, each needs the next: {' -> '.join(trail)}"
