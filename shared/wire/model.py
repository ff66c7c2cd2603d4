"""The two kinds of message: what clients send is read strictly, what our own parts send is read kindly."""

from pydantic import BaseModel, ConfigDict


class ClientModel(BaseModel):
    """From or to a client: unknown fields are refused, numbers must be finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class WireModel(BaseModel):
    """Between orchestrator and worker: unknown fields are ignored, so that either may be a release ahead."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)
