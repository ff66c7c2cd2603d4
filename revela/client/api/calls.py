"""Every call of the API as data: what is asked, whether it may be asked twice, and how the answer is read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Generic, TypeVar

import httpx
from pydantic import ValidationError

from revela.client.api.answers import error_of
from revela.client.api.paths import delivery_path, job_path, missing, upload_path
from revela.client.connection import LONG_POLL_S
from revela.client.errors import NotRevela
from shared.uploads.upload import UploadPage, UploadRequest, UploadState, UploadView
from shared.wire.access.key import KeyView
from shared.wire.job import ItemPage, JobPage, JobView
from shared.wire.keeping.audit import AuditPage
from shared.wire.model import WireModel
from shared.wire.plan import JobPlan
from shared.wire.status import Status
from shared.wire.webhook import Delivery, DeliveryList, RotatedSecret, WebhookOverview

T = TypeVar("T")
M = TypeVar("M", bound=WireModel)

Params = tuple[tuple[str, str], ...]
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request and its answer."""

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    params: Params = ()
    body: Json | None = None
    headers: tuple[tuple[str, str], ...] = ()
    repeatable: bool = True
    """Whether asking twice does no more than asking once."""
    missing: str | None = None
    """What a 404 means."""

    def options(self) -> dict[str, Any]:
        """Return what httpx's `request` is called with."""
        options: dict[str, Any] = {"method": self.method, "url": self.path, "headers": dict(self.headers)}
        if self.params:
            options["params"] = list(self.params)
        if self.body is not None:
            options["json"] = self.body
        return options

    def result(self, response: httpx.Response, *, repeated: bool) -> T:
        """Return what the answer says, or raise the ClientError that it stands for.

        What was to be deleted and is gone when that is `repeated` was deleted by the try whose answer was lost.
        """
        gone = repeated and self.method == "DELETE" and response.status_code == HTTPStatus.NOT_FOUND
        if not (response.is_success or gone):
            raise error_of(response, self.missing)
        return self.read(response)

    def after(self, cursor: str) -> "Call[T]":
        """Return the call for the next page."""
        others = tuple((name, value) for name, value in self.params if name != "cursor")
        return replace(self, params=(*others, ("cursor", cursor)))


class _Catalogue(WireModel):
    operations: list[dict[str, Any]]


def submit(request: Json, idempotency_key: str) -> Call[JobView]:
    """``POST /v1/jobs``; the key makes it safe to ask again."""
    headers = (("Idempotency-Key", idempotency_key),)
    return Call("POST", "/v1/jobs", _reader(JobView), body=request, headers=headers)


def plan(request: Json) -> Call[JobPlan]:
    """``POST /v1/jobs?dry_run=true``."""
    return Call("POST", "/v1/jobs", _reader(JobPlan), params=(("dry_run", "true"),), body=request)


def get(job_id: str, wait_s: float = 0) -> Call[JobView]:
    """``GET /v1/jobs/{id}``."""
    params = (("wait", f"{min(wait_s, LONG_POLL_S):g}"),) if wait_s > 0 else ()
    return _of_job("GET", job_id, "", _reader(JobView), params)


def jobs(
    status: Status | str | None,
    operation: str | None,
    labels: Mapping[str, str] | None,
    created: tuple[datetime | None, datetime | None],
    page_size: int,
) -> Call[JobPage]:
    """``GET /v1/jobs``: one page; `created` is from when (included) to when (not included)."""
    params = [
        *_given("status", status and Status(status).value),
        *_given("operation", operation),
        *(("label", f"{name}:{value}") for name, value in (labels or {}).items()),
        *_given("created_after", _rfc3339(created[0])),
        *_given("created_before", _rfc3339(created[1])),
        ("limit", str(page_size)),
    ]
    return Call("GET", "/v1/jobs", _reader(JobPage), tuple(params))


def items(job_id: str, status: Status | str | None) -> Call[ItemPage]:
    """``GET /v1/jobs/{id}/items``: one page."""
    return _of_job("GET", job_id, "/items", _reader(ItemPage), tuple(_given("status", status and Status(status).value)))


def cancel(job_id: str) -> Call[JobView]:
    """``POST /v1/jobs/{id}/cancel``; cancelling twice is cancelling once."""
    return _of_job("POST", job_id, "/cancel", _reader(JobView))


def retry(job_id: str) -> Call[JobView]:
    """``POST /v1/jobs/{id}/retry``; asked again, the server answers with the same job."""
    return _of_job("POST", job_id, "/retry", _reader(JobView))


def delete(job_id: str) -> Call[None]:
    """``DELETE /v1/jobs/{id}``."""
    return _of_job("DELETE", job_id, "", lambda _: None)


def pin(job_id: str) -> Call[JobView]:
    """``PUT /v1/jobs/{id}/pin``."""
    return _of_job("PUT", job_id, "/pin", _reader(JobView))


