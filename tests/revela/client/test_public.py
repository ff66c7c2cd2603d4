"""What `from revela import …` gives, when it is loaded, and what a client is made with."""

import subprocess
import sys

import pytest

import revela
from revela import Client, InvalidArgument
from revela.client import public


def test_every_public_name_is_there_and_no_other() -> None:
    for name in public.__all__:
        assert getattr(revela, name) is getattr(public, name)
    with pytest.raises(AttributeError, match="revela has no Nope"):
        _ = revela.Nope  # type: ignore[attr-defined]


def test_nothing_is_loaded_before_a_name_is_asked_for() -> None:
    program = "import sys, revela; print('httpx' in sys.modules); revela.Client; print('httpx' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.split() == ["False", "True"]


def test_a_client_without_a_key_or_with_one_that_can_t_be_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REVELA_API_KEY", raising=False)
    with pytest.raises(InvalidArgument, match="REVELA_API_KEY"):
        Client()
    for key in ("clé", "rv_a\nb"):
        with pytest.raises(InvalidArgument, match="API key"):
            Client(key=key)
    Client(key="").close()


def test_a_whole_request_takes_no_further_fields() -> None:
    with Client(key="rv_key") as client, pytest.raises(InvalidArgument, match="labels"):
        client.submit({"operation": "img2vid", "input": {}}, labels={"a": "b"})
