"""The whole description: every listed route, every schema they speak of, and how to prove who you are."""

from collections import defaultdict
from collections.abc import Mapping
from importlib.metadata import version

from orchestrator.api.description.events import webhooks
from orchestrator.api.description.refusals import problem_examples
from orchestrator.api.description.route import route_object
from orchestrator.api.description.schemas import Json, Schemas
from orchestrator.api.door.described import Described
from shared.operation import AnyOperation

OPENAPI_VERSION = "3.1.1"

_ABOUT = """\
Media jobs on GPUs: hand a job in, follow it, fetch links to its files.

A job is one operation on 1 to 1000 items. `POST /v1/jobs` answers 202 once the job is stored; from then on it reaches \
exactly one terminal status. Every answer carries `X-Request-Id`. Whatever is refused is told as \
`application/problem+json` (RFC 9457) with a stable `code`. Times are RFC 3339 in UTC, durations have their unit in \
their name.

Before its route is known, a request may be refused with `not-http` (400), `url-too-long` (414), `head-too-large` \
(431) or `server-busy` (503).

Not described here: `/v2/{endpoint}/…`, where the server is its own endpoint. Those routes are RunPod's API, and its \
documentation holds for them.
"""
_GROUPS = {
    "Jobs": "Hand jobs in, follow them, act on them",
    "Keeping and deleting": "Pins, legal holds, and the log of what was deleted, kept and changed",
    "Webhooks": "How their delivery goes, and the secret that signs them",
    "Operations": "What can be done",
    "Keys": "Who asks, and how often they may",
    "Uploads": "Files of yours, sent straight into the storage, as inputs of jobs",
    "Outputs": "The files that were made",
    "Compatible": "Routes of the earlier system, unchanged for its clients",
    "Server": "How the server is",
}


def describe_api(described: tuple[Described, ...], catalogue: Mapping[str, AnyOperation], public_url: str) -> Json:
    """Return the OpenAPI document of the listed ones among the routes."""
    listed = tuple(route for route in described if route.listed)
    schemas = Schemas()
    paths: dict[str, Json] = defaultdict(dict)
    for route in listed:
        paths[route.path][route.method.lower()] = route_object(route, schemas, catalogue)
    told = webhooks(schemas)
    return {
        "openapi": OPENAPI_VERSION,
        "info": {
            "title": "Revela",
            "version": version("revela"),
            "description": _ABOUT,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url.rstrip("/")}],
        "tags": [
            {"name": group, "description": _GROUPS.get(group, group)}
            for group in dict.fromkeys(route.group for route in listed)
        ],
        "paths": dict(paths),
        "webhooks": told,
        "components": {
            "schemas": schemas.used_by([paths, told]),
            "examples": problem_examples(listed),
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


_SECURITY_SCHEMES: Json = {
    "ApiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A key of `revela keys create`; the names beside a route are the scopes it needs",
    },
    "Bearer": {"type": "http", "scheme": "bearer", "description": "The same key as `Authorization: Bearer …`"},
}
