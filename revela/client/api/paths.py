"""Paths of single things, from ids that are looked at first: a full stop or nothing would lead to another path."""

import re
from http import HTTPStatus

from revela.client.errors import InvalidArgument, NotFound
from shared.wire.problem import Problem

_ID = re.compile(r"([a-z]+)_[0-9A-HJKMNP-TV-Z]{26}")
"""A prefix and a ULID, as `shared.ids` makes them."""


def job_path(job_id: str, rest: str = "") -> str:
    """Return the path of a job, or of something below it. NotFound for a text that is no job's id; InvalidArgument."""
    return f"/v1/jobs/{_checked(job_id, 'job', 'job')}{rest}"


def upload_path(upload_id: str, rest: str = "") -> str:
    """Return the path of an upload, or of something below it; raises as `job_path` does."""
    return f"/v1/uploads/{_checked(upload_id, 'upl', 'upload')}{rest}"


def delivery_path(delivery_id: str, rest: str = "") -> str:
    """Return the path of a delivery, or of something below it; raises as `job_path` does."""
    return f"/v1/deliveries/{_checked(delivery_id, 'evt', 'delivery')}{rest}"


def missing(thing: str, its_id: str) -> str:
    """Return what a 404 for a `thing` (job, upload, delivery) means."""
    return f"no {thing} {its_id}" if its_id else f"no {thing} without an id"


def _checked(its_id: object, prefix: str, thing: str) -> str:
    if not isinstance(its_id, str):
        raise InvalidArgument(f"the id of a {thing} is a text, not {its_id!r}")
    form = _ID.fullmatch(its_id)
    if form is None or form[1] != prefix:
        status = HTTPStatus.NOT_FOUND
        detail = missing(thing, its_id)
        raise NotFound(Problem(title=status.phrase, status=status, detail=detail, code="not-found"))
    return its_id
