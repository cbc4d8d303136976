"""One challenge alone is what the list has of it, byte for byte."""

import json
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from app.answers.templates import Fragments
from tests.property.test_answer import Situation, situations


@given(situations(), st.booleans())
def test_the_list_is_its_challenges_and_what_it_leaves_out_has_no_goals(
    situation: Situation, active_only: bool
) -> None:
    template = Fragments(situation.catalogue).template(situation.groups)
    numbers = count()
    alone = [
        template.challenge_answer(
            [next(numbers) for _ in challenge.goals],
            situation.states,
            situation.now_ms,
            active_only=active_only,
        )
        for challenge in situation.catalogue.challenges
    ]
    for answer, challenge in zip(alone, situation.catalogue.challenges, strict=True):
        assert json.loads(answer)["challengeId"] == challenge.challenge_id
    listed = [answer for answer in alone if json.loads(answer)["goals"]]
    together = template.list_answer(situation.states, situation.now_ms, active_only=active_only)
    assert together == b'{"challenges":[%b]}' % b",".join(listed)
