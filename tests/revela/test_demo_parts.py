"""The demo's parts: its pictures, its batch, its photo server, its judgement of a video."""

from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from revela.demo.batch import QUICK, batch_request, readable_photos
from revela.demo.photo_server import serving_photos
from revela.demo.pictures import SUBJECTS, Subject, draw, draw_pictures
from revela.demo.video_check import decoded_frames
from revela.failures import UsageFault
from shared.operations.img2vid import Params
from tests.pictures import photo
from tests.revela.terminal import Terminal
from worker.media.running import binary
from worker.media.running.capture import capture

PIXELS = 200_000


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_a_picture_has_its_shape_and_is_the_same_every_time(subject: Subject) -> None:
    picture = draw(subject, PIXELS)
    height, width = picture.shape[:2]
    assert abs(width * height - PIXELS) < 2000
    assert abs(width / height - subject.shape[0] / subject.shape[1]) < 0.01
    assert np.array_equal(picture, draw(subject, PIXELS))


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_a_picture_is_neither_flat_nor_noise(subject: Subject) -> None:
    picture = draw(subject, PIXELS)
    assert picture.std() > 20
    assert cv2.Laplacian(picture, cv2.CV_32F).std() > 3
    assert cv2.GaussianBlur(picture, (0, 0), 4).std() > 15


def test_pictures_are_saved_as_photos(tmp_path: Path) -> None:
    paths = draw_pictures(tmp_path, PIXELS, count=2)
    assert [path.name for path in paths] == ["mountains.jpg", "city.jpg"]
    assert readable_photos(paths) == paths


@pytest.mark.parametrize("content", [None, b"", b"no picture", photo(64, 64)[:200]])
def test_a_photo_that_can_t_be_read_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "mine.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageFault, match=r"mine\.jpg: "):
        readable_photos([path])


def test_the_demo_names_a_photo_that_is_not_there_before_anything_starts(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("this is no picture")
    for name in ("missing.jpg", "text.jpg", str(tmp_path)):
        refused = terminal("demo", name)
        assert refused.code == UsageFault.exit_code
        assert refused.err.startswith(f"revela: {name}: ")
        assert refused.err.count("\n") == 1


def test_each_photo_is_an_item_of_its_own_that_img2vid_accepts() -> None:
    names = ["a/ü b.jpg", "b/ü-b.png", "c/x.jpg", "d/X.jpg", "e/....jpg", "f/" + "long" * 60 + ".jpg", "g/x.jpg"]
    urls = [f"http://127.0.0.1:1/{n}" for n in range(len(names))]
    request = batch_request([Path(name) for name in names], urls, QUICK)
    ids = [item["id"] for item in request["items"]]
    assert len({name.lower() for name in ids}) == len(names)
    assert all(len(name) <= 128 for name in ids)
    motions = set()
    for item in request["items"]:
        del item["id"]
        motions.add(Params.model_validate({**request["defaults"], **item}).motion)
    assert len(motions) >= 4


def test_the_photo_server_hands_out_its_photos_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"a photo")
    with serving_photos([path]) as server:
        [url] = server.urls
        assert httpx.get(url).content == b"a photo"
        for other in ("/", "/2", "/../a.jpg", "/a.jpg", "//etc/passwd"):
            assert httpx.get(f"http://{server.authority}{other}").status_code == 404
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_every_frame_of_a_sound_video_is_counted_and_a_damaged_one_has_none(tmp_path: Path) -> None:
    video = tmp_path / "video.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=size=160x120:rate=10:duration=2"]
    capture([binary.find().path, "-v", "error", *source, "-pix_fmt", "yuv420p", f"file:{video}"])
    assert decoded_frames(video) == 20
    content = bytearray(video.read_bytes())
    middle = content.index(b"mdat") + 2000
    content[middle : middle + 4000] = bytes(4000)
    video.write_bytes(content)
    assert decoded_frames(video) == 0
    video.write_bytes(b"no video")
    assert decoded_frames(video) == 0
