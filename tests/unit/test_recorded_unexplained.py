"""A fix explains nothing but what it is meant for, and only where our answer is right."""

import pytest

from app.errors import ServiceReason
from middleware.problem import HttpReason
from tests.recorded.records import Answer, Record
from tests.recorded.samples import (
    ACTIVE,
    AT,
    BAD,
    BAD_BOOL,
    BATCH,
    CLAIM,
    CLAIM_ID,
    CLAIMED,
    CLAIMED_TEXT,
    CLAIMING,
    CLAIMING_LOCKED,
    DONE,
    EMPTY_CLAIM,
    FILTERED,
    INITIALIZE,
    LIST,
    LOCK,
    LOCKED,
    NAMED_TWICE,
    NO_GOAL,
    NO_IDENTITY,
    NO_METHOD,
    NOBODY,
    NOT_COMPLETED,
    NOTHING,
    OFF,
    ON,
    ONE,
    OPEN,
    RANDOM,
    SHOWN,
    UNKNOWN_ID,
    UNLOCKED,
    UNREAD,
    WRAPPED,
    WRONG_METHOD,
    answer,
    gateway,
    goals,
    plain,
    problem,
    record,
    replaced,
    selected,
    unexplained,
)

ERROR = ["status", "$.code", "$.message"]
GONE = ["$.code", "$.message", "$.details"]
SHOWN_PLACES = ["status", "$.challengeId", "$.name", "$.description", "$.goals"]


