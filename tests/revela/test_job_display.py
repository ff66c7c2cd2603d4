"""How jobs are shown: on a terminal for people, in a pipe for programs; never folded."""

import contextlib
import fcntl
import io
import json
import os
import pty
import struct
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from revela.jobs.display import print_job, print_json
from revela.rows import print_rows
from shared.wire.job import JobView

URL = f"https://media.example.com/output/{'t' * 120}/video.mp4"
JOB_ID = "job_01M7Z8Q2W3E4R5T6Y7V8B9N0AB"
OUTPUT = {"url": URL, "content_type": "video/mp4", "size_bytes": 812_345, "sha256": "0" * 64, "duration_s": 5.0}
ERROR = {"code": "media-corrupt", "detail": "cut\toff\n\x1b[31mhere", "retryable": False, "stage": "decode"}


def job(**fields: object) -> JobView:
    return JobView.model_validate(
        {
            "id": JOB_ID,
            "operation": "img2vid",
            "operation_version": 1,
            "status": "COMPLETED_WITH_ERRORS",
            "retry_of": None,
            "progress": None,
            "items": [
                {"id": "beach", "status": "COMPLETED", "output": {"video": OUTPUT}},
                {"id": "x", "status": "FAILED", "error": ERROR},
            ],
            "summary": {"total": 2, "succeeded": 1, "failed": 1},
            "error": None,
            "created_at": "2026-01-01T00:00:00Z",
            "started_at": None,
            "completed_at": None,
            "delay_ms": 0,
            "execution_ms": 0,
            "attempts": 1,
            "expires_at": None,
            **fields,
        }
    )


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None], columns: int) -> str:
    """Return what `act` writes to a terminal that is `columns` wide."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("COLUMNS", raising=False)
    with io.TextIOWrapper(os.fdopen(theirs, "wb", 0), write_through=True) as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        act()
    written = _all_of(ours).decode()
    os.close(ours)
    return written.replace("\r\n", "\n")


def _all_of(ours: int) -> bytes:
    """Return what was written to a terminal whose other end is closed; it comes in pieces."""
    written = b""
    with contextlib.suppress(OSError):  # Linux's way of saying that it is all (EIO)
        while piece := os.read(ours, 1 << 16):
            written += piece
    return written


def test_on_a_narrow_terminal_ids_and_links_stay_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = on_a_terminal(monkeypatch, lambda: print_job(job(), {URL: Path("/videos/beach.mp4")}), columns=40)
    assert JOB_ID in shown
    assert "0.8 MB" in shown
    assert f"beach  {URL}\n" in shown
    assert "saved as /videos/beach.mp4\n" in shown
    assert "\x1b[33mCOMPLETED_WITH_ERRORS" in shown


def test_what_a_server_writes_can_t_act_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = on_a_terminal(monkeypatch, lambda: print_job(job(), {}), columns=80)
    assert "media-corrupt: cut off  [31mhere\n" in shown


def test_in_a_pipe_each_output_is_one_row_of_bare_fields(capsys: pytest.CaptureFixture[str]) -> None:
    print_job(job(), {URL: Path("/videos/beach.mp4")})
    written = capsys.readouterr()
    assert [line.split("\t") for line in written.out.splitlines()] == [
        ["beach", "COMPLETED", "5.0", "812345", URL, "/videos/beach.mp4"],
        ["x", "FAILED", "", "", "media-corrupt: cut off  [31mhere", ""],
    ]
    assert written.err == f"{JOB_ID}  img2vid  COMPLETED_WITH_ERRORS  1 of 2 items\n"


def test_saved_files_stand_beside_the_job_in_its_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(job(), {URL: Path("/videos/beach.mp4")})
    written = json.loads(capsys.readouterr().out)
    assert written["files"] == ["/videos/beach.mp4"]
    assert JobView.model_validate(written) == job()


def test_columns_are_aligned_on_a_terminal_and_nothing_is_padded_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [("a", "日本", "x"), ("long", "b", "")]
    shown = on_a_terminal(monkeypatch, lambda: print_rows(rows), columns=20)
    assert shown == "a     日本  x\nlong  b     \n"


def test_no_rows_are_nothing_at_all(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([], ("a", "b"))
    assert capsys.readouterr().out == ""


HOLD = {"reason": "Case\x1b[31m A", "author": "k7m2x9qwer45", "since": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("fields", "line", "link"),
    [
        ({"expires_at": "2100-01-01T06:33:00Z"}, "outputs stay until 2100-01-01 06:33Z", URL),
        ({"expires_at": "2026-01-02T06:33:00Z"}, "links ended 2026-01-02 06:33Z", "link ended 2026-01-02 06:33Z"),
        (
            {"expires_at": "2026-01-02T06:33:00Z", "outputs_deleted_at": "2026-01-02T06:34:00Z"},
            "outputs deleted 2026-01-02 06:34Z",
            "deleted 2026-01-02 06:34Z",
        ),
        ({"pinned": True, "legal_hold": HOLD}, "on hold: Case [31m A (by k7m2x9qwer45), pinned", URL),
    ],
)
def test_what_keeps_a_job_is_said_and_no_link_that_leads_nowhere_is_shown(
    fields: dict[str, object], line: str, link: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_job(job(**fields), {})
    written = capsys.readouterr()
    assert written.err.splitlines()[1:] == [line]
    assert written.out.splitlines()[0].split("\t")[4] == link


def test_an_output_that_was_lost_says_so_in_the_place_of_its_link(capsys: pytest.CaptureFixture[str]) -> None:
    lost = {**OUTPUT, "lost_at": "2026-01-02T06:33:00Z"}
    print_job(job(items=[{"id": "a", "status": "COMPLETED", "output": {"video": lost}}]), {})
    assert "lost, found 2026-01-02 06:33Z" in capsys.readouterr().out


FACTS = {
    "facts": {
        "container": "mov",
        "duration_s": 10.01,
        "video": [{"index": 0, "codec": "h264", "colour": {"range": "limited"}, "hdr": None, "default": True}, {}],
        "words": [f"word-{n}" for n in range(12)],
        "chapters": [{"title": f"Part\x1b {n}"} for n in range(12)],
        "subtitles": [],
    }
}
PROBED = {"operation": "probe", "status": "COMPLETED", "summary": {"total": 1, "succeeded": 1, "failed": 0}}
LATER = {"expires_at": "2100-01-01T06:33:00Z"}


def test_data_is_shown_line_by_line_and_long_lists_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    probed = job(items=[{"id": "clip", "status": "COMPLETED", "result": FACTS}], **PROBED, **LATER)
    shown = on_a_terminal(monkeypatch, lambda: print_job(probed, {}), columns=40)
    _, _, told = shown.partition("\n\n")
    assert told.splitlines() == [
        "clip",
        "  facts",
        "    container: mov",
        "    duration_s: 10.01",
        "    video",
        "      - index: 0",
        "        codec: h264",
        "        colour",
        "          range: limited",
        "        default: yes",
        "      - (nothing)",
        f"    words: {', '.join(f'word-{n}' for n in range(10))}, … and 2 more",
        "    chapters",
        *(f"      - title: Part  {n}" for n in range(10)),
        "      … and 2 more",
        "",
        told.splitlines()[-1],
    ]
    assert told.splitlines()[-1].startswith("as JSON, with all of it: ")
    assert told.endswith(f" job {JOB_ID} --json\n")


def test_in_a_pipe_data_stands_whole_in_its_item_s_row(capsys: pytest.CaptureFixture[str]) -> None:
    print_job(job(items=[{"id": "clip", "status": "COMPLETED", "result": FACTS}], **PROBED, **LATER), {})
    [row] = capsys.readouterr().out.splitlines()
    item, status, seconds, size, told, saved = row.split("\t")
    assert (item, status, seconds, size, saved) == ("clip", "COMPLETED", "", "", "")
    assert json.loads(told) == FACTS


def test_of_many_items_with_data_the_first_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [{"id": f"i{n}", "status": "COMPLETED", "result": {"size": n}} for n in range(12)]
    shown = on_a_terminal(monkeypatch, lambda: print_job(job(items=items, **PROBED), {}), columns=80)
    assert ("\n  size: 9\n… and 2 more\n" in shown, "size: 10" in shown) == (True, False)


def test_what_comes_with_a_file_is_not_shown_as_data(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"id": "beach", "status": "COMPLETED", "output": {"video": OUTPUT}, "result": {"encoder": {"name": "x"}}}
    assert "encoder" not in on_a_terminal(monkeypatch, lambda: print_job(job(items=[made]), {}), columns=80)


def test_nothing_is_said_of_outputs_that_are_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    print_job(job(items=[{"id": "x", "status": "FAILED", "error": ERROR}], status="FAILED", **LATER), {})
    assert "outputs stay" not in capsys.readouterr().err


def test_a_job_that_is_being_cancelled_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    progress = {"stage": "cancel", "percent": 10, "items_done": 0, "items_total": 2}
    print_job(job(status="IN_PROGRESS", progress=progress), {})
    assert "IN_PROGRESS  being cancelled, 10 %, 0 of 2 items\n" in capsys.readouterr().err
