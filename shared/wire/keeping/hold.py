"""Putting a job on legal hold."""

from typing import Annotated

from pydantic import Field, StringConstraints

from shared.wire.model import ClientModel


class HoldRequest(ClientModel):
    """The body of ``PUT /v1/jobs/{id}/legal-hold``."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"\S", strict=True)] = Field(
        description="Why nothing of the job may be deleted; shown to all who may read it", examples=["Case 4711"]
    )
