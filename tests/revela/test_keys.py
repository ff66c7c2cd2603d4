"""`revela keys` and `revela migrate`, on a database of their own."""

from pathlib import Path

import pytest

from orchestrator.keys import parse_key
from orchestrator.store.migrate import HEAD
from tests.revela.terminal import Terminal


def test_a_key_is_made_listed_and_revoked(terminal: Terminal) -> None:
    made = terminal("keys", "create", "shop", "--tenant", "acme", "--json").json
    assert set(made) == {"id", "key", "webhook_secret"}
    parsed = parse_key(made["key"])
    assert parsed is not None
    assert parsed.id == made["id"]
    [listed] = terminal("keys", "list", "--json").json
    assert (listed["id"], listed["name"], listed["tenant"]) == (made["id"], "shop", "acme")
    assert listed["scopes"] == ["jobs:read", "jobs:write"]
    assert terminal("keys", "revoke", made["id"]).code == 0
    assert terminal("keys", "list", "--json").json[0]["revoked_at"] is not None
    again = terminal("keys", "revoke", made["id"])
    assert (again.code, made["id"] in again.err) == (2, True)


def test_neither_key_nor_secret_is_kept_in_the_clear(terminal: Terminal, tmp_path: Path) -> None:
    key = terminal("keys", "create", "shop", "--tenant", "acme", "--json").json["key"]
    secret = key.rpartition("_")[2].encode()
    files = [path for path in (tmp_path / "data").iterdir() if path.is_file()]
    assert files
    assert [path.name for path in files if secret[:20] in path.read_bytes()] == []


def test_tables_show_what_there_is(terminal: Terminal) -> None:
    shown = terminal("keys", "create", "shop", "--tenant", "acme", "--scope", "jobs:read")
    assert "rv_" in shown.out
    assert "whsec_" in shown.out
    table = terminal("keys", "list").out
    assert "shop" in table
    assert "rv_" not in table
    assert terminal("keys", "list", "--tenant", "other", "--json").json == []


def test_a_tenant_or_scope_that_can_t_be_is_refused_with_its_reason(terminal: Terminal) -> None:
    refused = terminal("keys", "create", "x", "--tenant", "Über", "--scope", "everything")
    assert refused.code == 2
    assert "tenant: " in refused.err
    assert "scopes: " in refused.err


def test_a_worker_s_token_is_made_and_an_id_that_can_t_be_is_refused(terminal: Terminal) -> None:
    made = terminal("keys", "worker", "box-1", "--json").json
    assert made["id"] == "box-1"
    assert made["token"].startswith("wk_")
    assert "revela worker --url http://127.0.0.1:3000/v2/local" in terminal("keys", "worker", "box-1").out
    assert terminal("keys", "worker", "../x").code == 2


def test_migrate_says_what_it_did(terminal: Terminal) -> None:
    assert terminal("migrate").out.strip() == f"migrated to {HEAD}"
    assert terminal("migrate").out.strip() == f"nothing to do, the database is at {HEAD}"


def test_a_setting_that_is_wrong_is_one_clear_line(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVELA_MAX_ATTEMPTS", "many")
    refused = terminal("keys", "list")
    assert refused.code == 2
    assert refused.err.count("\n") == 1
    assert "REVELA_MAX_ATTEMPTS" in refused.err
