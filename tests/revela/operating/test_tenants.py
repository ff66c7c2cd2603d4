"""`revela tenants`, on a database of its own."""

import sqlite3

import pytest

from tests.revela.terminal import Terminal


def test_a_tenant_is_listed_suspended_and_resumed(terminal: Terminal) -> None:
    terminal("keys", "create", "shop", "--tenant", "acme")
    terminal("keys", "create", "till", "--tenant", "acme")
    terminal("keys", "create", "shop", "--tenant", "zoo")
    [acme, zoo] = terminal("tenants", "list", "--json").json
    assert (acme["tenant"], acme["keys"], acme["open_items"], acme["suspended_at"]) == ("acme", 2, 0, None)
    assert terminal("tenants", "suspend", "zoo").out == "zoo is suspended: its keys open nothing; what runs goes on\n"
    [acme, zoo] = terminal("tenants", "list", "--json").json
    assert (acme["suspended_at"], zoo["suspended_at"] is None) == (None, False)
    rows = [row.split("\t") for row in terminal("tenants", "list").out.splitlines()]
    assert [(row[0], row[-1]) for row in rows] == [("acme", "active"), ("zoo", "suspended")]
    [row] = terminal("keys", "list", "--tenant", "zoo").out.splitlines()
    assert row.endswith("\tsuspended")
    assert terminal("tenants", "resume", "zoo").out == "zoo is active\n"
    assert terminal("tenants", "list", "--json").json[1]["suspended_at"] is None


@pytest.mark.parametrize("act", ["suspend", "resume"])
def test_a_tenant_that_there_is_not_is_said_so(terminal: Terminal, act: str) -> None:
    terminal("keys", "create", "shop", "--tenant", "acme")
    refused = terminal("tenants", act, "acmé")
    assert (refused.code, refused.err) == (2, "revela: there is no tenant acmé; the first key makes one\n")


def test_a_tenant_s_inputs_are_limited_to_hosts_and_freed_again(terminal: Terminal) -> None:
    terminal("keys", "create", "shop", "--tenant", "acme")
    said = terminal("tenants", "sources", "acme", "*.CDN.example", "münchen.example.")
    assert said.out == "acme: inputs may come from xn--mnchen-3ya.example, *.cdn.example\n"
    [acme] = terminal("tenants", "list", "--json").json
    assert acme["source_hosts"] == ["xn--mnchen-3ya.example", "*.cdn.example"]
    assert terminal("tenants", "sources", "acme").out == said.out
    [row] = terminal("tenants", "list").out.splitlines()
    assert row.split("\t")[-2] == "xn--mnchen-3ya.example, *.cdn.example"
    with sqlite3.connect("data/revela.db") as database:
        told = database.execute(
            "SELECT actor, subject, detail FROM audit WHERE action = 'tenant.sources_set'"
        ).fetchall()
    assert told == [("operator", "acme", '{"hosts": ["xn--mnchen-3ya.example", "*.cdn.example"]}')]
    assert terminal("tenants", "sources", "acme", "example.com", "--any").code == 2
    assert terminal("tenants", "list", "--json").json[0]["source_hosts"] == acme["source_hosts"]
    assert terminal("tenants", "sources", "acme", "--any").out == "acme: inputs may come from any host\n"
    assert terminal("tenants", "sources", "acme").out == "acme: inputs may come from any host\n"
    assert terminal("tenants", "list", "--json").json[0]["source_hosts"] is None
    for words in (("example.com",), ("--any",), ()):
        assert terminal("tenants", "sources", "zoo", *words).code == 2


@pytest.mark.parametrize("host", ["https://example.com", "example.com/x", "*.*.example", "*", "a..b", "a b", "", "x@y"])
def test_a_text_that_is_no_host_is_refused(terminal: Terminal, host: str) -> None:
    terminal("keys", "create", "shop", "--tenant", "acme")
    refused = terminal("tenants", "sources", "acme", host)
    assert (refused.code, refused.err) == (
        2,
        f"revela: a host is written as example.com or *.example.com, not {host!r}\n",
    )


@pytest.mark.parametrize("command", [("list",), ("suspend", "t"), ("resume", "t")], ids=lambda command: command[0])
def test_where_there_is_no_database_none_is_made(terminal: Terminal, command: tuple[str, ...]) -> None:
    assert terminal("tenants", *command).code == 2
