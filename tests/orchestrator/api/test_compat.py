"""The earlier system's route: its request, its response, word for word."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestrator.jobs.settle import ItemEnd
from orchestrator.store import tables
from shared.errors import SourceNotFound
from shared.wire.problem import ErrorInfo
from shared.wire.status import Status
from tests.orchestrator.api.running import IMAGE, Api, completed, eventually, path_of, running_api

FAILED = ErrorInfo.of(SourceNotFound())


def images(*ids: str, **fields: Any) -> dict[str, Any]:
    return {"images": [{"id": image_id, "image_url": IMAGE, **fields} for image_id in ids]}


async def held(api: Api, body: Any, ends: list[ItemEnd], route: str = "/video/img2vid") -> httpx.Response:
    """Ask, end the items while the answer is held, and return it."""
    before = await api.count(tables.jobs)
    asking = asyncio.create_task(api.client.post(route, json=body))
    await eventually(lambda: api.count(tables.jobs), before + 1)
    [job] = await api.rows(tables.jobs.select())
    api.clock.advance(18)
    await api.end_items(job.id, ends)
    return await asking


async def test_a_request_is_held_until_its_videos_are_done(api: Api) -> None:
    answer = await held(
        api,
        images("test-1", duracao=2.0),
        [completed(0, "test-1", "video", "acme/j/0-1/0/video.mp4")],
    )
    told = answer.json()
    url = told["videos"][0].pop("video_url")
    assert (answer.status_code, told) == (
        200,
        {
            "code": 200,
            "message": "Images converted to videos successfully",
            "videos": [{"id": "test-1"}],
            "execution": {
                "startTime": "2027-01-15T08:00:00.000Z",
                "endTime": "2027-01-15T08:00:18.000Z",
                "durationSeconds": 18.0,
            },
        },
    )
    assert path_of(url).endswith("/test-1-video.mp4")
    [item] = await api.rows(tables.items.select())
    assert (item.params["image"], item.params["duration_s"]) == (IMAGE, 2.0)
    [job] = await api.rows(tables.jobs.select())
    assert job.output_ttl_ms == 3_600_000


async def test_some_videos_are_a_success_with_errors_beside(api: Api) -> None:
    ends = [completed(0, "a", "video", "acme/j/0-1/0/video.mp4"), ItemEnd(1, "b", Status.FAILED, FAILED)]
    answer = await held(api, images("a", "b"), ends)
    told = answer.json()
    assert (answer.status_code, told["code"], [video["id"] for video in told["videos"]]) == (200, 200, ["a"])
    assert told["message"] == "1 of 2 images converted to videos; see errors"
    assert told["errors"] == [
        {"id": "b", "code": "source-not-found", "message": "The source's server says that there is no such file."}
    ]


async def test_no_video_at_all_is_a_502(api: Api) -> None:
    ends = [ItemEnd(0, "a", Status.FAILED, FAILED), ItemEnd(1, "b", Status.TIMED_OUT)]
    answer = await held(api, images("a", "b"), ends)
    told = answer.json()
    assert (answer.status_code, told["code"], told["videos"]) == (502, 502, [])
    assert told["message"] == (
        "0 of 2 images converted to videos; see errors; the first: The source's server says that there is no such file."
    )
    assert [(error["id"], error["code"]) for error in told["errors"]] == [("a", "source-not-found"), ("b", "timed_out")]


@pytest.fixture
async def hasty(tmp_path: Path, database: Path) -> AsyncIterator[Api]:
    async with running_api(tmp_path, database, compat_wait_s=0.2) as running:
        yield running


async def test_too_long_a_wait_ends_with_the_job(hasty: Api) -> None:
    answer = await hasty.client.post("/video/img2vid", json=images("a"))
    assert (answer.status_code, answer.json()["status"]) == (202, "IN_QUEUE")
    assert (await hasty.client.get(answer.headers["location"])).json()["id"] == answer.json()["id"]


async def test_what_the_earlier_system_did_not_know_is_ignored(hasty: Api) -> None:
    body = {**images("a", "b", legenda="x"), "batch_size": 3}
    assert (await hasty.client.post("/video/img2vid", json=body)).status_code == 202


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "/images"),
    ({"images": []}, "/images"),
    ({"images": [{"id": "a"}]}, "/images/0/image_url"),
    ({"images": [{"image_url": IMAGE}]}, "/images/0/id"),
    (images("a", duracao="2"), "/images/0/duracao"),
    (images("a", duracao=0), "/images/0/duracao"),
    (images("a", "a"), "/images/1/id"),
    ({"images": [{"id": "a", "image_url": "http://10.0.0.1/a.jpg"}]}, "/images/0/image_url"),
    ({"images": [{"id": "a", "image_url": "a.jpg"}]}, "/images/0/image_url"),
    (images(*(str(n) for n in range(1001))), "/images"),
]


async def test_a_wrong_request_is_pointed_at_in_its_own_words(api: Api) -> None:
    for body, pointer in WRONG:
        answer = await api.client.post("/video/img2vid", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation-failed"), pointer
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert await api.count(tables.jobs) == 0


async def test_a_client_that_leaves_does_not_hold_a_place(api: Api) -> None:
    with pytest.raises(httpx.ReadTimeout):
        await api.client.post("/video/img2vid", json=images("a"), timeout=0.3)
    waiting = api.services.changes._waiting

    async def who_waits() -> int:
        return len(waiting)

    await eventually(who_waits, 0)
    assert await api.count(tables.jobs) == 1


async def test_a_video_gets_its_sound_and_the_answer_is_held(api: Api) -> None:
    body = {"url_video": "https://example.com/a.mp4", "url_audio": "https://example.com/a.mp3", "unknown": 1}
    answer = await held(api, body, [completed(0, "0", "video", "acme/j/0-1/0/video.mp4")], "/video/adicionaAudio")
    told = answer.json()
    assert (answer.status_code, told["message"]) == (200, "Audio added to the video successfully")
    [video] = told["videos"]
    assert path_of(video["video_url"]).endswith("/0-video.mp4")
    [item] = await api.rows(tables.items.select())
    assert (item.params["video"], item.params["audio"]) == (body["url_video"], body["url_audio"])
    [job] = await api.rows(tables.jobs.select())
    assert job.operation == "add_audio"


async def test_a_sound_that_can_t_be_is_pointed_at_by_its_earlier_name(api: Api) -> None:
    body = {"url_video": "https://example.com/a.mp4", "url_audio": "ftp://example.com/a.mp3"}
    refused = await api.client.post("/video/adicionaAudio", json=body)
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/url_audio"]
    missing = await api.client.post("/video/adicionaAudio", json={"url_video": body["url_video"]})
    assert [fault["pointer"] for fault in missing.json()["errors"]] == ["/url_audio"]


async def test_a_sound_that_is_not_there_is_a_bad_gateway(api: Api) -> None:
    body = {"url_video": "https://example.com/a.mp4", "url_audio": "https://example.com/a.mp3"}
    answer = await held(api, body, [ItemEnd(0, "0", Status.FAILED, FAILED)], "/video/adicionaAudio")
    assert answer.status_code == 502
    assert answer.json()["errors"][0]["code"] == "source-not-found"


async def test_a_video_gets_its_captions_and_the_answer_is_held(api: Api) -> None:
    body = {"url_video": "https://example.com/a.mp4", "url_srt": "https://example.com/a.srt", "style": "ignored"}
    answer = await held(api, body, [completed(0, "0", "video", "acme/j/0-1/0/video.mp4")], "/video/caption")
    told = answer.json()
    assert (answer.status_code, told["message"]) == (200, "Captions added to the video successfully")
    assert [video["id"] for video in told["videos"]] == ["0"]
    [item] = await api.rows(tables.items.select())
    assert (item.params["video"], item.params["subtitles"]) == (body["url_video"], body["url_srt"])
    assert (item.params["mode"], item.params["style"]) == ("burn", "classic")


async def test_subtitles_that_can_t_be_are_pointed_at_by_their_earlier_name(api: Api) -> None:
    video = "https://example.com/a.mp4"
    for body in ({"url_video": video, "url_srt": "a.srt"}, {"url_video": video}):
        refused = await api.client.post("/video/caption", json=body)
        assert (refused.status_code, [fault["pointer"] for fault in refused.json()["errors"]]) == (422, ["/url_srt"])


async def test_inline_subtitles_are_refused_at_the_door_with_a_pointer(api: Api) -> None:
    text = "1\n00:99:99,000 --> 00:99:99,500\nx\n"
    body = {"operation": "caption", "input": {"video": "https://example.com/a.mp4", "subtitles": text}}
    refused = await api.client.post("/v1/jobs", json=body)
    assert refused.status_code == 422
    [fault] = refused.json()["errors"]
    assert fault["pointer"] == "/input/subtitles"
    assert "subtitle-syntax" in fault["detail"]
