"""When the next try is made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.webhooks.schedule import (
    DELAYS_S,
    JITTER,
    LIFE_MS,
    MAX_PAUSE_S,
    MAX_RETRY_AFTER_S,
    held_until_ms,
    next_try_ms,
    retry_after_s,
)

NOW_MS = 1_800_000_000_000
STEPS = st.integers(1, len(DELAYS_S) - 1)
CHANCES = st.floats(0, 1)


def test_ten_tries_take_75_hours_and_35_minutes() -> None:
    now_ms = NOW_MS
    for step in range(1, 10):
        later = next_try_ms(step, NOW_MS, now_ms, None, 0)
        assert later is not None
        now_ms = later
    assert now_ms - NOW_MS == ((75 * 60 + 35) * 60 + 5) * 1000
    assert next_try_ms(10, NOW_MS, now_ms, None, 0) is None


@given(STEPS, CHANCES)
def test_jitter_only_lengthens_a_delay_and_by_a_tenth_at_most(step: int, chance: float) -> None:
    later = next_try_ms(step, NOW_MS, NOW_MS, None, chance)
    assert later is not None
    assert DELAYS_S[step] * 1000 <= later - NOW_MS <= DELAYS_S[step] * 1000 * (1 + JITTER) + 1


@given(STEPS, CHANCES, st.floats(0, 1e12))
def test_a_receivers_wish_is_heard_within_bounds(step: int, chance: float, asked_s: float) -> None:
    later = next_try_ms(step, NOW_MS, NOW_MS, asked_s, chance)
    assert later is not None
    delay_s = (later - NOW_MS) / 1000
    assert delay_s >= min(asked_s, MAX_RETRY_AFTER_S) - 0.001
    assert DELAYS_S[step] <= delay_s <= max(DELAYS_S[step] * (1 + JITTER), MAX_RETRY_AFTER_S) + 0.001


def test_a_round_that_is_too_old_ends_however_few_its_tries() -> None:
    assert next_try_ms(2, NOW_MS - LIFE_MS + 1, NOW_MS, None, 0) is not None
    assert next_try_ms(2, NOW_MS - LIFE_MS, NOW_MS, None, 0) is None
    assert sum(DELAYS_S) * (1 + JITTER) * 1000 < LIFE_MS


@given(st.integers(1, 10**6), st.one_of(st.none(), st.floats(0, 1e12)))
def test_an_address_is_held_for_a_minute_at_most_unless_it_asks_for_more(failures: int, asked_s: float | None) -> None:
    held_s = (held_until_ms(failures, NOW_MS, asked_s) - NOW_MS) / 1000
    assert 1 <= held_s <= (MAX_PAUSE_S if asked_s is None else MAX_RETRY_AFTER_S)


def test_a_pause_is_never_longer_than_a_single_events_own_delay() -> None:
    for failures, delay_s in enumerate(DELAYS_S[1:], start=1):
        assert held_until_ms(failures, 0, None) <= delay_s * 1000


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120),
        (" 0 ", 0),
        ("9" * 400, 999_999_999),
        ("Fri, 15 Jan 2027 08:01:00 GMT", 60),
        ("Fri, 15 Jan 2027 08:01:00", 60),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("Fri, 99 Jan 2027 99:00:00 GMT", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, NOW_MS) == seconds
