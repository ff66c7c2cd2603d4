"""A client of the uploads' routes, as short as tests want it."""

import hashlib
from typing import Any

import httpx

from tests.orchestrator.api.running import Api, path_of

JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 10
MIB = 1 << 20

Json = dict[str, Any]


def request_for(body: bytes, content_type: str = "image/jpeg", **fields: Any) -> Json:
    """Return the body of ``POST /v1/uploads`` for a file."""
    return {"name": "beach.jpg", "size_bytes": len(body), "content_type": content_type, **fields}


async def begin(client: httpx.AsyncClient, body: bytes = JPEG, **fields: Any) -> Json:
    """Begin an upload."""
    answer = await client.post("/v1/uploads", json=request_for(body, **fields))
    assert answer.status_code == 201, answer.text
    told: Json = answer.json()
    return told


async def put(api: Api, address: Json, body: bytes, **headers: str) -> httpx.Response:
    """PUT a file or a part as it was told, without any key."""
    async with httpx.AsyncClient(base_url=api.url) as stranger:
        sent = {name.lower(): value for name, value in address["headers"].items()} | headers
        return await stranger.put(path_of(address["url"]), content=body, headers=sent)


async def complete(client: httpx.AsyncClient, upload: Json, **body: Any) -> httpx.Response:
    """Complete an upload."""
    return await client.post(f"/v1/uploads/{upload['id']}/complete", json=body)


async def uploaded(api: Api, body: bytes = JPEG, **fields: Any) -> Json:
    """Upload a file in one piece."""
    begun = await begin(api.client, body, **fields)
    assert (await put(api, begun, body)).status_code == 200
    answer = await complete(api.client, begun)
    assert answer.status_code == 200, answer.text
    told: Json = answer.json()
    return told


def replace_file(api: Api, upload: Json, body: bytes) -> None:
    """Put another file in the place of an upload's, as nobody can by its address."""
    path = api.folder / "outputs/acme/uploads" / upload["id"][4:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


async def read(api: Api, upload: Json, **params: str) -> Json:
    """Read an upload."""
    answer = await api.client.get(f"/v1/uploads/{upload['id']}", params=params)
    assert answer.status_code == 200, answer.text
    told: Json = answer.json()
    return told


def sha256(body: bytes) -> str:
    """Return a file's SHA-256 in hex."""
    return hashlib.sha256(body).hexdigest()
