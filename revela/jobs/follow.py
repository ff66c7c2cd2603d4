"""Following a job to its end, however often its server is away meanwhile."""

from contextlib import nullcontext

from revela.called_as import called_as
from revela.client.blocking import Client
from revela.client.patience import ENDLESS, Patience
from revela.failures import Interrupted
from revela.jobs.live_bar import live_bar
from shared.wire.job import JobView


def follow_job(client: Client, job: JobView, *, quiet: bool, patience: Patience = ENDLESS) -> JobView:
    """Return the job once it has ended, with a live bar on standard error unless `quiet`.

    A server that can't be reached, fails or asks for patience is asked again, without end; one that refuses (a revoked
    key, a deleted job) is believed. Interrupted on Ctrl-C; the job itself goes on.
    """
    if job.status.terminal:
        return job
    try:
        with nullcontext(None) if quiet else live_bar() as bar:
            if bar is None:
                return client.wait(job.id, patience=patience)
            bar.show(job)
            return client.wait(job.id, bar.show, patience=patience, on_away=bar.away)
    except KeyboardInterrupt:
        command = f"{called_as()} job {job.id} --wait"
        raise Interrupted(f"the job goes on; follow it with: {command}") from None
