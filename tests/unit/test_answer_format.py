"""Whoever changes a list's bytes counts the tags' format up, or clients keep what is no more so."""

from hashlib import sha256

from app.domain.goal import GoalState, States, Status
from app.handlers.conditional import TAG_FORMAT
from tests.unit.test_answer import DAILY, NOW_MS, fragments, goal, relative

# The format, and the digest of the bytes that it stands for. With new bytes, both change.
FORMAT_OF_BYTES = (1, "dbee716c96c4b704")


def test_a_lists_bytes_belong_to_the_format_that_is_in_its_tag() -> None:
    template = fragments(
        [goal("new"), goal("begun"), goal("done", description="All of it")],
        [goal("locked", prerequisites=["new"]), goal("open", prerequisites=["done"])],
        [goal("daily", rotation=DAILY, **relative()), goal("claimed")],
    ).template([(0, [1]), (0, [0, 2, 3])])
    begun = GoalState(4, Status.IN_PROGRESS, None, None, True, NOW_MS, False)
    done = GoalState(9, Status.COMPLETED, NOW_MS - 2_000, None, True, NOW_MS, False)
    states = States(
        {0: begun},
        {
            2: done,
            4: GoalState(0, Status.NOT_STARTED, None, None, False, None, False),
            6: done._replace(status=Status.CLAIMED, claimed_at_ms=NOW_MS - 1_000),
        },
    )
    lists = [template.list_answer(states, NOW_MS, active_only=only) for only in (False, True)]
    assert (TAG_FORMAT, sha256(b"\n".join(lists)).hexdigest()[:16]) == FORMAT_OF_BYTES
