"""A key as its holder is told of it: whose it is, what it opens, and how much."""

from datetime import datetime

from pydantic import Field

from shared.wire.model import WireModel


class RequestLimit(WireModel):
    """How often the key may ask."""

    name: str = Field(description="As the header RateLimit-Policy calls it", examples=["minute"])
    requests: int = Field(examples=[3000])
    window_s: int = Field(description="In any so many seconds", examples=[60])


class KeyLimits(WireModel):
    """What a key and its tenant may use."""

    requests: list[RequestLimit] = Field(description="Every one holds; none means no limit")
    open_items: int = Field(description="How many of the tenant's items may wait or run at a time", examples=[100000])
    upload_bytes: int = Field(description="The largest file that may be uploaded", examples=[5_368_709_120])
    source_hosts: list[str] | None = Field(
        description="Hosts that inputs may come from, *.NAME for all below it; null for any",
        examples=[["media.example", "*.cdn.example"]],
    )


class KeyView(WireModel):
    """Who asks, and what they may do."""

    id: str = Field(description="The key's public part: it may be logged", examples=["k7m2x9qwer45"])
    name: str = Field(examples=["shop"])
    tenant: str = Field(examples=["acme"])
    scopes: list[str] = Field(examples=[["jobs:read", "jobs:write"]])
    created_at: datetime
    expires_at: datetime | None = Field(description="null for a key that is valid until it is revoked")
    limits: KeyLimits
    open_items: int = Field(description="How many of the tenant's items wait or run now", examples=[12])