def unpin(job_id: str) -> Call[JobView]:
    """``DELETE /v1/jobs/{id}/pin``."""
    return _of_job("DELETE", job_id, "/pin", _reader(JobView))


def hold(job_id: str, reason: str) -> Call[JobView]:
    """``PUT /v1/jobs/{id}/legal-hold``."""
    return replace(_of_job("PUT", job_id, "/legal-hold", _reader(JobView)), body={"reason": reason})


def release(job_id: str) -> Call[JobView]:
    """``DELETE /v1/jobs/{id}/legal-hold``."""
    return _of_job("DELETE", job_id, "/legal-hold", _reader(JobView))


def audit(action: str | None, subject: str | None, page_size: int) -> Call[AuditPage]:
    """``GET /v1/audit``: one page."""
    params = (*_given("action", action), *_given("subject", subject), ("limit", str(page_size)))
    return Call("GET", "/v1/audit", _reader(AuditPage), params)


def operations() -> Call[list[dict[str, Any]]]:
    """``GET /v1/operations``."""
    read = _reader(_Catalogue)
    return Call("GET", "/v1/operations", lambda response: read(response).operations)


def key() -> Call[KeyView]:
    """``GET /v1/key``."""
    return Call("GET", "/v1/key", _reader(KeyView))


def begin_upload(request: UploadRequest) -> Call[UploadView]:
    """``POST /v1/uploads``; one that was begun twice expires by itself."""
    return Call("POST", "/v1/uploads", _reader(UploadView), body=request.model_dump(mode="json"))


def get_upload(upload_id: str, parts: Sequence[int] = ()) -> Call[UploadView]:
    """``GET /v1/uploads/{id}``, with fresh addresses of `parts`."""
    params = (("parts", ",".join(map(str, parts))),) if parts else ()
    return _of_upload("GET", upload_id, "", _reader(UploadView), params)


def complete_upload(upload_id: str) -> Call[UploadView]:
    """``POST /v1/uploads/{id}/complete``; completing twice is completing once."""
    return _of_upload("POST", upload_id, "/complete", _reader(UploadView))


def uploads(state: UploadState | str | None) -> Call[UploadPage]:
    """``GET /v1/uploads``: one page."""
    params = tuple(_given("state", state and UploadState(state).value))
    return Call("GET", "/v1/uploads", _reader(UploadPage), params)


def delete_upload(upload_id: str) -> Call[None]:
    """``DELETE /v1/uploads/{id}``."""
    return _of_upload("DELETE", upload_id, "", lambda _: None)


def deliveries(job_id: str) -> Call[list[Delivery]]:
    """``GET /v1/jobs/{id}/deliveries``."""
    read = _reader(DeliveryList)
    return _of_job("GET", job_id, "/deliveries", lambda response: read(response).deliveries)


def redeliver(delivery_id: str) -> Call[Delivery]:
    """``POST /v1/deliveries/{id}/redeliver``; asked twice, it may be sent twice."""
    path = delivery_path(delivery_id, "/redeliver")
    return Call("POST", path, _reader(Delivery), repeatable=False, missing=missing("delivery", delivery_id))


def webhooks() -> Call[WebhookOverview]:
    """``GET /v1/webhooks``."""
    return Call("GET", "/v1/webhooks", _reader(WebhookOverview))


def rotate_webhook_secret(previous_valid_s: int | None) -> Call[RotatedSecret]:
    """``POST /v1/webhooks/rotate``; asked twice, the first answer's secret would be the previous one."""
    params = tuple(_given("previous_valid_s", None if previous_valid_s is None else str(previous_valid_s)))
    return Call("POST", "/v1/webhooks/rotate", _reader(RotatedSecret), params, repeatable=False)


def _of_job(method: str, job_id: str, rest: str, read: Callable[[httpx.Response], T], params: Params = ()) -> Call[T]:
    return Call(method, job_path(job_id, rest), read, params, missing=missing("job", job_id))


def _of_upload(
    method: str, upload_id: str, rest: str, read: Callable[[httpx.Response], T], params: Params = ()
) -> Call[T]:
    return Call(method, upload_path(upload_id, rest), read, params, missing=missing("upload", upload_id))


def _reader(model: type[M]) -> Callable[[httpx.Response], M]:
    def read(response: httpx.Response) -> M:
        try:
            return model.model_validate_json(response.content)
        except ValidationError as foreign:
            host = response.url.copy_with(raw_path=b"/")
            raise NotRevela(f"what answers at {host} is not a Revela server") from foreign

    return read


def _given(name: str, value: str | None) -> Sequence[tuple[str, str]]:
    return () if value is None else ((name, value),)


def _rfc3339(moment: datetime | None) -> str | None:
    """Return a time for the query; one without a zone is meant as local time."""
    return None if moment is None else moment.astimezone().isoformat()
