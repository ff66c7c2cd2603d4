"""What pings and polls mean: when a worker has a job, when it has lost it, when it has to be told or killed."""

from dataclasses import replace

import pytest

from orchestrator.pool.deadlines import why_lost
from orchestrator.pool.options import PoolOptions
from orchestrator.pool.presence import Presence, SeenWorker
from orchestrator.pool.records import RunningJob
from shared.clock import ManualClock

OPTIONS = PoolOptions()
START_MS = ManualClock().now_ms()
JOB = RunningJob("j", "w", START_MS, 600_000, worker_known=True, worker_last_ping_ms=START_MS - 5000)


class Scene:
    """A clock and a presence."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.presence = Presence(self.clock, OPTIONS.ping_interval_s)

    def after(self, seconds: float, *job_ids: str) -> SeenWorker:
        """Let time pass, then ping."""
        self.clock.advance(seconds)
        return self.presence.pinged("w", set(job_ids))

    def why_lost(self, job: RunningJob = JOB) -> str | None:
        return why_lost(job, self.presence, OPTIONS, START_MS, self.clock.now_ms())


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_job_is_lost_when_two_pings_after_the_take_do_not_list_it(scene: Scene) -> None:
    scene.after(5)
    assert scene.why_lost() is None
    scene.after(5)
    assert scene.why_lost() == "it has the job no more and sent no result"


def test_one_ping_with_a_list_from_before_the_take_loses_nothing(scene: Scene) -> None:
    scene.after(5)
    scene.after(5, "j")
    assert scene.why_lost() is None
    scene.after(5)
    assert scene.why_lost() is None
    scene.after(5)
    assert scene.why_lost() is not None


def test_a_repeated_ping_counts_once(scene: Scene) -> None:
    scene.after(5)
    scene.after(0.1)
    scene.after(0.1)
    assert scene.why_lost() is None


def test_a_worker_that_pings_more_often_than_expected_is_understood(scene: Scene) -> None:
    for _ in range(20):
        scene.after(1, "j")
    assert scene.why_lost() is None
    for _ in range(5):
        scene.after(1)
    assert scene.why_lost() is not None


def test_pings_from_before_the_take_say_nothing(scene: Scene) -> None:
    scene.after(5)
    scene.after(5)
    assert scene.why_lost(replace(JOB, taken_ms=scene.clock.now_ms())) is None


def test_a_worker_that_falls_silent_is_lost_after_the_lease(scene: Scene) -> None:
    scene.after(1, "j")
    scene.clock.advance(OPTIONS.lease_s)
    assert scene.why_lost() is None
    scene.clock.advance(0.1)
    assert scene.why_lost() == "it stopped pinging"


def test_a_worker_that_has_never_pinged_is_judged_by_the_execution_timeout_alone(scene: Scene) -> None:
    scene.clock.advance(3600)
    assert scene.why_lost(replace(JOB, worker_last_ping_ms=None)) is None


def test_after_a_restart_a_worker_has_a_grace_to_come_back(scene: Scene) -> None:
    job = replace(JOB, taken_ms=START_MS - 60_000)
    scene.clock.advance(OPTIONS.restart_grace_s)
    assert scene.why_lost(job) is None
    scene.clock.advance(0.1)
    assert scene.why_lost(job) == "it did not come back"


def test_a_worker_without_a_valid_token_has_lost_its_jobs(scene: Scene) -> None:
    scene.after(1, "j")
    assert scene.why_lost(replace(JOB, worker_known=False)) == "it is gone"


def test_a_stop_is_repeated_once_a_second_until_pings_list_the_job_no_more(scene: Scene) -> None:
    scene.after(1, "j")
    scene.presence.stop("w", "j")
    offered = []
    for _ in range(8):
        offered.append(scene.presence.stops_to_offer("w"))
        scene.clock.advance(0.5)
    assert offered == [["j"], []] * 4
    scene.after(0)
    scene.presence.settle_stops(10)
    scene.clock.advance(1)
    assert scene.presence.stops_to_offer("w") == ["j"]
    scene.after(4)
    scene.presence.settle_stops(10)
    scene.clock.advance(1)
    assert scene.presence.stops_to_offer("w") == []


def test_a_result_ends_the_stop(scene: Scene) -> None:
    scene.presence.stop("w", "j")
    scene.presence.done_with("w", "j")
    assert scene.presence.stops_to_offer("w") == []


def test_a_job_that_a_worker_lists_but_does_not_hold_is_stopped(scene: Scene) -> None:
    scene.after(5, "own", "stray")
    scene.presence.stop_strays({("w", "own")})
    assert scene.presence.stops_to_offer("w") == []
    scene.after(5, "own", "stray")
    scene.presence.stop_strays({("w", "own"), ("other", "stray")})
    assert scene.presence.stops_to_offer("w") == ["stray"]


def test_a_job_that_has_just_ended_is_no_stray(scene: Scene) -> None:
    scene.after(5, "j")
    scene.after(5, "j")
    scene.presence.done_with("w", "j")
    scene.presence.stop_strays(set())
    assert scene.presence.stops_to_offer("w") == []


@pytest.mark.parametrize(("listed", "overdue"), [((), False), (("other",), False), (("j",), True)])
def test_who_still_lists_a_job_after_the_grace_is_overdue(scene: Scene, listed: tuple[str, ...], overdue: bool) -> None:
    scene.after(1, "j")
    scene.presence.stop("w", "j")
    scene.after(9.9, "j")
    scene.presence.settle_stops(10)
    seen = scene.after(0.2, *listed)
    scene.presence.settle_stops(10)
    assert seen.overdue is overdue


def test_who_never_pings_is_overdue_by_time_alone(scene: Scene) -> None:
    scene.presence.stop("w", "j")
    scene.clock.advance(10.1)
    scene.presence.settle_stops(10)
    seen = scene.presence.get("w")
    assert seen is not None
    assert seen.overdue


def test_a_drained_remote_worker_that_was_restarted_may_take_again(scene: Scene) -> None:
    with scene.presence.polling("w", local=False):
        scene.presence.drain("w")
    scene.clock.advance(1)
    with scene.presence.polling("w", local=False) as seen:
        assert seen.draining
    scene.clock.advance(3)
    with scene.presence.polling("w", local=True) as seen:
        assert seen.draining
    scene.clock.advance(3)
    with scene.presence.polling("w", local=False) as seen:
        assert not seen.draining


def test_a_worker_that_is_long_gone_is_forgotten(scene: Scene) -> None:
    scene.after(0, "j")
    scene.clock.advance(3599)
    scene.presence.settle_stops(10)
    assert scene.presence.get("w") is not None
    scene.clock.advance(2)
    scene.presence.settle_stops(10)
    assert scene.presence.get("w") is None
