"""The judge believes the ledger and nobody else, and sees whatever was granted wrongly."""

import msgspec

from benchmarks.claims.judge import Grant, Verdict, Wanted, judge, read_ledger

GEMS, BOX = ("WALLET", "GEMS", 10), ("ITEM", "BOX", 1)
WANTED = [
    Wanted("ann", "c", "g1", GEMS),
    Wanted("ann", "c", "g2", BOX),
    Wanted("bob", "c", "g1", GEMS),
]
GRANTS = [Grant("k1", "ann", GEMS), Grant("k2", "ann", BOX), Grant("k3", "bob", GEMS)]


def line(key: str, player: str, reward: tuple[str, str, int]) -> bytes:
    kind, reward_id, quantity = reward
    body = {"player": player, "type": kind, "rewardId": reward_id, "quantity": quantity}
    return msgspec.json.encode({"key": key, "body": body})


def test_every_reward_once_is_as_it_should_be() -> None:
    assert judge(WANTED, GRANTS, ["k1", "k2", "k3"]) == Verdict(3, 0, 0, 0, 0)


def test_a_reward_granted_under_another_key_is_granted_twice() -> None:
    verdict = judge(WANTED, [*GRANTS, Grant("k4", "bob", GEMS)], [])
    assert (verdict.double, verdict.missing, verdict.foreign) == (1, 0, 0)


def test_a_claim_without_a_grant_is_missing() -> None:
    assert judge(WANTED, GRANTS[1:], []).missing == 1


def test_one_double_does_not_make_up_for_one_missing() -> None:
    verdict = judge(WANTED, [GRANTS[0], GRANTS[0], GRANTS[1]], [])
    assert (verdict.granted, verdict.double, verdict.missing) == (3, 1, 1)


def test_a_grant_that_nobody_claimed_is_foreign() -> None:
    assert judge(WANTED, [*GRANTS, Grant("k4", "eve", GEMS)], []).foreign == 1


def test_a_claim_that_is_called_granted_must_be_in_the_ledger() -> None:
    assert judge(WANTED, GRANTS, ["k1", "k9"]).unbacked == 1


def test_a_line_that_a_kill_cut_off_is_no_grant() -> None:
    whole = line("k1", "ann", GEMS)
    assert read_ledger([whole, whole[:-4], b""]) == [GRANTS[0]]
