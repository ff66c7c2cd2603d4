"""What a worker leaves in storage: one result per item, one manifest per task. They are the truth."""

from typing import Any, Literal

from pydantic import Field

from shared.wire.model import WireModel
from shared.wire.problem import ErrorInfo

RESULT_VERSION = 1


class StoredOutput(WireModel):
    """One uploaded file."""

    key: str
    content_type: str
    size_bytes: int
    sha256: str


class ItemResult(WireModel):
    """`result.json`: written after the item's outputs are stored; its presence commits the item."""

    version: int = RESULT_VERSION
    task_id: str
    attempt: int
    item_id: str
    status: Literal["COMPLETED", "FAILED"]
    outputs: dict[str, StoredOutput] = Field(default={}, description="By slot name")
    result: dict[str, Any] = Field(default={}, description="The operation's Result")
    error: ErrorInfo | None = None
    timings_s: dict[str, float] = Field(default={}, description="By stage: fetch, run, upload")
    operation_version: int
    engine_version: str


class Manifest(WireModel):
    """`manifest.json`: closes the attempt; holds the results of all items that its order named."""

    version: int = RESULT_VERSION
    task_id: str
    attempt: int
    items: list[ItemResult]
    execution_ms: int
    worker: str = ""
    gpu: str = ""


class TaskReply(WireModel):
    """What the handler returns through the endpoint: a reference, never the content."""

    version: int = RESULT_VERSION
    task_id: str
    attempt: int
    manifest_key: str
    succeeded: int
    failed: int
