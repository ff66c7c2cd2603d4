"""Which webhooks are taken: https to a public address, or what the operator has opened."""

from collections.abc import Iterable

from shared.errors import SourceBlocked, SourceInvalid
from shared.fetch_guard import check_webhook_address
from shared.refusals import FieldError, InvalidRequest
from shared.wire.job import JobRequest


def check_webhook(request: JobRequest, allow_private: Iterable[str]) -> None:
    """Raise InvalidRequest for a webhook that could never be sent, and for events without one."""
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
