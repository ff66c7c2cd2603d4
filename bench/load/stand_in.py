"""Workers that speak the pool's protocol without the SDK's pauses, and leave real results at the granted addresses."""

import asyncio
import contextlib
import hashlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from shared.wire.result import ItemResult, Manifest, StoredOutput, TaskReply
from shared.wire.work_order import ItemOrder, UploadGrant, WorkOrder

_TEXT = b"a small file"


@dataclass(slots=True)
class StandIns:
    """Running stand-ins; `done_s` names, once they have ended, the monotonic second of each job's last job-done."""

    process: "subprocess.Popen[str]"
    done_s: dict[str, float]


@contextlib.contextmanager
def stand_ins(endpoint_url: str, tokens: Mapping[str, str], journal: Path) -> Iterator[StandIns]:
    """Run one stand-in for each (worker's id, token), all in one process of their own."""
    task = json.dumps({"url": endpoint_url, "tokens": dict(tokens), "journal": str(journal)})
    process = subprocess.Popen([sys.executable, "-m", "bench.load.stand_in", task], text=True)
    running = StandIns(process, {})
    try:
        yield running
    finally:
        process.terminate()
        process.wait(20)
    running.done_s.update(json.loads(journal.read_text()))


class _Worker:
    """One stand-in: take, do, store, done; then at once the next."""

    def __init__(self, url: str, worker_id: str, done_s: dict[str, float]) -> None:
        self._url = url
        self._id = worker_id
        self._done_s = done_s

    async def work(self, session: aiohttp.ClientSession, token: str) -> None:
        """Work until cancelled."""
        credential = {"Authorization": token}
        while True:
            take = f"{self._url}/job-take/{self._id}?gpu=none&job_in_progress=0"
            async with session.get(take, headers=credential) as answer:
                if answer.status != 200:
                    continue
                job = await answer.json()
            order = WorkOrder.model_validate(job["input"])
            reply = await self._do(session, order)
            self._done_s[order.job_id] = time.monotonic()
            done = f"{self._url}/job-done/{self._id}/{job['id']}?gpu=none&isStream=false"
            await session.post(done, json={"output": reply.model_dump(mode="json")}, headers=credential)

    async def _do(self, session: aiohttp.ClientSession, order: WorkOrder) -> TaskReply:
        results = [await self._item(session, order, item) for item in order.items]
        manifest = Manifest(
            task_id=order.task_id, attempt=order.attempt, items=results, execution_ms=1, worker=self._id
        )
        await _put(session, order.manifest, manifest.model_dump_json().encode())
        return TaskReply(
            task_id=order.task_id,
            attempt=order.attempt,
            manifest_key=order.manifest.key,
            succeeded=len(results),
            failed=0,
        )

    async def _item(self, session: aiohttp.ClientSession, order: WorkOrder, item: ItemOrder) -> ItemResult:
        outputs = {}
        for slot, grant in item.outputs.items():
            await _put(session, grant, _TEXT)
            digest = hashlib.sha256(_TEXT).hexdigest()
            outputs[slot] = StoredOutput(
                key=grant.key, content_type=grant.content_type, size_bytes=len(_TEXT), sha256=digest
            )
        result = ItemResult(
            task_id=order.task_id,
            attempt=order.attempt,
            item_id=item.id,
            status="COMPLETED",
            outputs=outputs,
            operation_version=order.operation_version,
            engine_version="stand-in",
        )
        await _put(session, item.result, result.model_dump_json().encode())
        return result


async def _put(session: aiohttp.ClientSession, grant: UploadGrant, body: bytes) -> None:
    async with session.put(grant.url, data=body, headers=grant.headers) as answer:
        answer.raise_for_status()


async def _run(task: dict[str, Any]) -> dict[str, float]:
    done_s: dict[str, float] = {}
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        tokens: dict[str, str] = task["tokens"]
        working = [
            asyncio.create_task(_Worker(task["url"], worker_id, done_s).work(session, token))
            for worker_id, token in tokens.items()
        ]
        ending = asyncio.create_task(ended.wait())
        await asyncio.wait([*working, ending], return_when=asyncio.FIRST_COMPLETED)
        for each in working:
            each.cancel()
        outcomes = await asyncio.gather(*working, return_exceptions=True)
    if broken := [outcome for outcome in outcomes if not isinstance(outcome, asyncio.CancelledError)]:
        raise RuntimeError("a stand-in broke off") from broken[0]
    return done_s


def main() -> None:
    """Work until SIGTERM, then leave the journal."""
    task = json.loads(sys.argv[1])
    done_s = uvloop.run(_run(task))
    Path(task["journal"]).write_text(json.dumps(done_s))


if __name__ == "__main__":
    main()
