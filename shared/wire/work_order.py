"""The work order: one attempt of one task, with every capability it needs and no key; and how to ask for more."""

from typing import Any, Literal

from pydantic import Field

from shared.wire.model import WireModel

WORK_ORDER_VERSION = 1


class UploadGrant(WireModel):
    """The right to PUT one object once or again, until it expires."""

    key: str = Field(description="Where the object lies; goes into the result, is never resolved by the worker")
    url: str
    headers: dict[str, str] = Field(default={}, description="To be sent with the PUT, exactly")
    content_type: str
    max_bytes: int
    content_md5: bool = Field(default=False, description="Send a Content-MD5 header (RFC 1864): the store checks it")


class InputGrant(WireModel):
    """Where one media input is fetched from."""

    url: str
    origin: Literal["own", "user"] = Field(description="The fetch guard applies to `user` addresses")
    max_bytes: int
    etag: str | None = Field(default=None, description="What it had when it was uploaded: with another it is not used")


class ItemOrder(WireModel):
    """One call of the operation."""

    id: str
    params: dict[str, Any] = Field(description="Fully resolved; media inputs are keys of the order's `inputs`")
    outputs: dict[str, UploadGrant] = Field(description="By slot name")
    result: UploadGrant = Field(description="For the item's result.json, its commit marker")
    committed_url: str = Field(description="GET: 200 with result.json if the item is committed already, else 404")


class WorkLimits(WireModel):
    """What one task may cost."""

    execution_timeout_s: float
    fetch_timeout_s: float = 120.0


class WorkOrder(WireModel):
    """All that a worker is told, as the `input` of an endpoint's job."""

    version: int = WORK_ORDER_VERSION
    job_id: str
    task_id: str
    attempt: int
    operation: str
    operation_version: int
    token: str = Field(description="Proves this attempt to the orchestrator")
    grants_url: str | None = Field(
        default=None, description="POST a GrantsRequest there, with the token as Bearer, for fresh or further grants"
    )
    deadline_ms: int = Field(description="UTC epoch milliseconds; later than this nothing is accepted")
    items: list[ItemOrder]
    inputs: dict[str, InputGrant] = Field(description="By the text that stands in the params")
    manifest: UploadGrant
    limits: WorkLimits
    allow_private: list[str] = Field(default=[], description="host:port or CIDR that user addresses may reach")
    source_hosts: list[str] | None = Field(
        default=None, description="Hosts, or *. and a name for those below it, that user addresses may name; null: any"
    )


MAX_GRANTS = 500
"""How many one request may ask for."""


class FurtherFiles(WireModel):
    """Files of a slot whose number only the run finds out."""

    item_id: str
    slot: str
    first: int = Field(ge=0, description="Counted from 0")
    count: int = Field(ge=1, le=MAX_GRANTS)


class GrantsRequest(WireModel):
    """What a worker asks for while it works on an attempt."""

    task_id: str
    attempt: int
    refresh: list[str] = Field(default=[], max_length=MAX_GRANTS, description="Keys of grants that have ended")
    inputs: list[str] = Field(default=[], max_length=MAX_GRANTS, description="Texts of inputs whose URL has ended")
    further: list[FurtherFiles] = Field(default=[], max_length=MAX_GRANTS)


class GrantsReply(WireModel):
    """What it is given."""

    uploads: dict[str, UploadGrant] = Field(default={}, description="Of `refresh`, by key")
    inputs: dict[str, InputGrant] = Field(default={}, description="By text; one that is gone is missing")
    further: dict[str, dict[str, UploadGrant]] = Field(default={}, description="By item id, then by numbered slot")
