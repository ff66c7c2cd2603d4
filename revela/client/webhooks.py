"""Believing a webhook: whether the server sent it, and what it says."""

from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from shared.errors import WebhookMalformed
from shared.webhooks.signature import verify
from shared.wire.webhook import WebhookEvent


def verify_webhook(headers: Mapping[str, str], body: bytes | str, secret: str | Sequence[str]) -> WebhookEvent:
    """Return what a delivery says, once it is proved to be the server's.

    `headers` are the request's, in any case of letters; `body` its bytes as they came, not parsed and written anew.
    `secret` is the tenant's, as `revela keys create` shows it; while it is being rotated, both. Deliveries may come
    twice: `headers["webhook-id"]` is the same then. WebhookUnverified for anything that is not to be believed;
    SettingsError for a secret that is none.

    >>> event = verify_webhook(headers, body, secret)
    >>> event.type
    <JobEvent.COMPLETED: 'job.completed'>
    >>> event.data.job.status
    <Status.COMPLETED: 'COMPLETED'>
    """
    raw = body.encode() if isinstance(body, str) else body
    verify([secret] if isinstance(secret, str) else secret, headers, raw)
    try:
        return WebhookEvent.model_validate_json(raw)
    except ValidationError as foreign:
        raise WebhookMalformed("The webhook is signed, but its body is no event that this release knows.") from foreign
