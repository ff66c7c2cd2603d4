"""Money."""

from pydantic import Field

from shared.wire.model import WireModel


class Cost(WireModel):
    """What work costs, by the price of a worker's second that the server was given."""

    amount: float = Field(examples=[0.0123])
    currency: str = Field(examples=["USD"])
