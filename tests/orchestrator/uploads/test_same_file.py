"""A file that is here already is not sent again, where it is certain that it is the same."""

from pathlib import Path

from orchestrator.retention import uploads as ended
from tests.orchestrator.api.running import Api
from tests.orchestrator.uploads.uploading import JPEG, begin, complete, put, read, replace_file, sha256, uploaded


def stored_files(api: Api) -> list[Path]:
    return sorted((api.folder / "outputs/acme/uploads").iterdir())


async def test_the_same_file_is_completed_at_once(api: Api) -> None:
    first = await uploaded(api, sha256=sha256(JPEG))
    again = await begin(api.client, name="again.jpg", sha256=sha256(JPEG))
    assert (again["state"], again["verified"], again["url"]) == ("completed", True, None)
    assert again["id"] != first["id"]
    assert len(stored_files(api)) == 1


async def test_a_file_whose_hash_nobody_had_claimed_is_sent_again(api: Api) -> None:
    await uploaded(api)
    assert (await begin(api.client, sha256=sha256(JPEG)))["state"] == "waiting"


async def test_another_tenants_file_is_none_of_ours(api: Api) -> None:
    await uploaded(api, sha256=sha256(JPEG))
    async with api.as_tenant("other") as other:
        assert (await begin(other, sha256=sha256(JPEG)))["state"] == "waiting"


async def test_a_file_that_was_replaced_since_is_sent_again(api: Api) -> None:
    begun = await begin(api.client, sha256=sha256(JPEG))
    await put(api, begun, JPEG)
    await complete(api.client, begun)
    replace_file(api, begun, JPEG[::-1])
    assert (await begin(api.client, sha256=sha256(JPEG)))["state"] == "waiting"


async def test_the_file_stays_until_the_last_upload_of_it_is_gone(api: Api) -> None:
    first = await uploaded(api, sha256=sha256(JPEG))
    again = await begin(api.client, sha256=sha256(JPEG))
    for upload, left in ((first, 1), (again, 0)):
        assert (await api.client.delete(f"/v1/uploads/{upload['id']}")).status_code == 204
        await ended.tick(api.services, api.clock.now_ms())
        assert len(stored_files(api)) == left
        assert (await api.client.get(f"/v1/uploads/{upload['id']}")).status_code == 404
    assert (await begin(api.client, sha256=sha256(JPEG)))["state"] == "waiting"


async def test_a_part_of_its_life_does_not_bind_the_other(api: Api) -> None:
    await uploaded(api, sha256=sha256(JPEG))
    api.clock.advance(6 * 86_400)
    again = await begin(api.client, sha256=sha256(JPEG))
    api.clock.advance(2 * 86_400)
    await ended.tick(api.services, api.clock.now_ms())
    assert (await read(api, again))["state"] == "completed"
    assert len(stored_files(api)) == 1
