"""An upload as clients see it: the request, where to send the file, what has become of it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from shared.uploads.media_types import MEDIA_TYPES
from shared.wire.model import ClientModel, WireModel

MAX_PARTS = 10_000
"""S3's own limit (AWS, "Amazon S3 multipart upload limits")."""
PARTS_GIVEN = 32
"""Addresses of so many parts are told at once."""

_SHA256 = r"^[0-9a-f]{64}$"
_ID = "upl_01K9ZV6Q0S8M7D3X5B2C4F6G8H"


def _taken(content_type: str) -> str:
    if content_type not in MEDIA_TYPES:
        raise ValueError(f"must be one of {', '.join(MEDIA_TYPES)}")
    return content_type


def _printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError("must be printable characters")
    return name


class UploadState(StrEnum):
    """What has become of an upload."""

    WAITING = "waiting"
    COMPLETED = "completed"
    REJECTED = "rejected"
    EXPIRED = "expired"


class UploadRequest(ClientModel):
    """The body of ``POST /v1/uploads``."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=255, strict=True), AfterValidator(_printable)] = (
        Field(description="Yours, to know it by", examples=["beach.jpg"])
    )
    size_bytes: Annotated[int, Field(strict=True, ge=1)] = Field(
        description="Exactly what will be sent", examples=[812_345]
    )
    content_type: Annotated[
        str,
        StringConstraints(strict=True),
        AfterValidator(_taken),
        Field(json_schema_extra={"enum": list(MEDIA_TYPES)}),
    ] = Field(description="What the file is; its first bytes must look like that", examples=["image/jpeg"])
    sha256: Annotated[str, StringConstraints(pattern=_SHA256, strict=True)] | None = Field(
        default=None,
        description="In hex. A file of yours that is here already is not sent again, and what arrives is compared "
        "where the store can",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )


class PartETag(ClientModel):
    """A part, as the answer to its PUT told it."""

    n: Annotated[int, Field(strict=True, ge=1, le=MAX_PARTS)] = Field(description="From 1", examples=[1])
    etag: Annotated[str, StringConstraints(min_length=1, max_length=256, strict=True)] = Field(
        description="The ETag of the answer, with or without quotes", examples=['"6f5902ac237024bdd0c176cb93063dc4"']
    )


class CompleteRequest(ClientModel):
    """The body of ``POST /v1/uploads/{id}/complete``; it may be left out."""

    parts: list[PartETag] | None = Field(
        default=None, max_length=MAX_PARTS, description="Compared with what has arrived; one PUT is part 1"
    )


class PartAddress(WireModel):
    """Where a part is sent."""

    n: int = Field(description="From 1", examples=[1])
    url: str = Field(description="PUT it there", examples=["https://bucket.example/acme/uploads/01K9ZV6Q0S?…"])
    headers: dict[str, str] = Field(description="To be sent with it, exactly", examples=[{}])
    size_bytes: int = Field(description="Exactly so many", examples=[16_777_216])


class ReceivedPart(WireModel):
    """A part that has arrived."""

    n: int = Field(examples=[1])
    etag: str = Field(examples=["6f5902ac237024bdd0c176cb93063dc4"])
    size_bytes: int = Field(examples=[16_777_216])


class UploadProblem(WireModel):
    """Why an upload was rejected."""

    code: str = Field(description="Stable, for programs", examples=["media-format"])
    detail: str = Field(description="For people", examples=["The file does not look like image/jpeg."])


class UploadView(WireModel):
    """An upload. While it is waiting it tells where to send the file: by one PUT to `url`, or in `parts`."""

    id: str = Field(description="upload://ID is the input of a job", examples=[_ID])
    state: UploadState = Field(examples=["completed"])
    name: str = Field(examples=["beach.jpg"])
    size_bytes: int = Field(examples=[812_345])
    content_type: str = Field(examples=["image/jpeg"])
    sha256: str | None = Field(description="As you said", examples=[None])
    verified: bool = Field(description="Whether what is stored was found to have that SHA-256", examples=[False])
    problem: UploadProblem | None = Field(description="Why it was rejected", examples=[None])
    method: Literal["PUT"] | None = Field(description="Null unless it is waiting", examples=[None])
    url: str | None = Field(description="Where the file is sent; null where it comes in parts", examples=[None])
    headers: dict[str, str] | None = Field(description="To be sent with the file, exactly", examples=[None])
    part_bytes: int | None = Field(description="The size of all parts but the last", examples=[None])
    parts_total: int | None = Field(description="How many parts there are", examples=[None])
    parts: list[PartAddress] | None = Field(
        description=f"Where parts are sent: those that were asked for, at first the first {PARTS_GIVEN}",
        examples=[None],
    )
    received: list[ReceivedPart] | None = Field(
        default=None, description="The parts that have arrived; only where no addresses are asked for", examples=[None]
    )
    urls_expire_at: datetime | None = Field(description="Ask again for fresh addresses then", examples=[None])
    created_at: datetime
    completed_at: datetime | None
    expires_at: datetime = Field(description="Until when it may be sent; once completed, how long it is kept")

    @property
    def media(self) -> str:
        """What stands for it as a job's input."""
        return f"upload://{self.id}"


class UploadPage(WireModel):
    """One page of uploads."""

    uploads: list[UploadView]
    next_cursor: str | None = Field(description="Null on the last page", examples=[None])
