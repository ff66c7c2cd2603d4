"""Errors in answers: RFC 9457 problem details, and the error that an item or job keeps."""

from pydantic import Field

from shared.errors import JobError
from shared.wire.model import WireModel


class ProblemField(WireModel):
    """One fault in the request."""

    pointer: str = Field(
        description="JSON pointer (RFC 6901) into the request body; ?NAME for a parameter of the query",
        examples=["/items/0/fps"],
    )
    detail: str = Field(description="What is wrong there", examples=["Input should be less than or equal to 120"])


class Problem(WireModel):
    """`application/problem+json` (RFC 9457) with a stable code."""

    type: str = Field(default="about:blank", description="about:blank where `code` says it all")
    title: str = Field(description="The status in words", examples=["Unprocessable Content"])
    status: int = Field(description="As the answer's own", examples=[422])
    detail: str = Field(
        description="What is wrong and what to do, for people",
        examples=["The request does not fit the contract; see errors."],
    )
    code: str = Field(description="Stable, for programs", examples=["validation-failed"])
    errors: list[ProblemField] = Field(default=[], description="The faults in the request, the first 50")
    request_id: str | None = Field(
        default=None, description="Names the request in the server's log", examples=["0d1f4c8e5a7b9263"]
    )
    violated_policies: list[str] | None = Field(
        default=None,
        alias="violated-policies",
        description="With too-many-requests: the policies of RateLimit-Policy that were used up",
        examples=[["minute"]],
    )


class ErrorInfo(WireModel):
    """Why an item or a job did not complete."""

    code: str = Field(description="Stable, for programs; docs/errors.md has them all", examples=["source-not-found"])
    detail: str = Field(description="For people", examples=["The source's server says that there is no such file."])
    retryable: bool = Field(description="Whether the same request may succeed later", examples=[False])
    stage: str = Field(description="Where it happened", examples=["fetch"])

    @classmethod
    def of(cls, error: JobError) -> "ErrorInfo":
        """Return what is kept of `error`."""
        return cls(code=error.code, detail=error.detail, retryable=error.retryable, stage=error.stage)
