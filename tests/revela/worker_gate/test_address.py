"""What a person may write for a pool's address."""

import pytest

from revela.failures import UsageFault
from revela.pool_worker import join_pool
from revela.worker_gate.address import pool_address


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("http://box:3000", "http://box:3000/v2/local"),
        ("http://box:3000/", "http://box:3000/v2/local"),
        (" https://media.example.com ", "https://media.example.com/v2/local"),
        ("http://[::1]:3000/v2/local/", "http://[::1]:3000/v2/local"),
        ("https://example.com/revela/v2/local", "https://example.com/revela/v2/local"),
    ],
)
def test_a_bare_server_gets_the_pool_s_path_and_a_path_stays(written: str, meant: str) -> None:
    assert pool_address(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        *("", "box:3000", "ftp://box/v2/local", "http:///v2/local", "http://box:port/", "http://[::1"),
        *("http://user:word@box/v2/local", "http://box/v2/local?gpu=x", "http://box/v2/local#there"),
    ],
)
def test_what_is_no_address_is_said_with_what_one_looks_like(written: str) -> None:
    with pytest.raises(UsageFault, match="http://HOST:PORT/v2/local"):
        pool_address(written)


@pytest.mark.parametrize(("worker_id", "token", "said"), [("../x", "wk_a", "--id"), ("box-1", "wk_a\nb", "token")])
def test_an_id_or_a_token_that_can_t_be_is_not_sent_anywhere(worker_id: str, token: str, said: str) -> None:
    with pytest.raises(UsageFault, match=said):
        join_pool("http://127.0.0.1:9", worker_id, token)
