from middleware.admission.quota import Quotas
from middleware.admission.settings import Rate

S = 1_000_000_000
RATE = Rate(interval_ns=S, burst=2)


def test_one_client_over_its_rate_waits_and_another_does_not() -> None:
    quotas = Quotas(RATE)
    quotas.take("hog", 0)
    quotas.take("hog", 0)
    assert quotas.wait_ns("hog", 0) == S
    assert quotas.wait_ns("hog", S) == 0
    assert quotas.wait_ns("other", 0) == 0


def test_clients_whose_bucket_is_full_again_are_forgotten() -> None:
    quotas = Quotas(RATE)
    for client in range(100):
        quotas.take(client, 0)
    for newcomer in range(100, 200):
        quotas.take(newcomer, 10 * S)
    assert len(quotas) == 100


def test_beyond_the_table_strangers_share_one_bucket_and_the_known_keep_their_own() -> None:
    quotas = Quotas(RATE, keys_max=2)
    quotas.take("first", 0)
    quotas.take("second", 0)
    quotas.take("stranger", 0)
    quotas.take("another stranger", 0)
    assert len(quotas) == 2
    assert quotas.wait_ns("a third stranger", 0) == S
    assert quotas.wait_ns("first", 0) == 0
    assert quotas.wait_ns("a third stranger", S + 1) == 0


def test_a_new_rate_holds_at_once() -> None:
    quotas = Quotas(RATE)
    quotas.take("client", 0)
    quotas.reconfigure(Rate(interval_ns=S, burst=1))
    assert quotas.wait_ns("client", 0) == S


def test_with_room_in_the_table_a_newcomer_does_not_pay_for_strangers() -> None:
    quotas = Quotas(RATE, keys_max=1)
    quotas.take("known", 0)
    for _ in range(5):
        quotas.take("stranger", 0)
    assert quotas.wait_ns("another", 0) > 0
    assert quotas.wait_ns("another", S) == 0


def test_a_bucket_that_is_full_this_very_moment_is_forgotten() -> None:
    quotas = Quotas(RATE, keys_max=1)
    quotas.take("known", 0)
    quotas.take("newcomer", S)
    quotas.take("newcomer", S)
    assert len(quotas) == 1
    assert quotas.wait_ns("newcomer", S) == S
