"""Whose task goes next."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.jobs.fairness import AGING_MS, Candidate, Turns

HIGH, NORMAL, LOW = 0, 1, 2


def task(name: str, tenant: str, priority: int = NORMAL, created_ms: int = 0) -> Candidate:
    return Candidate(name, 0, tenant, priority, created_ms)


def order(waiting: list[Candidate], in_flight: dict[str, int] | None = None, now_ms: int = 0, limit: int = 99) -> str:
    return " ".join(chosen.id for chosen in Turns().next_tasks(waiting, in_flight or {}, now_ms, limit))


def test_one_tenants_tasks_go_by_priority_then_by_age() -> None:
    waiting = [task("3", "a"), task("1", "a", LOW), task("4", "a", HIGH), task("2", "a")]
    assert order(waiting) == "4 2 3 1"


def test_tenants_take_turns_however_much_one_of_them_has() -> None:
    waiting = [*(task(f"a{n}", "a") for n in range(5)), task("b0", "b", created_ms=1), task("b1", "b", created_ms=2)]
    assert order(waiting, limit=4) == "a0 b0 a1 b1"


def test_a_high_priority_does_not_overtake_another_tenants_turn() -> None:
    waiting = [*(task(f"a{n}", "a", HIGH) for n in range(4)), task("b0", "b", LOW)]
    assert "b0" in order(waiting, limit=2)


def test_who_has_more_in_flight_comes_later() -> None:
    waiting = [task("a0", "a"), task("a1", "a"), task("b0", "b"), task("b1", "b")]
    assert order(waiting, {"a": 2}, limit=3) == "b0 b1 a0"


def test_waiting_makes_a_low_priority_as_good_as_a_high_one() -> None:
    old = task("0", "a", LOW, created_ms=0)
    now_ms = 2 * AGING_MS
    assert order([old, task("1", "a", HIGH, created_ms=now_ms)], now_ms=now_ms) == "0 1"
    assert order([old, task("1", "a", HIGH, created_ms=now_ms)], now_ms=AGING_MS) == "1 0"


def test_with_more_tenants_than_places_each_still_gets_its_turn() -> None:
    turns, waiting = Turns(), [task(f"{tenant}{n:02}", tenant) for tenant in "ab" for n in range(50)]
    in_flight = Counter(chosen.tenant for chosen in turns.next_tasks(waiting, {}, 0, 2))
    waiting = waiting[1:50] + waiting[51:]
    waiting.append(task("c00", "c", created_ms=1_000))
    served = []
    for _ in range(4):
        done = max(in_flight, key=lambda tenant: in_flight[tenant])
        in_flight[done] -= 1
        [chosen] = turns.next_tasks(waiting, in_flight, 2_000, 1)
        waiting.remove(chosen)
        in_flight[chosen.tenant] += 1
        served.append(chosen.tenant)
    assert "c" in served[:2]


@given(
    st.lists(
        st.builds(Candidate, st.uuids().map(str), st.just(0), st.sampled_from("abc"), st.integers(0, 2), st.just(0))
    ),
    st.integers(0, 12),
)
def test_nothing_is_lost_or_chosen_twice_and_shares_are_equal(waiting: list[Candidate], limit: int) -> None:
    chosen = Turns().next_tasks(waiting, {}, 0, limit)
    assert len(chosen) == len({one.id for one in chosen}) == min(limit, len(waiting))
    share, left = Counter(one.tenant for one in chosen), Counter(one.tenant for one in set(waiting) - set(chosen))
    for tenant in left:  # who was left something has no less than anyone else, but for the last turn
        assert share[tenant] >= max(share.values(), default=0) - 1
