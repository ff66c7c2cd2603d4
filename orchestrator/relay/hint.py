"""The endpoint's webhook: never believed, it only brings the next look at an attempt forward."""

from orchestrator.services import Services
from orchestrator.store.attempts import mark_submitted


async def receive_hint(services: Services, token: str, provider_id: str | None) -> None:
    """Look at the attempt that `token` names at once; LinkInvalid for a token that is not ours.

    A submit whose reply was lost is found again by it: the endpoint's id comes with the hint.
    """
    task_id, _, n = services.signer.open("attempt", token).partition("/")
    if provider_id and len(provider_id) <= 128:
        await services.store.write(lambda c: mark_submitted(c, task_id, int(n), provider_id))
    services.hints.add(task_id, int(n))
