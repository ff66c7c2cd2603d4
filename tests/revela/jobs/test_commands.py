"""The commands that act on jobs, against the real server with a real worker."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from revela import Client
from revela.failures import NOT_AS_WISHED, WRONGLY_ASKED, ReaderGone
from tests.revela.terminal import Answer, Terminal
from tests.served import Server, served
from tests.shared.captions.written import srt
from tests.waiting import until_now

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

JOB = "job_00000000000000000000000000"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    return server.create_key()


@pytest.fixture
def connected(terminal: Terminal, server: Server, key: str, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("REVELA_URL", server.url)
    monkeypatch.setenv("REVELA_API_KEY", key)
    return terminal


@pytest.fixture
def client(server: Server, key: str) -> Iterator[Client]:
    with Client(server.url, key) as client:
        yield client


def done(connected: Terminal, *words: str) -> str:
    """Return the id of a job of one echo that has completed."""
    ended = connected("submit", "echo", "--param", "text=hello", *words, "--wait", "--json")
    assert ended.code == 0, ended.err
    return str(ended.json["id"])


def running(client: Client) -> str:
    """Return the id of a job that would run for long."""
    job_id = client.submit("echo", input={"sleep_s": 30}).id
    until_now(lambda: client.get(job_id).status == "IN_PROGRESS", 60)
    return job_id


def test_a_dry_run_shows_what_a_job_would_be_and_makes_none(connected: Terminal, tmp_path: Path) -> None:
    (tmp_path / "items.json").write_text('[{"id": "a", "sleep_s": 3}, {"id": "b"}]')
    words = ("submit", "echo", "--items", "items.json", "--label", "dry=run", "--dry-run")
    shown = connected(*words)
    assert shown.code == 0
    assert [line.split("\t") for line in shown.out.splitlines()] == [
        ["a", "3.0 s", "text text/plain"],
        ["b", "0.0 s", "text text/plain"],
    ]
    assert shown.err.startswith("echo  2 items in ")
    assert " s of work, done in " in shown.err
    assert connected(*words, "--json").json["items_total"] == 2
    assert connected("jobs", "--label", "dry=run", "--json").json == []
    refused = connected("submit", "echo", "--param", "sleep_s=-1", "--dry-run")
    assert (refused.code, "--param sleep_s: " in refused.err) == (WRONGLY_ASKED, True)


def test_a_dry_run_warns_on_standard_error(connected: Terminal, tmp_path: Path) -> None:
    item = {"id": "a", "video": "https://example.com/a.mp4", "subtitles": srt("漢")}
    (tmp_path / "items.json").write_text(json.dumps([item]))
    shown = connected("submit", "caption", "--items", "items.json", "--dry-run")
    assert (shown.code, shown.out.count("\n")) == (0, 1)
    assert shown.err.splitlines()[2:] == [
        "warning: a /subtitles: No font here has 漢 (U+6F22): each is drawn as an empty box."
    ]


def test_jobs_are_found_by_label_and_time(connected: Terminal) -> None:
    job_id = done(connected, "--label", "order=A=17", "--label", "shop=x", "--priority", "high")
    for words in ("--label order=A=17", "--label order=A=17 --since 1h --status completed"):
        assert connected("jobs", *words.split()).out.split("\t")[0] == job_id
    for words in ("--label order=B", "--label shop=x --until 1h", "--since 2100-01-01"):
        assert connected("jobs", *words.split()).out == ""
    for words in ("--label order", "--since soon", "--until 99999999w"):
        refused = connected("jobs", *words.split())
        assert (refused.code, refused.out, refused.err.count("\n")) == (WRONGLY_ASKED, "", 1)


def test_more_jobs_may_be_asked_for_than_one_page_holds(connected: Terminal) -> None:
    job_id = done(connected)
    assert job_id in [job["id"] for job in connected("jobs", "--limit", "500", "--json").json]


def test_the_same_idempotency_key_is_the_same_job(connected: Terminal) -> None:
    first, second = (connected("submit", "echo", "--param", "text=x", "--idempotency-key", "k") for _ in "ab")
    assert first.out == second.out
    other = connected("submit", "echo", "--param", "text=y", "--idempotency-key", "k")
    assert (other.code, other.out) == (WRONGLY_ASKED, "")


def test_a_field_that_is_refused_is_named_as_it_was_typed(connected: Terminal) -> None:
    for option, value in (("--webhook", "http://x"), ("--priority", "urgent"), ("--label", f"a={'x' * 300}")):
        refused = connected("submit", "echo", option, value)
        assert (refused.code, f"  {option}" in refused.err) == (WRONGLY_ASKED, True), refused.err


def test_a_running_job_is_cancelled_then_retried_then_deleted(connected: Terminal, client: Client) -> None:
    job_id = running(client)
    refused = connected("delete", job_id, "--yes")
    assert (refused.code, "has not ended" in refused.err) == (WRONGLY_ASKED, True)
    assert connected("cancel", job_id, "--wait", "--json").json["status"] == "CANCELLED"
    again = connected("retry", job_id)
    assert (again.code, again.out) == (0, connected("retry", job_id).out)
    assert client.get(again.out.strip()).retry_of == job_id
    connected("cancel", again.out.strip(), "--wait")
    assert connected("delete", job_id, again.out.strip()).out.splitlines() == [
        f"{job_id} is deleted",
        f"{again.out.strip()} is deleted",
    ]
    gone = connected("job", job_id)
    assert (gone.code, gone.err) == (WRONGLY_ASKED, f"revela: no job {job_id}\n")
    nothing = connected("retry", done(connected))
    assert (nothing.code, nothing.out) == (WRONGLY_ASKED, "")


def test_a_cancel_that_takes_a_while_says_that_it_goes_on(connected: Terminal, client: Client) -> None:
    job_id = running(client)
    told = connected("cancel", job_id)
    assert (told.code, "IN_PROGRESS  being cancelled, " in told.err) == (0, True), told.err
    assert f"revela job {job_id} --wait" in told.err
    ended = connected("cancel", job_id, "--wait")
    assert (ended.code, "CANCELLED" in ended.err, "told to stop" in ended.err) == (0, True, False)
    assert "outputs stay" not in ended.err


def test_events_are_printed_to_the_job_s_end(connected: Terminal, client: Client) -> None:
    job_id = client.submit("echo", items=[{"id": "a"}, {"id": "b", "sleep_s": 1.5}]).id
    lines = [json.loads(line) for line in connected("events", job_id, "--json").out.splitlines()]
    assert [line["data"]["status"] for line in lines if line["type"] == "status"] == [
        "IN_QUEUE",
        "IN_PROGRESS",
        "COMPLETED",
    ]
    assert {line["data"]["id"] for line in lines if line["type"] == "item"} == {"a", "b"}
    rows = [line.split("\t") for line in connected("events", job_id).out.splitlines()]
    assert ["status", "COMPLETED"] in [row[1:3] for row in rows]
    last = connected("events", job_id, "--after", lines[-2]["id"] or lines[-3]["id"], "--json").out
    assert json.loads(last.splitlines()[-1]) == lines[-1]
    missing = connected("events", JOB)
    assert (missing.code, missing.err) == (WRONGLY_ASKED, f"revela: no job {JOB}\n")


def test_outputs_are_downloaded_once(connected: Terminal, tmp_path: Path) -> None:
    job_id = done(connected)
    saved = connected("download", job_id, "texts", "--json").json["files"]
    assert saved == [str(tmp_path / "texts/0.txt")]
    assert Path(saved[0]).read_text() == "hello"
    written_ns = Path(saved[0]).stat().st_mtime_ns
    assert connected("download", job_id, "texts").out == f"{saved[0]}\n"
    assert Path(saved[0]).stat().st_mtime_ns == written_ns
    failed = connected("submit", "fails_for_good", "--wait", "--json").json["id"]
    nothing = connected("download", failed)
    assert (nothing.code, nothing.out, nothing.err) == (NOT_AS_WISHED, "", f"revela: {failed} has no outputs\n")


def test_another_file_of_an_output_s_name_is_left_as_it_is(connected: Terminal, tmp_path: Path) -> None:
    precious = tmp_path / "texts/0.txt"
    precious.parent.mkdir()
    precious.write_text("precious")
    first = connected("submit", "echo", "--param", "text=hello", "--output", "texts", "--json")
    second = connected("download", first.json["id"], "texts", "--json")
    assert first.json["files"] == second.json["files"] == [str(tmp_path / "texts/0-2.txt")]
    assert f"{precious} is another file and stays; saved as 0-2.txt\n" in first.err
    assert (precious.read_text(), (tmp_path / "texts/0-2.txt").read_text()) == ("precious", "hello")


def test_a_reader_that_leaves_ends_a_command_quietly_and_with_a_shell_s_code(
    connected: Terminal, server: Server, key: str
) -> None:
    for words in (("jobs", "--limit", "100", "--json"), ("jobs", "--limit", "1"), ("operations",)):
        ended = left(server, key, *words)
        assert (ended.code, ended.err) == (ReaderGone.exit_code, "")


def left(server: Server, key: str, *words: str) -> Answer:
    """Run a command whose output nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**os.environ, "REVELA_URL": server.url, "REVELA_API_KEY": key}
    argv = [sys.executable, "-m", "revela", *words]
    with os.fdopen(writing, "wb") as output:
        ran = subprocess.run(
            argv, stdout=output, stderr=subprocess.PIPE, env=environment, text=True, timeout=60, check=False
        )
    return Answer(ran.returncode, "", ran.stderr)
