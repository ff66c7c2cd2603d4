"""How many deliveries may be under way."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.webhooks.slots import Bounds, Slots

FLIGHTS = st.lists(st.tuples(st.sampled_from("abcde"), st.booleans()), max_size=60)


@given(FLIGHTS, st.integers(1, 12), st.integers(1, 6))
def test_no_bound_is_ever_exceeded(wanted: list[tuple[str, bool]], in_all: int, per_tenant: int) -> None:
    slots = Slots(Bounds(in_all, per_tenant))
    taken = [(tenant, failing) for tenant, failing in wanted if slots.take(tenant, failing=failing)]
    assert len(taken) <= in_all
    assert max(Counter(tenant for tenant, _ in taken).values(), default=0) <= per_tenant
    failing = Counter(tenant for tenant, failing in taken if failing)
    assert failing.total() <= in_all // 2
    assert max(failing.values(), default=0) <= max(1, per_tenant // 2)
    assert Slots.taken_by(slots.bounds, taken) == slots


@given(FLIGHTS)
def test_a_place_is_refused_only_where_the_look_was_told_so(wanted: list[tuple[str, bool]]) -> None:
    """What `due_lanes` leaves out and what `take` refuses are the same, so that every look gets on."""
    slots = Slots(Bounds(in_all=10, per_tenant=3))
    for tenant, failing in wanted:
        left_out = not slots.any_left or tenant in slots.full()
        left_out |= failing and (not slots.failing_left or tenant in slots.full_of_failing())
        assert slots.take(tenant, failing=failing) != left_out


def test_failing_addresses_of_all_tenants_leave_half_to_the_others() -> None:
    slots = Slots(Bounds(in_all=8, per_tenant=4))
    for tenant in "abcd":
        for _ in range(4):
            slots.take(tenant, failing=True)
    assert not slots.failing_left
    assert [slots.take("e", failing=False) for _ in range(5)] == [True] * 4 + [False]
