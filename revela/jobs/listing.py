"""Listing jobs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from revela.jobs.display import print_jobs, print_json
from revela.jobs.submit import Server
from shared.wire.status import Status

MAX_PAGE = 100
"""The largest page that the server gives."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which jobs; what is given must all hold."""

    limit: int
    status: Status | None = None
    operation: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None


def list_jobs(server: Server, wanted: Wanted, *, as_json: bool) -> None:
    """Print the newest jobs that are wanted."""
    with server.client() as client:
        found = client.jobs(
            status=wanted.status,
            operation=wanted.operation,
            labels=wanted.labels,
            created_after=wanted.since,
            created_before=wanted.until,
            page_size=min(wanted.limit, MAX_PAGE),
        )
        jobs = list(islice(found, wanted.limit))
    if as_json:
        print_json(jobs)
    else:
        print_jobs(jobs)
