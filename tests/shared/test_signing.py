"""Tokens that only this server can make."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.refusals import LinkInvalid
from shared.signing import Signer

SIGNER = Signer(b"k" * 32)


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=200))
def test_sealed_payload_comes_back_whole(payload: str) -> None:
    assert SIGNER.open("output", SIGNER.seal("output", payload)) == payload


@pytest.mark.parametrize("other", [Signer(b"x" * 32), Signer(b"k" * 31)])
def test_token_of_another_secret_is_refused(other: Signer) -> None:
    with pytest.raises(LinkInvalid):
        SIGNER.open("output", other.seal("output", "a"))


def test_token_for_another_purpose_is_refused() -> None:
    with pytest.raises(LinkInvalid):
        SIGNER.open("upload", SIGNER.seal("output", "a"))


def test_every_altered_character_is_noticed() -> None:
    token = SIGNER.seal("output", "tenant/job/1")
    for place in range(len(token)):
        for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
            altered = token[:place] + other + token[place + 1 :]
            if altered != token:
                with pytest.raises(LinkInvalid):
                    SIGNER.open("output", altered)


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=80))
def test_any_other_text_is_refused_and_never_crashes(text: str) -> None:
    with pytest.raises(LinkInvalid):
        SIGNER.open("output", text)


@pytest.mark.parametrize("suffix", [" ", "\n", ".x", "\0", "=", "=="])
def test_second_spelling_of_a_token_is_refused(suffix: str) -> None:
    with pytest.raises(LinkInvalid):
        SIGNER.open("output", SIGNER.seal("output", "payload") + suffix)


def test_secret_does_not_show() -> None:
    assert "kkk" not in repr(SIGNER)
    assert base64.b64encode(SIGNER.secret).decode() not in repr(SIGNER)


def test_derived_keys_are_stable_and_differ_by_purpose() -> None:
    assert SIGNER.derive("webhook") == SIGNER.derive("webhook")
    assert SIGNER.derive("webhook") != SIGNER.derive("pool")
    assert len(SIGNER.derive("webhook", 24)) == 24
