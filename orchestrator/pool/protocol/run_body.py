"""The body of run and runsync."""

from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from orchestrator.pool import options as limits


class RunPolicy(BaseModel):
    """RunPod's `policy`, in milliseconds. `lowPriority` is accepted and means nothing here."""

    model_config = ConfigDict(frozen=True)

    execution_timeout_ms: int = Field(
        default=limits.DEFAULT_EXECUTION_TIMEOUT_MS,
        alias="executionTimeout",
        ge=limits.MIN_EXECUTION_TIMEOUT_MS,
        le=limits.MAX_POLICY_MS,
    )
    ttl_ms: int = Field(default=limits.DEFAULT_TTL_MS, alias="ttl", ge=limits.MIN_TTL_MS, le=limits.MAX_POLICY_MS)


class RunBody(BaseModel):
    """The body of run and runsync; what else RunPod's clients may send is ignored."""

    model_config = ConfigDict(frozen=True)

    input: Any
    webhook: str | None = None
    policy: RunPolicy = RunPolicy()

    @field_validator("webhook")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value:
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("webhook must be an http or https address")
        return value or None
