"""How far a task is: a cumulative snapshot, so that a lost or late one does no harm."""

from pydantic import Field

from shared.wire.model import WireModel


class ProgressSnapshot(WireModel):
    """Sent by the worker at most twice a second; a snapshot with a lower `seq` than the last is ignored."""

    version: int = 1
    seq: int
    stage: str = Field(description="What the items in hand are doing: fetch, decode, encode, upload, …")
    percent: float = Field(ge=0, le=100, description="Of the whole task")
    committed: list[str] = Field(default=[], description="Items whose result.json is stored")
