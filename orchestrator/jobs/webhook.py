"""Which webhooks are taken: https to a public address, or what the operator has opened."""

from collections.abc import Iterable

from yarl import URL

from shared.errors import SourceBlocked, SourceInvalid
from shared.fetch_guard import check_webhook_address
from shared.refusals import FieldError, InvalidRequest
from shared.wire.job import JobRequest


def check_webhook(request: JobRequest, allow_private: Iterable[str], own_url: str) -> None:
    """Raise InvalidRequest for a webhook that could never be sent or leads back to `own_url`, and for events alone."""
    if request.webhook is None:
        if request.webhook_events is not None:
            raise InvalidRequest(errors=[FieldError("/webhook_events", "there is no webhook to send them to")])
        return
    try:
        check_webhook_address(request.webhook, allow_private)
    except SourceInvalid as refused:
        raise InvalidRequest(errors=[FieldError("/webhook", refused.detail)]) from refused
    except SourceBlocked as refused:
        detail = "The address is not a public one; REVELA_ALLOW_PRIVATE_SOURCES can open it."
        raise InvalidRequest(errors=[FieldError("/webhook", detail)]) from refused
    if _place(request.webhook) == _place(own_url):
        raise InvalidRequest(errors=[FieldError("/webhook", "this server is no receiver of its own webhooks")])


def _place(url: str) -> tuple[str, int | None]:
    address = URL(url)
    return (address.raw_host or "").lower().rstrip("."), address.port
