"""`revela storage lifecycle`: rules that a bucket takes."""

import json

import pytest

from tests.revela.terminal import Terminal
from tests.s3_servers import BUCKET, client, moto_server


def test_the_rules_drop_what_never_ended_and_older_versions(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("REVELA_STORAGE_URL", "s3://photos/media?region=eu-south-1")
    printed = json.loads(terminal("storage", "lifecycle").out)
    assert [(rule["ID"], rule["Filter"]) for rule in printed["Rules"]] == [
        ("revela-abort-uploads", {"Prefix": "media/"}),
        ("revela-drop-versions", {"Prefix": "media/"}),
    ]
    assert printed["Rules"][0]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 8}
    assert printed["Rules"][1]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    with moto_server(tmp_path_factory.mktemp("moto")) as url:
        bucket = client(url)
        bucket.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration=printed)
        kept = bucket.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert [rule["ID"] for rule in kept] == ["revela-abort-uploads", "revela-drop-versions"]