@pytest.mark.parametrize(
    ("asked", "now", "places"),
    [
        # No identity.
        (
            NOBODY,
            problem(HttpReason.UNAUTHENTICATED, "Who?", www_authenticate="x"),
            ["www-authenticate"],
        ),
        (NOBODY, problem(HttpReason.UNAUTHENTICATED, "Who?", other={"n": 1}), ["$.n"]),
        (NOBODY, problem(HttpReason.UNAUTHENTICATED, "Who?", other={"title": "n"}), ["$.title"]),
        (record(gateway(400, 9, "n")), NO_IDENTITY, ["status", "www-authenticate", *ERROR[1:]]),
        # One challenge: its goals, all of them, in catalogue order.
        (
            record(NOTHING, ONE),
            answer(SHOWN),
            SHOWN_PLACES,
        ),
        # The bare prefix.
        (
            record(gateway(400, 3, "Bad Request"), "/challenge/nope"),
            problem(ServiceReason.NOT_FOUND, "Not Found"),
            ERROR,
        ),
        # A wrong method: it is wrong, and the right one is told.
        (record(WRONG_METHOD, ACTIVE), problem(NO_METHOD, "Method Not Allowed"), ["status"]),
        (
            record(WRONG_METHOD, ACTIVE),
            problem(NO_METHOD, "Method Not Allowed", allow="GET"),
            ["status", "allow"],
        ),
        (
            record(WRONG_METHOD, ACTIVE, method="PUT"),
            problem(NO_METHOD, "Method Not Allowed", allow="PUT"),
            ["status", "allow"],
        ),
        # A long id.
        (record(plain(500, "n"), user="u" * 100), problem(BAD, "It has 100."), ["status"]),
        (UNKNOWN_ID, problem(BAD, "Nothing."), ["status"]),
        # What is not found: that goal, in that challenge, and it is not there.
        (
            record(gateway(500, 13, WRAPPED), ACTIVE),
            problem(NO_GOAL, "goal 'y' not found in challenge 'c'"),
            ERROR,
        ),
        (
            record(gateway(500, 13, WRAPPED), ACTIVE),
            problem(BAD, "goal 'x' not found in challenge 'c'"),
            ERROR,
        ),
        (
            record(gateway(500, 13, WRAPPED.replace("'x'", "'a'")), ACTIVE),
            problem(NO_GOAL, "goal 'a' not found in challenge 'c'"),
            ERROR,
        ),
        # A goal that is named twice: that one.
        (NAMED_TWICE, problem(BAD, "goal 'b' is in goal_ids more than once"), ERROR),
        # What cannot be read: why.
        (
            record(gateway(400, 3, "count must be greater than 0")),
            problem(BAD, "The count is too small."),
            ["$.message"],
        ),
        (record(UNREAD, ACTIVE, body="{"), problem(BAD, "The body is empty."), ["$.message"]),
        (record(UNREAD, ACTIVE, body=""), problem(BAD, "goal_ids cannot be empty"), ["$.message"]),
        (
            record(BAD_BOOL, ACTIVE, body='{"isActive":1}'),
            problem(BAD, "count must be a number"),
            ["$.message"],
        ),
        # A claim without a body: of that goal, and only without.
        (
            EMPTY_CLAIM,
            problem(ServiceReason.GOAL_NOT_COMPLETED, "(goal_id: y, status: not_started)"),
            ERROR[1:],
        ),
        (
            record(UNREAD, CLAIM, method="POST", body="{"),
            problem(ServiceReason.GOAL_NOT_COMPLETED, NOT_COMPLETED),
            ERROR[1:],
        ),
        # What a claim is told: each member on its own status, and of the right form.
        (
            CLAIMING,
            answer({"goalId": "x", "missingPrerequisites": ["a"], "claimedAt": AT}),
            ["$.missingPrerequisites", "$.claimedAt"],
        ),
        (
            CLAIMING,
            answer({"goalId": "x", "claimId": "1", "rewardState": "lost"}),
            ["$.claimId", "$.rewardState"],
        ),
        (
            CLAIMING_LOCKED,
            problem(
                LOCK,
                "Prerequisites",
                other={"claimId": CLAIM_ID, "rewardState": "granted", "claimedAt": AT},
            ),
            ["$.claimId", "$.rewardState", "$.claimedAt"],
        ),
        *(
            (
                CLAIMING_LOCKED,
                problem(LOCK, "Prerequisites", other={"missingPrerequisites": missing}),
                ["$.missingPrerequisites"],
            )
            for missing in ([], ["z"], "a")
        ),
        (
            CLAIMED,
            problem(
                ServiceReason.ALREADY_CLAIMED,
                CLAIMED_TEXT,
                other={
                    "rewardState": "granted",
                    "missingPrerequisites": ["a"],
                },
            ),
            ["$.rewardState", "$.missingPrerequisites"],
        ),
        (
            CLAIMED,
            problem(
                ServiceReason.ALREADY_CLAIMED,
                CLAIMED_TEXT,
                other={"claimedAt": "2026-01-02T03:04:06Z"},
            ),
            ["$.claimedAt"],
        ),
        # The filter: asked for first, of what is not active, and of all that is not active.
        (record(goals(OFF)), answer({"challenges": []}), ["$.challenges[c]"]),
        (
            record(goals(OFF), f"{LIST}?active_only=false&active_only=true"),
            answer({"challenges": []}),
            ["$.challenges[c]"],
        ),
        (record(goals(ON), FILTERED), answer({"challenges": []}), ["$.challenges[c]"]),
        (
            record(goals(OFF, OFF | {"goalId": "a"}), FILTERED),
            goals(OFF),
            ["$.challenges[c].goals[a]"],
        ),
        (record(goals(OFF), FILTERED), goals(), ["$.challenges[c].goals[b]"]),
        (record(answer({"n": {}}), FILTERED), answer({}), ["$.n"]),
        # Order: ours is the catalogue's, where the contract asks for none.
        (
            record(selected("a", "b", name="assignedGoals"), INITIALIZE, method="POST"),
            selected("b", "a", name="assignedGoals"),
            ["$.assignedGoals in order"],
        ),
        (
            record(selected("a", "b"), BATCH, method="POST"),
            selected("b", "a"),
            ["$.selectedGoals in order"],
        ),
        (
            record(selected("b", "a"), BATCH, method="POST"),
            selected("a", "b"),
            ["$.selectedGoals in order"],
        ),
        (
            record(selected("a", "b"), RANDOM, method="POST"),
            selected("b", "a"),
            ["$.selectedGoals in order"],
        ),
        (
            record(replaced("a", "b"), BATCH, method="POST"),
            replaced("b", "a"),
            ["$.replacedGoals in order"],
        ),
        (record(goals("b", "a")), goals("a", "b"), ["$.challenges[c].goals in order"]),
        (
            record(selected("a", "b", name="assignedGoals"), INITIALIZE),
            selected("a", name="assignedGoals"),
            ["$.assignedGoals[b]"],
        ),
        (record(answer('{"n":1,"m":2}')), answer('{"m":2,"n":1}'), ["$ in order"]),
        # Each member once: those of goals that the Go service names twice.
        (record(answer('{"n":1}')), answer('{"n":1,"n":1}'), ["$.n"]),
        (record(answer('{"n":1,"n":1}')), answer('{"n":1}'), ["$.n"]),
        (record(goals("a", "a")), goals("a"), ["$.challenges[c].goals[a]"]),
        (record(goals("a")), goals("a", "a"), ["$.challenges[c].goals[a]"]),
        # The lock: open only when the prerequisites are completed in the same answer.
        (record(goals(OPEN, LOCKED)), goals(OPEN, UNLOCKED), ["$.challenges[c].goals[b].locked"]),
        (record(goals(LOCKED)), goals(UNLOCKED), ["$.challenges[c].goals[b].locked"]),
        (record(goals(DONE, UNLOCKED)), goals(DONE, LOCKED), ["$.challenges[c].goals[b].locked"]),
        (record(answer({"locked": True})), answer({"locked": False}), ["$.locked"]),
        # Only what a fix names, of what was recorded.
        (
            record(
                gateway(500, 13, "deadlock"), BATCH, method="POST", body='{"goalIds":["a","a"]}'
            ),
            problem(BAD, "goal 'a' is in goal_ids more than once"),
            ERROR,
        ),
        (
            record(gateway(400, 3, "goal_ids cannot be empty"), BATCH, body=""),
            problem(BAD, "The body is empty; it must be JSON."),
            ["$.message"],
        ),
        (
            record(gateway(500, 13, WRAPPED), f"{LIST}/d/goals/x/active"),
            problem(NO_GOAL, "goal 'x' not found in challenge 'c'"),
            ERROR,
        ),
        (
            record(gateway(400, 3, "Bad Request"), "/challenge"),
            problem(ServiceReason.NOT_FOUND, "Nothing"),
            ERROR,
        ),
        (
            record(gateway(400, 9, "Inactive"), f"{ONE}/goals/b/claim", method="POST", body="{}"),
            problem(
                ServiceReason.GOAL_NOT_ACTIVE, "Inactive", other={"missingPrerequisites": ["a"]}
            ),
            ["$.missingPrerequisites"],
        ),
        (record(NOTHING, ONE), answer(SHOWN | {"challengeId": "d"}), SHOWN_PLACES),
        (
            record(NOTHING, ONE, method="POST"),
            answer(SHOWN),
            [*SHOWN_PLACES[:1], *GONE, *SHOWN_PLACES[1:]],
        ),
        (record(gateway(401, 16, "Unauthorized"), user=None), NO_IDENTITY, ["$.message"]),
        (
            record(gateway(400, 3, "Bad"), CLAIM, method="POST"),
            problem(ServiceReason.GOAL_NOT_COMPLETED, NOT_COMPLETED),
            ERROR[1:],
        ),
        (
            record(answer({"claimId": "1"}), CLAIM, method="POST", body="{}"),
            answer({"claimId": CLAIM_ID}),
            ["$.claimId"],
        ),
        (record(goals(DONE, "b")), goals(DONE, UNLOCKED), ["$.challenges[c].goals[b].locked"]),
        (record(goals(DONE, LOCKED)), goals(DONE, "b"), ["$.challenges[c].goals[b].locked"]),
        (
            record(answer('{"goals":[{"goalId":"a","status":1}]}')),
            answer('{"goals":[{"goalId":"a","status":1,"status":1}]}'),
            ["$.goals[a].status"],
        ),
        # Headers.
        (record(answer({})), answer({}, etag="1"), ["etag"]),
        (
            record(answer({}), ACTIVE, method="PUT"),
            answer({}, etag=f'W/"{"0" * 24}"', cache_control="private, no-cache"),
            ["etag", "cache-control"],
        ),
        (record(answer({})), answer({}, cache_control="no-store"), ["cache-control"]),
        (
            record(answer({}), f"{ONE}/rotation"),
            answer({}, cache_control="private, no-cache"),
            ["cache-control"],
        ),
        (
            record(answer({}, x_content_type_options="nosniff")),
            answer({}),
            ["x-content-type-options"],
        ),
        (record(answer({})), answer({}, server="x"), ["server"]),
        # The error body: right in each member, and an error.
        (record(answer({"n": 1})), answer({"n": 1, "reason": "r"}), ["$.reason"]),
        (
            record(gateway(404, 5, "Not Found")),
            problem(
                ServiceReason.NOT_FOUND,
                "Not Found",
                other={"title": "", "status": 400, "errorCode": "NO", "traceId": "n", "n": 1},
            ),
            ["$.title", "$.status", "$.errorCode", "$.traceId", "$.n"],
        ),
        (
            record(plain(404, "404 page not found\n")),
            problem(ServiceReason.NOT_FOUND, "Not Found", other={"code": 13}),
            ["$"],
        ),
        (record(plain(404, "n")), problem(BAD, "Not Found"), ["status"]),
    ],
)
def test_a_fix_explains_nothing_else(asked: Record, now: Answer, places: list[str]) -> None:
    assert unexplained(asked, now) == places
