"""Signing and verifying webhooks, judged by the standard's own package."""

import base64
import time
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from shared.errors import SettingsError, WebhookMalformed, WebhookStale, WebhookUnverified
from shared.webhooks.signature import TOLERANCE_S, encode_secret, sign, verify

KEY = bytes(range(32))
SECRET = encode_secret(KEY)
OTHER = encode_secret(bytes(32))
NOW_S = 1_800_000_000
BODIES = st.text(max_size=200).map(str.encode)
IDS = st.from_regex(r"evt_[0-9A-Z]{1,30}", fullmatch=True)


def signed(body: bytes, *secrets: str, at_s: int = NOW_S, event_id: str = "evt_1") -> dict[str, str]:
    """Return the headers of a try."""
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": sign(secrets or [SECRET], event_id, at_s, body),
    }


def test_the_standards_own_example_is_signed_as_it_says() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signature = sign([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(BODIES, IDS)
@example("käse\r\n\0 \u2028".encode(), "evt_1")
def test_what_is_signed_here_is_believed_by_the_standards_package(body: bytes, event_id: str) -> None:
    headers = signed(body, OTHER, SECRET, at_s=int(time.time()), event_id=event_id)
    for secret in (SECRET, OTHER):
        Webhook(secret).verify(body, headers, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(encode_secret(b"x" * 32)).verify(body, headers, json_parse=False)


@given(BODIES, IDS)
def test_what_the_standards_package_signs_is_believed_here(body: bytes, event_id: str) -> None:
    at = datetime.fromtimestamp(NOW_S, UTC)
    signatures = [Webhook(secret).sign(event_id, at, body.decode()) for secret in (OTHER, SECRET)]
    headers = {
        "Webhook-Id": event_id,
        "Webhook-Timestamp": str(NOW_S),
        "Webhook-Signature": " ".join(["v1a,b3RoZXI=", *signatures]),
    }
    verify([SECRET], headers, body, now_s=NOW_S)
    verify([encode_secret(b"n" * 24), OTHER], headers, body, now_s=NOW_S)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "evt_2"},
        {"webhook-timestamp": str(NOW_S + 1)},
        {"webhook-signature": sign([OTHER], "evt_1", NOW_S, b"{}")},
    ],
)
def test_whatever_is_changed_is_not_believed(change: dict[str, str]) -> None:
    with pytest.raises(WebhookUnverified):
        verify([SECRET], signed(b"{}") | change, b"{}", now_s=NOW_S)
    with pytest.raises(WebhookUnverified):
        verify([SECRET], signed(b"{}"), b"{ }", now_s=NOW_S)


@pytest.mark.parametrize("apart_s", [-TOLERANCE_S - 1, TOLERANCE_S + 1, -86_400, 10**9])
def test_an_old_or_early_one_is_not_believed(apart_s: int) -> None:
    with pytest.raises(WebhookStale):
        verify([SECRET], signed(b"{}"), b"{}", now_s=NOW_S + apart_s)


@pytest.mark.parametrize("apart_s", [-TOLERANCE_S, 0, TOLERANCE_S])
def test_five_minutes_apart_is_near_enough(apart_s: int) -> None:
    verify([SECRET], signed(b"{}"), b"{}", now_s=NOW_S + apart_s)


def test_without_a_given_time_the_present_counts() -> None:
    verify([SECRET], signed(b"{}", at_s=int(time.time())), b"{}")
    with pytest.raises(WebhookStale):
        verify([SECRET], signed(b"{}", at_s=int(time.time()) - 2 * TOLERANCE_S), b"{}")


@pytest.mark.parametrize(
    "change",
    [
        *({"webhook-timestamp": text} for text in ("", " 1", "1.9", "1_2", "nan", "-1", "+1", "٣", "9" * 400)),
        *({"webhook-signature": text} for text in ("", "v1,ü")),
        {"webhook-id": ""},
        {"webhook-id": "\ud800"},
    ],
    ids=ascii,
)
def test_headers_that_can_t_be_right_are_told_apart(change: dict[str, str]) -> None:
    with pytest.raises(WebhookMalformed):
        verify([SECRET], signed(b"{}") | change, b"{}", now_s=NOW_S)


@pytest.mark.parametrize(
    "signature", ["v1", "v1,", "v1,a,b", "v1,not base64", ",", " ", "v2,AAAA", "v1,AAAA", "v1a,AAAA v1"]
)
def test_a_signature_in_no_known_form_is_not_believed(signature: str) -> None:
    with pytest.raises(WebhookUnverified):
        verify([SECRET], signed(b"{}") | {"webhook-signature": signature}, b"{}", now_s=NOW_S)


@given(st.dictionaries(st.sampled_from(sorted(signed(b""))), st.text(max_size=60)), st.binary(max_size=60))
def test_nothing_that_a_stranger_sends_escapes_as_another_error(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(WebhookUnverified):
        verify([SECRET], headers, body, now_s=NOW_S)


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", base64.b64encode(KEY).decode(), "whsec_käse", encode_secret(b"x" * 23), encode_secret(b"x" * 65)],
)
def test_a_secret_that_is_none_is_the_callers_fault(secret: str) -> None:
    with pytest.raises(SettingsError):
        verify([secret], signed(b"{}"), b"{}", now_s=NOW_S)
    with pytest.raises(SettingsError):
        sign([secret], "evt_1", NOW_S, b"{}")


def test_without_secrets_nothing_is_believed() -> None:
    with pytest.raises(WebhookUnverified):
        verify([], signed(b"{}"), b"{}", now_s=NOW_S)
