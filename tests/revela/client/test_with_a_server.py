"""The client against the real server with a real worker, straight and over a line that is cut."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from revela import (
    Client,
    Conflict,
    JobView,
    NotAuthenticated,
    NotFound,
    Patience,
    StatusEvent,
    StreamEvent,
    ValidationFailed,
)
from tests.cutting_proxy import CuttingProxy, cutting_proxy
from tests.served import Server, served
from tests.waiting import until_now

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]

ATTENTIVE = Patience(attempts=8, first_pause_s=0.05, longest_pause_s=1)


@dataclass(frozen=True)
class Line:
    """A server, reached over a line that can be cut."""

    server: Server
    proxy: CuttingProxy
    key: str

    def client(self) -> Client:
        return Client(self.proxy.url, self.key, patience=ATTENTIVE)


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    with cutting_proxy() as proxy:
        server = Server(tmp_path_factory.mktemp("server"), 1, REVELA_PUBLIC_URL=proxy.url)
        proxy.target = server.url
        server.start()
        try:
            yield Line(server, proxy, server.create_key())
        finally:
            server.stop()


@pytest.fixture
def client(line: Line) -> Iterator[Client]:
    with line.client() as client:
        yield client


def echoes(*texts: str, sleep_s: float = 0) -> dict[str, object]:
    items = [{"id": f"i{n}", "text": text} for n, text in enumerate(texts)]
    return {"operation": "echo", "items": items, "defaults": {"sleep_s": sleep_s}}


def test_a_job_is_planned_submitted_followed_and_fetched(client: Client, tmp_path: Path) -> None:
    plan = client.plan(echoes("a", "b"))
    assert (plan.items_total, [item.id for item in plan.items]) == (2, ["i0", "i1"])
    assert [output.content_type for output in plan.items[0].outputs] == ["text/plain"]
    job = client.submit("echo", items=[{"id": "a", "text": "one"}, {"id": "b", "text": "two"}], labels={"order": "1"})
    seen: list[JobView] = []
    ended = client.wait(job.id, seen.append)
    assert (ended.status, seen[-1]) == ("COMPLETED", ended)
    saved = client.download_all(job.id, tmp_path / "new/folder")
    assert [one.path.name for one in saved] == ["a.txt", "b.txt"]
    assert [one.path.read_text() for one in saved] == ["one", "two"]
    assert client.deliveries(job.id) == []


def test_the_same_key_and_request_are_the_same_job_and_another_request_is_refused(client: Client) -> None:
    first, again = (client.submit(echoes("a"), idempotency_key="order-17") for _ in range(2))
    assert first.id == again.id
    with pytest.raises(ValidationFailed) as refused:
        client.submit(echoes("b"), idempotency_key="order-17")
    assert refused.value.code == "idempotency-reused"
    assert client.submit(echoes("a")).id != first.id


def test_a_submit_whose_answer_is_lost_makes_one_job(line: Line, client: Client) -> None:
    line.proxy.cuts.append(0)
    made = client.submit({**echoes("a"), "labels": {"lost": "answer"}})
    assert [job.id for job in client.jobs(labels={"lost": "answer"})] == [made.id]
    assert line.proxy.cuts == []


def test_jobs_are_found_by_label_and_time_over_several_pages(client: Client) -> None:
    before = datetime.now(UTC)
    made = [client.submit({**echoes(str(n)), "labels": {"batch": "x:y=z"}}).id for n in range(5)]
    found = client.jobs(labels={"batch": "x:y=z"}, created_after=before - timedelta(seconds=1), page_size=2)
    assert [job.id for job in found] == made[::-1]
    assert list(client.jobs(labels={"batch": "x:y=z"}, created_before=before - timedelta(hours=1))) == []
    assert list(client.jobs(labels={"batch": "x:y=z"}, operation="other")) == []


def test_events_are_told_to_the_end_over_a_line_that_is_cut(line: Line, client: Client) -> None:
    job = client.submit(echoes(*"abcd", sleep_s=0.5))
    line.proxy.cuts += [900, 900]
    events: list[StreamEvent] = list(client.events(job.id))
    stored = [event for event in events if event.id is not None]
    ids = [int(event.id) for event in stored if event.id is not None]
    assert ids == sorted(set(ids))
    statuses = [event.data.status for event in events if isinstance(event.data, StatusEvent)]
    assert statuses == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    assert len([event for event in events if event.type == "item"]) == 4
    assert list(client.events(job.id, after=stored[-2].id)) == stored[-1:]
    assert list(client.events(job.id, after=stored[-1].id)) == []
    line.proxy.cuts.clear()


def test_a_running_job_is_cancelled_retried_and_deleted(client: Client) -> None:
    job = client.submit({**echoes("a", "b", sleep_s=30), "labels": {"to": "cancel"}})
    until_now(lambda: client.get(job.id).status == "IN_PROGRESS", 60)
    with pytest.raises(Conflict) as refused:
        client.delete(job.id)
    assert refused.value.code == "job-not-ended"
    client.cancel(job.id)
    assert client.wait(job.id, timeout_s=30).status == "CANCELLED"
    assert client.cancel(job.id).status == "CANCELLED"
    again = client.retry(job.id)
    assert (again.retry_of, client.retry(job.id).id) == (job.id, again.id)
    client.cancel(again.id)
    client.wait(again.id, timeout_s=30)
    client.delete(job.id)
    with pytest.raises(NotFound, match=job.id):
        client.get(job.id)
    with pytest.raises(NotFound):
        client.delete(job.id)


def test_a_download_over_a_line_that_is_cut_arrives(line: Line, client: Client, tmp_path: Path) -> None:
    text = "0123456789" * 60_000
    job = client.wait(client.submit({"operation": "echo", "input": {"text": text}}).id)
    line.proxy.cuts += [0, 200_000, 100_000]
    line.proxy.requests.clear()
    saved = client.download(job.items[0].output["text"], tmp_path / "text")
    assert saved.read_text() == text
    assert line.proxy.cuts == []
    ranges = [head for head in line.proxy.requests if b"Range: bytes=" in head and b"If-Range: " in head]
    assert len(ranges) == 2


def test_a_wait_outlives_the_server(tmp_path: Path) -> None:
    with served(tmp_path, workers=0) as server:
        away: list[Exception] = []

        def back(error: Exception) -> None:
            away.append(error)
            if len(away) == 2:
                server.start()
                with Client(server.url, key) as other:
                    other.cancel(job.id)

        key = server.create_key()
        with Client(server.url, key, patience=ATTENTIVE) as client:
            job = client.submit(echoes("a"))
            server.kill()
            assert client.wait(job.id, on_away=back).status == "CANCELLED"
        assert len(away) >= 2


def test_a_key_that_is_none_is_told(line: Line) -> None:
    with Client(line.proxy.url, "rv_none") as stranger, pytest.raises(NotAuthenticated):
        next(stranger.jobs())
    with Client(line.proxy.url, "") as nobody:
        assert "echo" in [operation["name"] for operation in nobody.operations()]


def test_url_and_key_come_from_the_environment(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVELA_URL", line.proxy.url)
    monkeypatch.setenv("REVELA_API_KEY", line.key)
    with Client() as client:
        assert client.get(client.submit(echoes("a")).id).operation == "echo"
