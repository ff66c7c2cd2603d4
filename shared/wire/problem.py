"""Errors in answers: RFC 9457 problem details, and the error that an item or job keeps."""

from pydantic import Field

from shared.errors import JobError
from shared.wire.model import WireModel


class ProblemField(WireModel):
    """One fault in the request."""

    pointer: str = Field(description="JSON pointer (RFC 6901) into the request body", examples=["/items/0/fps"])
    detail: str


class Problem(WireModel):
    """`application/problem+json` (RFC 9457) with a stable code."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable, for programs", examples=["validation-failed"])
    errors: list[ProblemField] = []
    request_id: str | None = None
    violated_policies: list[str] | None = Field(
        default=None,
        alias="violated-policies",
        description="With too-many-requests: the policies of RateLimit-Policy that were used up",
        examples=[["minute"]],
    )


class ErrorInfo(WireModel):
    """Why an item or a job did not complete."""

    code: str = Field(examples=["source-not-found"])
    detail: str
    retryable: bool = Field(description="Whether the same request may succeed later")
    stage: str = Field(examples=["fetch"])

    @classmethod
    def of(cls, error: JobError) -> "ErrorInfo":
        """Return what is kept of `error`."""
        return cls(code=error.code, detail=error.detail, retryable=error.retryable, stage=error.stage)
