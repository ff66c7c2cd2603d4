"""The places for deliveries under way, and the hosts that have proven not to hold one for long."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

PROMPT_MS = 2000
"""A host whose answer took no longer is proven: what waits behind it waits no longer either."""
HOSTS_IN_ALL = 2048
"""How many proven hosts are remembered, the last that answered; a look asks the database about all of them."""
HOSTS_PER_TENANT = 32
"""And how many of one tenant, so that nobody's many hosts make the server forget another's."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of delivering; doubtful addresses get at most half of each number.

    Doubtful is an address whose last try failed, and one whose host is not proven: any of them may hang.
    """

    in_all: int = 64
    per_tenant: int = 8
    timeout_s: float = 15.0
    """The time limit of one try: the shortest that Standard Webhooks advises."""


@dataclass(slots=True)
class ProvenHosts:
    """The hosts whose last answer came promptly, whatever it was; a new process knows none, and learns in one try."""

    _tenants: dict[str, str] = field(default_factory=dict)
    """By host, in the order of their last answers."""

    def learn(self, tenant: str, host: str, *, prompt: bool) -> None:
        """Remember how a try at a tenant's host went; what is not `prompt` ends its proof."""
        self._tenants.pop(host, None)
        if not prompt:
            return
        self._tenants[host] = tenant
        own = [known for known, owner in self._tenants.items() if owner == tenant]
        if len(own) > HOSTS_PER_TENANT:
            del self._tenants[own[0]]
        elif len(self._tenants) > HOSTS_IN_ALL:
            del self._tenants[next(iter(self._tenants))]

    def known(self) -> frozenset[str]:
        """Return those that are proven now."""
        return frozenset(self._tenants)


@dataclass(slots=True)
class Slots:
    """The places that are taken, by tenant; a doubtful address counts twice, once among its like."""

    bounds: Bounds
    _taken: Counter[str] = field(default_factory=Counter)
    _doubtful: Counter[str] = field(default_factory=Counter)

    @classmethod
    def taken_by(cls, bounds: Bounds, flights: Iterable[tuple[str, bool]]) -> "Slots":
        """Return the places as (tenant, doubtful) `flights` leave them."""
        slots = cls(bounds)
        for tenant, doubtful in flights:
            slots._add(tenant, doubtful=doubtful)
        return slots

    @property
    def any_left(self) -> bool:
        """Whether anything at all may be sent."""
        return self._taken.total() < self.bounds.in_all

    @property
    def doubtful_left(self) -> bool:
        """Whether anything may be sent to a doubtful address."""
        return self._left_to_doubtful() > 0

    def full(self) -> list[str]:
        """Return the tenants that have all their places taken."""
        return [tenant for tenant, count in self._taken.items() if count >= self.bounds.per_tenant]

    def full_of_doubtful(self) -> list[str]:
        """Return the tenants that have all their places for doubtful addresses taken.

        Each has fewer as they run out, an eighth of what is left: a tenant that has none under way finds one sooner.
        """
        share = max(1, min(self.bounds.per_tenant // 2, -(-self._left_to_doubtful() // 8)))
        return [tenant for tenant, count in self._doubtful.items() if count >= share]

    def take(self, tenant: str, *, doubtful: bool) -> bool:
        """Take a place; False if there is none left for this."""
        if not self.any_left or self._taken[tenant] >= self.bounds.per_tenant:
            return False
        if doubtful and (not self.doubtful_left or tenant in self.full_of_doubtful()):
            return False
        self._add(tenant, doubtful=doubtful)
        return True

    def give_back(self, tenant: str, *, doubtful: bool) -> None:
        """Free a place that was taken for this."""
        self._taken[tenant] -= 1
        if doubtful:
            self._doubtful[tenant] -= 1

    def _left_to_doubtful(self) -> int:
        return self.bounds.in_all // 2 - self._doubtful.total()

    def _add(self, tenant: str, *, doubtful: bool) -> None:
        self._taken[tenant] += 1
        if doubtful:
            self._doubtful[tenant] += 1
