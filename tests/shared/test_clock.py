"""Clocks: one that follows the machine's, one that does not."""

import time

import pytest

from shared.clock import SteadyClock, SystemClock


def test_a_steady_clock_starts_with_the_machines_time() -> None:
    assert abs(SteadyClock().now_ms() - SystemClock().now_ms()) < 5_000


def test_a_step_of_the_machines_clock_moves_the_system_clock_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    steady, system = SteadyClock(), SystemClock()
    before = steady.now_ms(), system.now_ms()
    stepped_ns = time.time_ns() + 600 * 1_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: stepped_ns)
    after = steady.now_ms(), system.now_ms()
    assert 0 <= after[0] - before[0] < 60_000
    assert after[1] - before[1] >= 600_000
