"""How long a job's outputs stay, in words, and which of their links still lead to a file."""

from datetime import datetime

from shared.wire.job import ListedJob, OutputView


def kept_text(job: ListedJob, now: datetime, *, has_outputs: bool) -> str:
    """Return what keeps the job's outputs and until when they stay, times in UTC; empty where nothing is to be said."""
    parts = []
    if job.legal_hold is not None:
        parts.append(f"on hold: {job.legal_hold.reason} (by {job.legal_hold.author})")
    if job.pinned:
        parts.append("pinned")
    if job.outputs_deleted_at is not None:
        parts.append(f"outputs deleted {_minute(job.outputs_deleted_at)}")
    elif job.expires_at is not None and has_outputs:
        end = "links ended" if job.expires_at <= now else "outputs stay until"
        parts.append(f"{end} {_minute(job.expires_at)}")
    return ", ".join(parts)


def dead_link(job: ListedJob, output: OutputView, now: datetime) -> str:
    """Return why an output's link leads nowhere; empty for one that works."""
    if job.outputs_deleted_at is not None:
        return f"deleted {_minute(job.outputs_deleted_at)}"
    if output.lost_at is not None:
        return f"lost, found {_minute(output.lost_at)}"
    if job.expires_at is not None and job.expires_at <= now:
        return f"link ended {_minute(job.expires_at)}"
    return ""


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%MZ}"
