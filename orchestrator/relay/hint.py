"""The endpoint's webhook: never believed, it only brings the next look at an attempt forward."""

from orchestrator.dispatch.orphans import keep_or_cancel
from orchestrator.services import Services


def named_attempt(services: Services, token: str) -> tuple[str, int]:
    """Return the task and number of the attempt that `token` names; LinkInvalid for a token that is not ours."""
    task_id, _, n = services.signer.open("attempt", token).partition("/")
    return task_id, int(n)


async def receive_hint(services: Services, attempt: tuple[str, int], provider_id: str | None) -> None:
    """Look at an attempt at once.

    A submit whose reply was lost is found again by it: the endpoint's id comes with the hint. Where the attempt was
    given up by then, the run is stopped; EndpointUnavailable if it can't be, so that the endpoint tells us again.
    """
    if provider_id:
        await keep_or_cancel(services, *attempt, provider_id)
    services.hints.add(*attempt)
