"""A share of a core, spent after the fact."""

from hypothesis import given
from hypothesis import strategies as st

from middleware.admission.budget import FULL_NS, CpuBudget

MS = 1_000_000
S = 1_000 * MS


def test_it_is_full_at_first_and_is_spent_afterwards() -> None:
    budget = CpuBudget(100_000)
    assert budget.has_left(0)
    budget.spend(FULL_NS - 1, 0)
    assert budget.has_left(0)
    budget.spend(5 * MS, 0)
    assert not budget.has_left(0)
    assert not budget.has_left(49 * MS)
    assert budget.has_left(50 * MS)


def test_a_share_of_nothing_is_nothing() -> None:
    budget = CpuBudget(0)
    assert not budget.has_left(0)
    budget.spend(1, 0)
    budget.give_back(1)
    assert not budget.has_left(3_600 * S)


def test_what_is_given_back_is_as_if_it_had_not_been_spent() -> None:
    budget = CpuBudget(100_000)
    for _ in range(100):
        budget.spend(5 * MS, 0)
        budget.give_back(5 * MS)
    budget.give_back(FULL_NS)
    budget.spend(FULL_NS, 0)
    assert not budget.has_left(0)


@given(
    share=st.integers(0, 1_000_000),
    steps=st.lists(st.tuples(st.integers(-S, 10 * S), st.integers(0, 10 * MS)), max_size=50),
)
def test_no_more_is_spent_than_what_was_saved_the_share_of_the_time_and_one_piece(
    share: int, steps: list[tuple[int, int]]
) -> None:
    budget, now_ns, latest_ns, spent_ns, largest_ns = CpuBudget(share), 0, 0, 0, 0
    for span_ns, cost_ns in steps:
        now_ns = max(0, now_ns + span_ns)
        latest_ns = max(latest_ns, now_ns)
        if budget.has_left(now_ns):
            budget.spend(cost_ns, now_ns)
            spent_ns += cost_ns
            largest_ns = max(largest_ns, cost_ns)
    assert spent_ns <= FULL_NS + latest_ns * share // 1_000_000 + largest_ns
