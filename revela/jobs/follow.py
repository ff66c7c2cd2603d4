"""Following a job to its end, however often its server is away meanwhile."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from http import HTTPStatus

from revela.called_as import called_as
from revela.client import LONG_POLL_S, Client
from revela.failures import Interrupted, ServerRefused, ServerUnreachable
from revela.jobs.live_bar import LiveBar, live_bar
from shared.wire.job import JobView

_POLL_S = 1
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0

Pause = Callable[[float], None]


def follow_job(client: Client, job: JobView, *, quiet: bool) -> JobView:
    """Return the job once it has ended, with a live bar on standard error unless `quiet`.

    Interrupted on Ctrl-C; the job itself goes on.
    """
    try:
        with nullcontext(None) if quiet else live_bar() as bar:
            return wait_for_end(client, job, bar)
    except KeyboardInterrupt:
        command = f"{called_as()} job {job.id} --wait"
        raise Interrupted(f"the job goes on; follow it with: {command}") from None


def wait_for_end(client: Client, job: JobView, bar: LiveBar | None, pause: Pause = time.sleep) -> JobView:
    """Return the job once it has ended.

    A server that can't be reached, fails or asks for patience is asked again, after growing pauses and without end;
    one that refuses (a revoked key, a deleted job) is believed: ServerRefused.
    """
    pause_s = _FIRST_PAUSE_S
    while not job.status.terminal:
        if bar is not None:
            bar.show(job)
        try:
            job = client.get(job.id, wait_s=_POLL_S if bar else LONG_POLL_S)
            pause_s = _FIRST_PAUSE_S
        except (ServerUnreachable, ServerRefused) as failed:
            if isinstance(failed, ServerRefused) and failed.problem.status != HTTPStatus.TOO_MANY_REQUESTS:
                raise
            if bar is not None:
                bar.away()
            pause(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
    if bar is not None:
        bar.show(job)
    return job
