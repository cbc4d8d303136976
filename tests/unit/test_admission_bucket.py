from middleware.admission.bucket import Bucket
from middleware.admission.settings import Rate

MS = 1_000_000


def test_a_full_bucket_gives_its_burst_and_then_one_token_per_interval() -> None:
    bucket = Bucket(Rate(interval_ns=5 * MS, burst=3))
    now_ns = 1_000 * MS
    for _ in range(3):
        assert bucket.wait_ns(now_ns) == 0
        bucket.take(now_ns)
    assert bucket.wait_ns(now_ns) == 5 * MS
    assert bucket.wait_ns(now_ns + 5 * MS - 1) == 1
    assert bucket.wait_ns(now_ns + 5 * MS) == 0


def test_the_wait_for_several_tokens_counts_those_who_stand_before() -> None:
    bucket = Bucket(Rate(interval_ns=5 * MS, burst=3))
    assert bucket.wait_ns(0, tokens=3) == 0
    assert bucket.wait_ns(0, tokens=4) == 5 * MS
    assert bucket.wait_ns(0, tokens=10) == 35 * MS


def test_idle_time_saves_up_the_burst_and_no_more() -> None:
    bucket = Bucket(Rate(interval_ns=5 * MS, burst=3))
    for _ in range(3):
        bucket.take(0)
    hours_later_ns = 3_600_000 * MS
    for _ in range(3):
        assert bucket.wait_ns(hours_later_ns) == 0
        bucket.take(hours_later_ns)
    assert bucket.wait_ns(hours_later_ns) == 5 * MS


def test_a_rate_per_second_becomes_an_interval_in_whole_nanoseconds() -> None:
    assert Rate.per_second(300, burst=30) == Rate(interval_ns=3_333_333, burst=30)
    assert Rate.per_second(0.5, burst=1) == Rate(interval_ns=2_000_000_000, burst=1)
