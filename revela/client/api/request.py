"""The body of a job's request, from what a caller names."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack

from revela.client.errors import InvalidArgument


class JobFields(TypedDict, total=False):
    """What may stand in a job's request beside its operation."""

    items: Sequence[Mapping[str, Any]]
    """Each with its `id` and its parameters; or `input` for a single one."""
    input: Mapping[str, Any]
    defaults: Mapping[str, Any]
    """Parameters of every item that does not name them itself."""
    webhook: str
    """An https address that is told of the job's end."""
    webhook_events: Sequence[str]
    """What it is told of; every end where this is left out."""
    priority: str
    """`low`, `normal` or `high`."""
    labels: Mapping[str, str]
    queue_ttl_s: int
    """How long the job may wait for a worker."""
    output_ttl_s: int | None
    """How long its outputs stay, from its end; None keeps them."""


def job_request(operation: str | Mapping[str, Any], **fields: Unpack[JobFields]) -> dict[str, Any]:
    """Return the body of ``POST /v1/jobs``: `operation` with `fields`, or a whole request. InvalidArgument."""
    if isinstance(operation, str):
        return {"operation": operation, **fields}
    if fields:
        raise InvalidArgument(f"a whole request takes no further fields, and there are {', '.join(fields)}")
    return dict(operation)
