"""What a store's answer to a PUT means: stored, to be tried again, a new grant needed, or refused for good."""

import re
from collections.abc import Mapping

import aiohttp

from shared.errors import UploadFailed

_PASSING_STATUSES = frozenset({408, 425, 429})
_PASSING_CODES = frozenset(
    {"RequestTimeout", "IncompleteBody", "BadDigest", "InternalError", "SlowDown", "ServiceUnavailable"}
    | {"OperationAborted", "ConditionalRequestConflict", "XAmzContentChecksumMismatch"}
)
"""S3's names for what may pass although their status is a 4xx (Amazon S3 API reference, "Error responses")."""
_UNGRANTED_STATUSES = frozenset({401, 403, 410})
_UNGRANTED_CODES = frozenset({"AccessDenied", "ExpiredToken", "InvalidToken", "RequestExpired", "TokenRefreshRequired"})
"""The same as a 400, as some stores say it."""
_CODE = re.compile(rb"<Code>([A-Za-z]{1,64})</Code>|\"code\":\s*\"([a-z-]{1,64})\"")
_CODE_WITHIN_BYTES = 4096
_MD5 = re.compile(r"[0-9a-f]{32}")
_OWN_KEY_ENCRYPTION = "x-amz-server-side-encryption-customer-algorithm"
MAX_RETRY_AFTER_S = 30.0


class WorthRetrying(UploadFailed):
    """The storage can't be reached or asks for patience."""

    def __init__(self, detail: str | None = None, retry_after_s: float = 0.0) -> None:
        """`retry_after_s` is the pause that the store asked for."""
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class GrantRefused(UploadFailed):
    """The storage no longer takes this grant."""


async def check_answer(response: aiohttp.ClientResponse, md5: str | None) -> None:
    """Return if the object is stored as it was sent; WorthRetrying, GrantRefused, UploadFailed.

    `md5` (hex) is compared with the ETag where the store gives one that is an MD5.
    """
    status = response.status
    if 200 <= status < 300:
        told = md5_of_etag(response.headers)
        if md5 is not None and told is not None and told != md5:
            raise WorthRetrying("The storage holds other bytes than were sent.")
        return
    code = await _error_code(response)
    what = f"status {status}{f' ({code})' if code else ''}"
    if status in _PASSING_STATUSES or status >= 500 or code in _PASSING_CODES:
        raise WorthRetrying(f"The storage answered with {what}.", _retry_after_s(response.headers))
    if status in _UNGRANTED_STATUSES or code in _UNGRANTED_CODES:
        raise GrantRefused(f"The storage refused the file with {what}.")
    raise UploadFailed(f"The storage refused the file with {what}.")


def md5_of_etag(headers: Mapping[str, str]) -> str | None:
    """Return the MD5 (hex) that an ETag is; None for one that is none.

    S3's ETag of a single PUT is the MD5 unless it was encrypted by a key of KMS or of the client's (Amazon S3 API
    reference, "Object"); of an object in parts it has a dash.
    """
    encryption = headers.get("x-amz-server-side-encryption", "AES256")
    if encryption != "AES256" or _OWN_KEY_ENCRYPTION in headers:
        return None
    etag = headers.get("ETag", "").strip().removeprefix("W/").strip('"').lower()
    return etag if _MD5.fullmatch(etag) else None


async def _error_code(response: aiohttp.ClientResponse) -> str:
    """Return the name that the store gives its error; empty where it can't be read."""
    try:
        body = await response.content.read(_CODE_WITHIN_BYTES)
    except (aiohttp.ClientError, TimeoutError):
        return ""
    found = _CODE.search(body)
    return (found[1] or found[2]).decode() if found else ""


def _retry_after_s(headers: Mapping[str, str]) -> float:
    text = headers.get("Retry-After", "")
    return min(float(text), MAX_RETRY_AFTER_S) if text.isascii() and text.isdecimal() else 0.0
