"""Following a job to its end, however often its server is away meanwhile."""

from contextlib import nullcontext

from revela.called_as import called_as
from revela.client.blocking import Client
from revela.client.patience import ENDLESS, Patience
from revela.failures import Interrupted
from revela.jobs.live_bar import live_bar
from shared.wire.job import JobView


def follow_job(
    client: Client, job_id: str, *, quiet: bool, known: JobView | None = None, patience: Patience = ENDLESS
) -> JobView:
    """Return the job once it has ended, with a live bar on standard error unless `quiet`.

    A server that can't be reached, fails or asks for patience is asked again, without end and from the first request
    on; one that refuses (a revoked key, a deleted job) is believed. `known` is the job as it was last seen, where it
    was. Interrupted on Ctrl-C; the job itself goes on.
    """
    if known is not None and known.status.terminal:
        return known
    try:
        with nullcontext(None) if quiet else live_bar() as bar:
            if bar is None:
                return client.wait(job_id, patience=patience)
            if known is not None:
                bar.show(known)
            return client.wait(job_id, bar.show, patience=patience, on_away=bar.away)
    except KeyboardInterrupt:
        command = f"{called_as()} job {job_id} --wait"
        raise Interrupted(f"the job goes on; follow it with: {command}") from None
