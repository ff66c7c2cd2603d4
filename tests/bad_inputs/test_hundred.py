"""A hundred hostile files in a row through one worker process, by every operation on videos; then a good one."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any

import numpy as np
import pytest

from shared.wire.result import ItemResult, Manifest
from shared.wire.work_order import InputGrant, ItemOrder
from tests.bad_inputs import hostile
from tests.bad_inputs.test_media import FORGED, TEXTS, WRAPPED
from tests.bad_inputs.trap import Trap, trap
from tests.loopback import ObjectServer, object_server
from tests.shared.captions.written import srt
from tests.waiting import until
from tests.worker.endpoint import Endpoint, endpoint
from tests.worker.media.clips import AAC, H264, SOUND, make, usual
from tests.worker.media.decoding import frames
from tests.worker.orders import grant, order
from tests.worker.test_process import worker

__all__ = ["trap"]

pytestmark = pytest.mark.slow

FILES = 100
KINDS = {"mp4": (*H264, *AAC), "mkv": (*H264, *AAC), "avi": ("-c:v", "mpeg4", *AAC), "ts": (*H264, *AAC)}
WORK: dict[str, tuple[str, dict[str, Any]]] = {
    "probe": ("probe", {}),
    "sound": ("add_audio", {"mode": "mix"}),
    "burn": ("caption", {"subtitles": srt("Hello"), "quality": "draft"}),
    "soft": ("caption", {"subtitles": srt("Hello"), "mode": "soft"}),
}
"""By a name of ours: the operation, and what is asked of it."""


@pytest.fixture
async def store() -> AsyncIterator[ObjectServer]:
    """An empty object store."""
    async with object_server() as server:
        yield server


@pytest.fixture
async def platform() -> AsyncIterator[Endpoint]:
    """An endpoint without jobs."""
    async with endpoint() as server:
        yield server


@pytest.mark.timeout(180)
async def test_a_hundred_hostile_files_in_a_row_leave_the_worker_in_order(
    trap: Trap, store: ObjectServer, platform: Endpoint
) -> None:
    files = hostile_files(trap)
    assert len(files) == FILES
    store.put("voice", make(trap.folder / "voice.wav", sources=SOUND).read_bytes())
    ends: dict[str, Counter[str]] = {}
    with worker(platform, trap.folder) as process:
        for n, name in enumerate(WORK):
            sent = dict(list(files.items())[n :: len(WORK)])
            results = await done(store, platform, name, sent)
            ends[name] = Counter(result.error.code if result.error else "done" for result in results)
            assert ends[name].total() == FILES // len(WORK)
        for name in ("sound", "burn", "soft"):
            [good] = await done(store, platform, name, {"good": usual(trap.folder / "good.mp4").read_bytes()})
            assert good.status == "COMPLETED", good.error
            assert_as_good(trap, store, name)
        assert process.poll() is None
    assert "operation-failed" not in {code for codes in ends.values() for code in codes}, ends
    assert all(
        codes["done"] > 2 and codes["media-corrupt"] > 2 and codes["media-format"] > 1 for codes in ends.values()
    )
    assert b"Traceback" not in (trap.folder / "log").read_bytes()


def hostile_files(trap: Trap) -> dict[str, bytes]:
    """Return them by name: those that were made to harm, and good ones in which something is flipped or cut."""
    made = {name: write(trap) for name, write in TEXTS.items()}
    made |= {name: forge() for name, (forge, _) in FORGED.items()}
    picture = hostile.jpeg(trap.folder, 64)
    made |= {
        f"AVI with {name}": hostile.avi_with_subtitles(write(trap), picture, 64) for name, write in WRAPPED.items()
    }
    for make_one in (hostile.grows, hostile.begins_early, hostile.many_attachments, hostile.hundred_hours):
        made[make_one.__name__] = make_one(trap.folder).read_bytes()
    made["foreign data"] = hostile.with_foreign_data(usual(trap.folder / "foreign.mp4"))
    wholes = [make(trap.folder / f"whole.{kind}", *words).read_bytes() for kind, words in KINDS.items()]
    chance = random.Random(7)
    for n in range(FILES - len(made)):
        damaged = bytearray(wholes[n // len(WORK) % len(wholes)])
        for _ in range(chance.choice((1, 20, 400))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        made[f"damaged {n}"] = bytes(damaged[: chance.choice((None, None, len(damaged) // 2, 3000))])
    return made


async def done(store: ObjectServer, platform: Endpoint, name: str, files: Mapping[str, bytes]) -> list[ItemResult]:
    """Have the worker do this work on each of the files; return how each ended."""
    operation, asked = WORK[name]
    urls = [store.put(f"{name}/{n}/source", content) for n, content in enumerate(files.values())]
    inputs = {url: InputGrant(url=url, origin="own", max_bytes=1 << 26) for url in [*urls, store.url("voice")]}
    items = [_item(store, operation, asked, url, f"{name}/{n}") for n, url in enumerate(urls)]
    work = order(store, operation, {}, inputs=inputs, execution_timeout_s=90).model_copy(update={"items": items})
    job = f"{name}-{len(platform.posts)}"
    await platform.jobs.put({"id": job, "input": work.model_dump(mode="json")})
    await until(lambda: platform.results(job), 90)
    assert "output" in platform.results(job)[0], platform.results(job)
    return Manifest.model_validate_json(store.objects["manifest.json"].body).items


def _item(store: ObjectServer, operation: str, asked: Mapping[str, Any], url: str, folder: str) -> ItemOrder:
    params: dict[str, Any] = {"media": url} if operation == "probe" else {"video": url, **asked}
    if operation == "add_audio":
        params["audio"] = store.url("voice")
    return ItemOrder(
        id=folder.replace("/", "-"),
        params=params,
        outputs={"video": grant(store, f"{folder}/video.mp4", content_type="video/mp4")},
        result=grant(store, f"{folder}/result.json", content_type="application/json"),
        committed_url=store.url(f"{folder}/result-before.json"),
    )


def assert_as_good(trap: Trap, store: ObjectServer, name: str) -> None:
    """Compare what was made of the good file: frames that are copied are the same, what is burnt in is seen."""
    made = trap.folder / "made.mp4"
    made.write_bytes(store.objects[f"{name}/0/video.mp4"].body)
    before, after = frames(trap.folder / "good.mp4", 320, 180), frames(made, 320, 180)
    assert after.shape == before.shape
    changed = np.abs(after.astype(int) - before).max(axis=(1, 2, 3)) > 100
    assert changed.tolist() == [name == "burn" and n >= 25 for n in range(50)]
