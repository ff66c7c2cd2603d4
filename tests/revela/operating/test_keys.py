"""`revela keys` and `revela migrate`, on a database of their own."""

import re
from datetime import UTC, datetime, timedelta
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


@pytest.mark.parametrize(("span", "days"), [("30d", 30), ("12h", 0.5), ("2w", 14), ("1440m", 1)])
def test_a_key_ends_when_it_was_told_to(terminal: Terminal, span: str, days: float) -> None:
    before = datetime.now(UTC)
    terminal("keys", "create", "shop", "--tenant", "acme", "--expires", span)
    [listed] = terminal("keys", "list", "--json").json
    lasts = datetime.fromisoformat(listed["expires_at"]) - before
    assert timedelta(days=days) - timedelta(seconds=1) <= lasts <= timedelta(days=days, minutes=1)
    [row] = terminal("keys", "list").out.splitlines()
    assert row.split("\t")[-2] == f"{datetime.fromisoformat(listed['expires_at']):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize("span", ["", "30", "0d", "-1d", "d", "1y", "1.5h", "999999d"])
def test_a_span_that_is_none_makes_no_key(terminal: Terminal, span: str) -> None:
    refused = terminal("keys", "create", "shop", "--tenant", "acme", "--expires", span)
    assert refused.code == 2
    assert f"--expires {span}: write a number and s, m, h, d or w, such as 30d" in refused.err
    assert "rv_" not in refused.out


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
    refused = terminal("keys", "create", "", "--tenant", "Über", "--scope", "jobs:all")
    assert refused.code == 2
    assert [line.split(": ")[-2].strip() for line in refused.err.splitlines()] == ["NAME", "--tenant", "--scope"]
    assert refused.err.endswith("--scope: must be some of jobs:read, jobs:write, admin\n")


def test_a_command_without_a_key_says_how_to_get_one(terminal: Terminal) -> None:
    for words in (("jobs",), ("job", "x"), ("submit", "img2vid")):
        refused = terminal(*words)
        assert (refused.code, refused.err.count("\n")) == (2, 1)
        assert "revela keys create NAME --tenant TENANT, then set REVELA_API_KEY" in refused.err


def test_an_old_secret_that_has_leaked_is_ended_and_that_is_said(terminal: Terminal) -> None:
    terminal("keys", "create", "shop", "--tenant", "acme")
    rotate = ("webhooks", "rotate", "--tenant", "acme")
    assert terminal(*rotate, "--previous-valid-s", "0").out.endswith("\nthe old one is ended\n")
    assert "\nthe old one signs as well until 2" in terminal(*rotate).out


def test_times_are_written_as_the_api_writes_them(terminal: Terminal) -> None:
    terminal("keys", "create", "shop", "--tenant", "acme")
    form = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
    rotated = terminal("webhooks", "rotate", "--tenant", "acme", "--json").json["previous_valid_until"]
    for listed in ("keys", "tenants"):
        assert form.fullmatch(terminal(listed, "list", "--json").json[0]["created_at"])
    assert form.fullmatch(rotated)


def test_a_worker_s_token_is_made_and_an_id_that_can_t_be_is_refused(terminal: Terminal) -> None:
    made = terminal("keys", "worker", "box-1", "--json").json
    assert made["id"] == "box-1"
    assert made["token"].startswith("wk_")
    assert "revela worker --url http://127.0.0.1:3000/v2/local" in terminal("keys", "worker", "box-1").out
    assert terminal("keys", "worker", "../x").code == 2


def test_migrate_says_what_it_did(terminal: Terminal) -> None:
    assert terminal("migrate").out.strip() == f"migrated to {HEAD}"
    assert terminal("migrate").out.strip() == f"nothing to do, the database is at {HEAD}"


@pytest.mark.parametrize(
    "command",
    [("create", "x", "--tenant", "t"), ("list",), ("revoke", "k"), ("worker", "w"), ("migrate",)],
    ids=lambda command: command[0],
)
def test_where_nobody_named_a_directory_no_database_is_made(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.delenv("REVELA_DATA_DIR")
    refused = terminal(*(() if command == ("migrate",) else ("keys",)), *command)
    assert (refused.code, refused.out) == (2, "")
    reason = f"no Revela data in {tmp_path / 'data'}; start a server there first, or give --data-dir"
    assert refused.err == f"revela: {reason}\n"
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_named_may_be_new_for_a_key_and_not_for_a_look(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal("keys", "list", "--data-dir", "elsewhere").code == 2
    assert not (tmp_path / "elsewhere").exists()
    made = terminal("keys", "create", "shop", "--tenant", "acme", "--json", "--data-dir", "elsewhere")
    assert made.err == f"made in the data directory {tmp_path / 'elsewhere'}\n"
    assert [key["id"] for key in terminal("keys", "list", "--json", "--data-dir", "elsewhere").json] == [
        made.json["id"]
    ]


def test_a_default_directory_with_a_database_needs_no_name(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal("migrate")
    monkeypatch.delenv("REVELA_DATA_DIR")
    assert terminal("keys", "create", "shop", "--tenant", "acme").code == 0


def test_a_database_that_is_named_is_told_too(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    monkeypatch.setenv("REVELA_DATABASE_URL", url)
    missing = terminal("keys", "list")
    assert (missing.code, str(tmp_path / "elsewhere.db") in missing.err) == (2, True)
    assert f"the database {url} and" in terminal("keys", "create", "shop", "--tenant", "acme").err


def test_a_database_s_address_that_is_none_is_one_clear_line(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVELA_DATABASE_URL", "nonsense")
    refused = terminal("keys", "list")
    assert (refused.code, refused.err) == (2, "revela: REVELA_DATABASE_URL is not a database's address\n")


def test_keys_are_listed_in_whole_rows_whatever_the_width(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    made = terminal("keys", "create", "a long name of a shop", "--tenant", "acme", "--json").json
    [row] = terminal("keys", "list").out.splitlines()
    assert row.split("\t")[:4] == [made["id"], "a long name of a shop", "acme", "jobs:read jobs:write"]
    assert row.endswith("\tvalid")


def test_a_setting_that_is_wrong_is_one_clear_line(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVELA_MAX_ATTEMPTS", "many")
    refused = terminal("keys", "list")
    assert refused.code == 2
    assert refused.err.count("\n") == 1
    assert "REVELA_MAX_ATTEMPTS" in refused.err
