"""Timing several ways of doing a thing side by side, so that a busy machine slows them alike."""

import resource
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds of each way, one entry per round: passed on the clock, and worked by all cores together."""

    seconds: Mapping[str, list[float]]
    worked: Mapping[str, list[float]]

    def median(self, name: str) -> float:
        """Return the middle of a way's seconds."""
        return statistics.median(self.seconds[name])

    def worked_median(self, name: str) -> float:
        """Return the middle of the seconds that the cores worked for a way."""
        return statistics.median(self.worked[name])

    def ratio(self, name: str, other: str) -> float:
        """Return the middle of the rounds' ratios, in which a slow round weighs no more than a quick one."""
        return _ratio(self.seconds[name], self.seconds[other])

    def worked_ratio(self, name: str, other: str) -> float:
        """Return the same for the work of the cores, which other programs on the machine hardly change."""
        return _ratio(self.worked[name], self.worked[other])


def interleaved(ways: Mapping[str, Callable[[], object]], rounds: int) -> Timings:
    """Run every way once per round, after one round that does not count; every other round runs backwards."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    worked: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        order = list(ways.items())[:: 1 if number % 2 else -1]
        for name, way in order:
            began, work = time.perf_counter(), _work_s()
            way()
            if number:
                seconds[name].append(time.perf_counter() - began)
                worked[name].append(_work_s() - work)
    return Timings(seconds, worked)


def _ratio(ones: list[float], others: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(ones, others, strict=True))


def _work_s() -> float:
    """Return the processor seconds of this process and of those that it started and that have ended."""
    usages = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
