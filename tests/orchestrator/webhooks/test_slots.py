"""How many deliveries may be under way."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.webhooks.slots import HOSTS_IN_ALL, HOSTS_PER_TENANT, Bounds, ProvenHosts, Slots

FLIGHTS = st.lists(st.tuples(st.sampled_from("abcde"), st.booleans()), max_size=60)


@given(FLIGHTS, st.integers(1, 12), st.integers(1, 6))
def test_no_bound_is_ever_exceeded(wanted: list[tuple[str, bool]], in_all: int, per_tenant: int) -> None:
    slots = Slots(Bounds(in_all, per_tenant))
    taken = [(tenant, doubtful) for tenant, doubtful in wanted if slots.take(tenant, doubtful=doubtful)]
    assert len(taken) <= in_all
    assert max(Counter(tenant for tenant, _ in taken).values(), default=0) <= per_tenant
    doubtful = Counter(tenant for tenant, doubtful in taken if doubtful)
    assert doubtful.total() <= in_all // 2
    assert max(doubtful.values(), default=0) <= max(1, per_tenant // 2)
    assert Slots.taken_by(slots.bounds, taken) == slots


@given(FLIGHTS)
def test_a_place_is_refused_only_where_the_look_was_told_so(wanted: list[tuple[str, bool]]) -> None:
    """What `due_lanes` leaves out and what `take` refuses are the same, so that every look gets on."""
    slots = Slots(Bounds(in_all=10, per_tenant=3))
    for tenant, doubtful in wanted:
        left_out = not slots.any_left or tenant in slots.full()
        left_out |= doubtful and (not slots.doubtful_left or tenant in slots.full_of_doubtful())
        assert slots.take(tenant, doubtful=doubtful) != left_out


def test_doubtful_addresses_of_all_tenants_leave_half_to_the_others() -> None:
    slots = Slots(Bounds(in_all=8, per_tenant=4))
    for tenant in "abcd":
        for _ in range(4):
            slots.take(tenant, doubtful=True)
    assert not slots.doubtful_left
    assert [slots.take("e", doubtful=False) for _ in range(5)] == [True] * 4 + [False]


def test_tenants_full_of_doubtful_addresses_leave_a_place_to_one_that_is_new() -> None:
    slots = Slots(Bounds())
    for tenant in "abcdefgh":
        taken = [slots.take(tenant, doubtful=True) for _ in range(8)]
        assert 1 <= taken.count(True) <= 4
    assert slots.take("new", doubtful=True)


def test_a_host_is_proven_by_its_last_answer_alone() -> None:
    hosts = ProvenHosts()
    hosts.learn("acme", "a", prompt=True)
    hosts.learn("acme", "b", prompt=True)
    hosts.learn("acme", "a", prompt=False)
    assert hosts.known() == {"b"}


def test_a_tenants_many_hosts_make_forgotten_only_its_own_oldest() -> None:
    hosts = ProvenHosts()
    hosts.learn("other", "kept", prompt=True)
    for n in [*range(HOSTS_PER_TENANT), 0, HOSTS_PER_TENANT]:
        hosts.learn("acme", f"a{n}", prompt=True)
    assert hosts.known() == {"kept", "a0"} | {f"a{n}" for n in range(2, HOSTS_PER_TENANT + 1)}


def test_no_more_hosts_are_remembered_than_the_bound_says() -> None:
    hosts = ProvenHosts()
    for n in range(HOSTS_IN_ALL + 5):
        hosts.learn(f"tenant_{n}", f"h{n}", prompt=True)
    assert hosts.known() == {f"h{n}" for n in range(5, HOSTS_IN_ALL + 5)}
