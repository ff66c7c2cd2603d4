"""Secrets: one for each tenant, changed without losing an event, in no log and no database."""

import logging
from datetime import datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError

from orchestrator.keys import ADMIN, create_key
from orchestrator.webhooks.secrets import SecretState
from shared.signing import Signer
from tests.orchestrator.webhooks.posting import Posting


async def rotate(post: Posting, **query: Any) -> dict[str, Any]:
    """Rotate the secret of `acme` by the API."""
    async with post.api.as_tenant("acme", [ADMIN]) as admin:
        answer = await admin.post("/v1/webhooks/rotate", params=query)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def key_secret(post: Posting, tenant: str = "acme") -> str:
    """Return the secret that a fresh key is handed out with."""
    services = post.api.services
    return (await create_key(services.store, services.signer, post.api.clock, "another", tenant)).webhook_secret


async def test_both_secrets_are_valid_while_receivers_change_over(post: Posting) -> None:
    old = await key_secret(post)
    new = (await rotate(post))["secret"]
    assert old != new == await key_secret(post)
    await post.ended_job()
    await post.deliver()
    [got] = post.receiver.got
    assert got.verified(old) == got.verified(new)
    assert len(got.signatures) == 2


async def test_after_the_overlap_only_the_new_one_signs(post: Posting) -> None:
    old = await key_secret(post)
    new = (await rotate(post))["secret"]
    post.api.clock.advance(24 * 3600)
    await post.ended_job()
    await post.deliver()
    [got] = post.receiver.got
    assert (got.signed_by(new), got.signed_by(old), len(got.signatures)) == (True, False, 1)


async def test_a_leaked_secret_can_be_ended_at_once(post: Posting) -> None:
    leaked = await key_secret(post)
    new = (await rotate(post, previous_valid_s=0))["secret"]
    await post.ended_job()
    await post.deliver()
    assert post.receiver.got[0].verified(new)
    with pytest.raises(WebhookVerificationError):
        post.receiver.got[0].verified(leaked)


async def test_a_second_rotation_ends_the_one_before_the_last(post: Posting) -> None:
    secrets = [await key_secret(post), (await rotate(post))["secret"], (await rotate(post))["secret"]]
    await post.ended_job()
    await post.deliver()
    assert [post.receiver.got[0].signed_by(secret) for secret in secrets] == [False, True, True]


async def test_a_waiting_event_is_signed_with_what_is_valid_at_the_try(post: Posting) -> None:
    post.receiver.say(500, 200)
    await post.ended_job()
    await post.deliver()
    new = (await rotate(post, previous_valid_s=0))["secret"]
    await post.deliver(after_s=6)
    first, second = post.receiver.got
    assert (first.signed_by(new), second.signed_by(new)) == (False, True)
    assert (first.id, first.body) == (second.id, second.body)


async def test_the_overview_tells_the_secrets_age_and_never_the_secret(post: Posting) -> None:
    await post.ended_job()
    before = (await post.api.client.get("/v1/webhooks")).json()
    assert before["secret_since"] is not None
    assert before["previous_valid_until"] is None
    post.api.clock.advance(60)
    told = await rotate(post)
    after = (await post.api.client.get("/v1/webhooks")).json()
    valid_until = datetime.fromisoformat(after["previous_valid_until"])
    assert valid_until - datetime.fromisoformat(after["secret_since"]) == timedelta(days=1)
    assert after["previous_valid_until"] == told["previous_valid_until"]
    assert "whsec_" not in str(after)
    post.api.clock.advance(24 * 3600)
    assert (await post.api.client.get("/v1/webhooks")).json()["previous_valid_until"] is None


async def test_only_an_admin_rotates_and_only_their_own(post: Posting) -> None:
    refused = await post.api.client.post("/v1/webhooks/rotate")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    other = await key_secret(post, "other")
    await rotate(post)
    assert await key_secret(post, "other") == other


async def test_no_secret_is_stored_or_logged(
    post: Posting, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = [await key_secret(post), (await rotate(post))["secret"]]
    await post.ended_job()
    await post.deliver()
    written = capsys.readouterr()
    logged = written.out + written.err + caplog.text
    assert "webhook_secret.rotated" in logged
    stored = b"".join(path.read_bytes() for path in post.api.folder.glob("revela.db*"))
    for secret in secrets:
        text = secret.removeprefix("whsec_")
        assert text not in logged
        assert text.encode() not in stored


def test_secrets_differ_by_tenant_generation_and_server() -> None:
    signers = [Signer(b"a" * 32), Signer(b"b" * 32)]
    states = [SecretState(tenant, generation) for tenant in ("acme", "other") for generation in (1, 2)]
    assert len({state.current(signer) for state in states for signer in signers}) == 8
    assert SecretState("acme").current(signers[0]) == SecretState("acme").current(signers[0])
