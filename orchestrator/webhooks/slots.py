"""How many deliveries may be under way: in all, for one tenant, and to addresses that fail."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of delivering; failing addresses get at most half of each number."""

    in_all: int = 64
    per_tenant: int = 8
    timeout_s: float = 15.0
    """The time limit of one try: the shortest that Standard Webhooks advises."""


@dataclass(slots=True)
class Slots:
    """The places that are taken, by tenant; a failing address counts twice, once among its like."""

    bounds: Bounds
    _taken: Counter[str] = field(default_factory=Counter)
    _failing: Counter[str] = field(default_factory=Counter)

    @classmethod
    def taken_by(cls, bounds: Bounds, flights: Iterable[tuple[str, bool]]) -> "Slots":
        """Return the places as (tenant, failing) `flights` leave them."""
        slots = cls(bounds)
        for tenant, failing in flights:
            slots._add(tenant, failing=failing)
        return slots

    @property
    def any_left(self) -> bool:
        """Whether anything at all may be sent."""
        return self._taken.total() < self.bounds.in_all

    @property
    def failing_left(self) -> bool:
        """Whether anything may be sent to an address that fails."""
        return self._failing.total() < self.bounds.in_all // 2

    def full(self) -> list[str]:
        """Return the tenants that have all their places taken."""
        return [tenant for tenant, count in self._taken.items() if count >= self.bounds.per_tenant]

    def full_of_failing(self) -> list[str]:
        """Return the tenants that have all their places for failing addresses taken."""
        return [tenant for tenant, count in self._failing.items() if count >= max(1, self.bounds.per_tenant // 2)]

    def take(self, tenant: str, *, failing: bool) -> bool:
        """Take a place; False if there is none left for this."""
        if not self.any_left or self._taken[tenant] >= self.bounds.per_tenant:
            return False
        if failing and (not self.failing_left or tenant in self.full_of_failing()):
            return False
        self._add(tenant, failing=failing)
        return True

    def give_back(self, tenant: str, *, failing: bool) -> None:
        """Free a place that was taken for this."""
        self._taken[tenant] -= 1
        if failing:
            self._failing[tenant] -= 1

    def _add(self, tenant: str, *, failing: bool) -> None:
        self._taken[tenant] += 1
        if failing:
            self._failing[tenant] += 1
