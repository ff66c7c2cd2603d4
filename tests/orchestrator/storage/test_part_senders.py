"""Of a part that is sent twice the newer sending counts, and the older one writes nothing any more."""

from pathlib import Path

import pytest

from orchestrator.storage.receiving.parts import PartsFolder
from shared.refusals import NotFound, UploadChanged


@pytest.fixture
def folder(tmp_path: Path) -> PartsFolder:
    return PartsFolder(tmp_path / "parts")


def test_an_older_sender_writes_nothing_once_a_newer_one_has_begun(folder: PartsFolder, tmp_path: Path) -> None:
    begun = folder.begin(5)
    older, newer = folder.draft(begun, 1, 5), folder.draft(begun, 1, 5)
    with pytest.raises(UploadChanged):
        older.write([b"OLDER"])
    newer.write([b"newer"])
    older.discard()
    newer.publish()
    newer.discard()
    with pytest.raises(UploadChanged):
        older.publish()
    folder.complete(begun, folder.stored(begun) or [], tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"newer"


@pytest.mark.parametrize("let_go", [True, False], ids=["newer_let_go", "newer_still_there"])
def test_no_sender_writes_into_a_file_that_is_complete(folder: PartsFolder, tmp_path: Path, let_go: bool) -> None:
    begun = folder.begin(5)
    older, newer = folder.draft(begun, 1, 5), folder.draft(begun, 1, 5)
    newer.write([b"newer"])
    newer.publish()
    if let_go:
        newer.discard()
    folder.complete(begun, folder.stored(begun) or [], tmp_path / "file")
    for late in (older, newer):
        with pytest.raises(UploadChanged):
            late.write([b"LATER"])
        with pytest.raises(UploadChanged):
            late.publish()
        late.discard()
    assert (tmp_path / "file").read_bytes() == b"newer"
    with pytest.raises(NotFound):
        folder.draft(begun, 1, 5)


def test_a_part_in_the_middle_of_being_sent_anew_completes_nothing(folder: PartsFolder, tmp_path: Path) -> None:
    begun = folder.begin(5)
    first = folder.draft(begun, 1, 5)
    first.write([b"first"])
    first.publish()
    first.discard()
    told = folder.stored(begun) or []
    again = folder.draft(begun, 1, 5)
    with pytest.raises(UploadChanged):
        folder.complete(begun, told, tmp_path / "file")
    again.discard()
    assert not (tmp_path / "file").exists()
