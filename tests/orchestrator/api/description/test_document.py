"""The OpenAPI document: valid, complete, and with examples that are what they claim to be."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from orchestrator.api.description.document import describe_api
from orchestrator.api.description.parameters import IN_PATHS, names_in
from orchestrator.api.routes import described_routes
from shared.catalogue import Catalogue
from shared.refusals import LinkExpired, NotFound
from shared.wire.status import JobEvent, Status
from shared.wire.webhook import WebhookEvent
from tests.orchestrator.api.following.reader import following
from tests.orchestrator.api.following.test_events import ended_job
from tests.orchestrator.api.running import Api

Json = dict[str, Any]


@cache
def document() -> Json:
    """Return the description of an orchestrator as it comes, with the tests' operations."""
    return describe_api(described_routes(), Catalogue.discover(("tests.broken",)), "https://media.example/")


def operations() -> Iterator[tuple[str, Json]]:
    """Yield (METHOD /path, what is said of it)."""
    for path, methods in document()["paths"].items():
        for method, told in methods.items():
            yield f"{method.upper()} {path}", told


def valid(schema: Json, value: Any) -> bool:
    """Whether `value` fits a schema of the document, by a validator that knows nothing of pydantic."""
    with_parts = {**schema, "components": {"schemas": document()["components"]["schemas"]}}
    return bool(jsonschema_rs.Draft202012Validator(with_parts).is_valid(value))


def test_it_is_openapi() -> None:
    assert [str(fault) for fault in OPENAPI_31_VALIDATOR.iter_errors(document())] == []


def test_every_listed_route_is_told_and_no_other() -> None:
    listed = {f"{route.method} {route.path}" for route in described_routes() if route.listed}
    assert {name for name, _ in operations()} == listed
    assert not any(path.startswith(("/v2/", "/hooks/")) for path in document()["paths"])


def test_every_route_has_a_name_of_its_own_a_verb_first() -> None:
    """Generated clients call their functions so: a name that is given stays."""
    names = {name: told["operationId"] for name, told in operations()}
    assert names == {
        "POST /v1/jobs": "submitJob",
        "GET /v1/jobs": "listJobs",
        "GET /v1/jobs/{job_id}": "getJob",
        "GET /v1/jobs/{job_id}/items": "listJobItems",
        "POST /v1/jobs/{job_id}/cancel": "cancelJob",
        "POST /v1/jobs/{job_id}/retry": "retryJob",
        "DELETE /v1/jobs/{job_id}": "deleteJob",
        "PUT /v1/jobs/{job_id}/pin": "pinJob",
        "DELETE /v1/jobs/{job_id}/pin": "unpinJob",
        "PUT /v1/jobs/{job_id}/legal-hold": "holdJob",
        "DELETE /v1/jobs/{job_id}/legal-hold": "releaseJob",
        "GET /v1/jobs/{job_id}/events": "followJob",
        "POST /v1/jobs/{job_id}/events/token": "createEventsLink",
        "POST /v1/uploads": "createUpload",
        "GET /v1/uploads": "listUploads",
        "GET /v1/uploads/{upload_id}": "getUpload",
        "POST /v1/uploads/{upload_id}/complete": "completeUpload",
        "DELETE /v1/uploads/{upload_id}": "deleteUpload",
        "GET /v1/jobs/{job_id}/deliveries": "listJobDeliveries",
        "POST /v1/deliveries/{delivery_id}/redeliver": "redeliverEvent",
        "GET /v1/webhooks": "getWebhookOverview",
        "POST /v1/webhooks/rotate": "rotateWebhookSecret",
        "GET /v1/operations": "listOperations",
        "GET /v1/key": "getKey",
        "GET /v1/audit": "listAuditEntries",
        "GET /output/{token}/{name}": "getOutput",
        "POST /video/img2vid": "makeVideos",
        "POST /video/caption": "addCaptions",
        "POST /video/adicionaAudio": "addSound",
        "GET /livez": "checkLiveness",
        "GET /readyz": "checkReadiness",
        "GET /health": "getHealth",
        "GET /runpod/health": "getEndpointHealth",
        "GET /metrics": "getMetrics",
        "GET /openapi.json": "getOpenapi",
        "GET /docs": "getDocs",
    }
    received = [methods["post"]["operationId"] for methods in document()["webhooks"].values()]
    assert all(re.fullmatch("receiveJob[A-Z][A-Za-z]+", name) for name in received)
    assert len({*names.values(), *received}) == len(names) + len(received)


def test_every_group_and_part_of_a_path_is_explained() -> None:
    assert [tag["name"] for tag in document()["tags"] if tag["description"] == tag["name"]] == []
    assert {name for route in described_routes() if route.listed for name in names_in(route.path)} - {
        *IN_PATHS
    } == set()


def test_nothing_private_is_shown() -> None:
    assert [name for name in document()["components"]["schemas"] if name.startswith("_")] == []


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(document())
    for kind in ("schemas", "examples"):
        parts = document()["components"][kind]
        asked = {piece.partition('"')[0] for piece in text.split(f'"#/components/{kind}/')[1:]}
        assert asked == set(parts)


@pytest.mark.parametrize(("name", "told"), list(operations()), ids=lambda part: part if isinstance(part, str) else "")
def test_every_example_fits_its_schema(name: str, told: Json) -> None:
    contents = [content for answer in told["responses"].values() for content in answer.get("content", {}).values()]
    contents += told.get("requestBody", {}).get("content", {}).values()
    for content in contents:
        for example in examples_of(content):
            assert valid(content.get("schema", {}), example), f"{name}: {example}"


def examples_of(content: Json) -> Iterator[Any]:
    """Yield a media type's examples."""
    if "example" in content:
        yield content["example"]
    for example in content.get("examples", {}).values():
        named = example.get("$ref", "").rpartition("/")[2]
        yield (document()["components"]["examples"][named] if named else example)["value"]


@pytest.mark.parametrize(("name", "told"), list(operations()), ids=lambda part: part if isinstance(part, str) else "")
def test_whatever_is_refused_is_a_problem_with_its_codes(name: str, told: Json) -> None:
    refusals = {status: answer for status, answer in told["responses"].items() if status[0] in "45" and status != "502"}
    for status, answer in refusals.items():
        problem = answer["content"]["application/problem+json"]
        assert problem["examples"], f"{name} {status}"
        for example in examples_of(problem):
            assert example["status"] == int(status)
    assert "500" in refusals
    assert ({"401", "403", "429", "503"} <= set(refusals)) == bool(told["security"])
    assert (("requestBody" in told) <= ({"400", "413", "415", "422"} <= set(refusals))) is True
    assert all("X-Request-Id" in answer["headers"] for answer in told["responses"].values())


def test_a_route_s_own_refusals_are_told() -> None:
    answers = document()["paths"]["/output/{token}/{name}"]["get"]["responses"]
    assert LinkExpired.code in answers["410"]["content"]["application/problem+json"]["examples"]
    assert NotFound.code in answers["404"]["content"]["application/problem+json"]["examples"]


def test_open_routes_need_no_key_and_others_name_their_scope() -> None:
    paths = document()["paths"]
    assert paths["/livez"]["get"]["security"] == []
    assert paths["/v1/jobs"]["post"]["security"] == [{"ApiKey": ["jobs:write"]}, {"Bearer": ["jobs:write"]}]
    assert paths["/v1/jobs/{job_id}/events"]["get"]["security"][-1] == {}


def test_every_event_that_webhooks_tell_is_described_with_an_example_of_it() -> None:
    told = document()["webhooks"]
    assert set(told) == set(JobEvent)
    for name, methods in told.items():
        assert set(methods) == {"post"}
        sent = methods["post"]
        headers = {parameter["name"] for parameter in sent["parameters"] if parameter["in"] == "header"}
        assert headers == {"webhook-id", "webhook-timestamp", "webhook-signature"}
        content = sent["requestBody"]["content"]["application/json"]
        assert content["schema"] == {"$ref": "#/components/schemas/WebhookEvent"}
        assert valid(content["schema"], content["example"])
        assert WebhookEvent.model_validate(content["example"]).type == name
        assert JobEvent.of(Status(content["example"]["data"]["job"]["status"])) == name


def test_the_events_of_a_job_s_stream_are_told_with_their_schemas() -> None:
    reply = document()["paths"]["/v1/jobs/{job_id}/events"]["get"]["responses"]["200"]
    content = reply["content"]["text/event-stream"]
    carried = {
        choice["properties"]["event"]["const"]: choice["properties"]["data"]["contentSchema"]
        for choice in content["x-itemSchema"]["oneOf"]
    }
    assert set(carried) == {"status", "item", "progress"}
    for schema in carried.values():
        assert f"`{schema['$ref'].rpartition('/')[2]}`" in reply["description"]
    sent = re.findall(r"^event: (\w+)\ndata: (.*)$", content["example"], re.MULTILINE)
    assert {kind for kind, _ in sent} == set(carried)
    for kind, data in sent:
        assert valid(carried[kind], json.loads(data)), data


async def test_what_a_stream_sends_is_as_its_events_are_told(api: Api) -> None:
    content = document()["paths"]["/v1/jobs/{job_id}/events"]["get"]["responses"]["200"]["content"]["text/event-stream"]
    item = content["x-itemSchema"]
    job_id = await ended_job(api)
    async with following(api.client, f"/v1/jobs/{job_id}/events") as reader:
        sent = await reader.rest()
    assert {event.kind for event in sent} >= {"status", "item"}
    for event in sent:
        assert valid(item, {"event": event.kind, "data": json.dumps(event.data)})
        [schema] = [choice for choice in item["oneOf"] if choice["properties"]["event"]["const"] == event.kind]
        assert valid(schema["properties"]["data"]["contentSchema"], event.data), event


def test_a_new_job_is_told_with_each_operation_s_own_parameters() -> None:
    schemas = document()["components"]["schemas"]
    request = schemas["JobRequest"]
    assert request["discriminator"]["mapping"]["img2vid"] == "#/components/schemas/Img2vidJobRequest"
    assert schemas["Img2vidItem"]["properties"]["fps"]["maximum"] == 120
    job = {"operation": "img2vid", "items": [{"id": "a", "image": "https://example.com/a.jpg", "fps": 30}]}
    body = document()["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]["application/json"]
    assert valid(body["schema"], job)
    for wrong in ({"fps": 121}, {"fsp": 30}, {"width": 65}):
        assert not valid(body["schema"], {**job, "items": [{**job["items"][0], **wrong}]})  # type: ignore[dict-item]
    assert not valid(body["schema"], {**job, "input": {}})
    assert not valid(body["schema"], {"operation": "img2vid"})
    assert valid(body["schema"], {"operation": "img2vid", "input": {"image": "https://example.com/a.jpg"}})
    assert not valid(body["schema"], {**job, "operation": "nothing"})


@pytest.mark.parametrize("operations", [("tests.broken",), ()], ids=["several operations", "one"])
def test_every_body_is_one_that_generators_of_code_make_a_class_of(operations: tuple[str, ...]) -> None:
    """An object with properties, or one of such by name: where they see choices in an object, they make `Any` of it.

    Nor must a named choice hold unnamed objects: openapi-python-client makes those twice where there is one choice.
    """
    told = describe_api(described_routes(), Catalogue.discover(operations), "https://media.example/")
    schemas = told["components"]["schemas"]

    def named(schema: Json) -> Json:
        found: Json = schemas[schema["$ref"].rpartition("/")[2]]
        return found

    bodies = [
        route["requestBody"]
        for methods in told["paths"].values()
        for route in methods.values()
        if "requestBody" in route
    ]
    tops = [named(body["content"]["application/json"]["schema"]) for body in bodies]
    chosen = [named(choice) for top in tops for choice in top.get("oneOf", ())]
    for top in (*chosen, *(top for top in tops if "oneOf" not in top)):
        assert top["type"] == "object"
        assert top["properties"]
        assert not {"oneOf", "anyOf", "allOf"} & set(top)
    inside = [field for top in chosen for field in top["properties"].values()]
    assert len(chosen) >= 1
    assert [field for field in inside if field.get("type") == "object"] == []


def test_no_object_that_may_be_null_has_a_default_which_generators_can_not_make() -> None:
    found: list[str] = []
    for name, schema in document()["components"]["schemas"].items():
        for field, told in schema.get("properties", {}).items():
            if "anyOf" in told and isinstance(told.get("default"), dict):
                found.append(f"{name}.{field}")
    assert found == []


async def test_the_webhook_s_pattern_takes_what_the_server_may_take(api: Api) -> None:
    webhook = document()["components"]["schemas"]["EchoJobRequest"]["properties"]["webhook"]
    schema = {part: value for part, value in webhook.items() if part != "description"}
    assert [valid(schema, f"{scheme}://example.com/hook") for scheme in ("https", "http", "ftp")] == [True, True, False]
    assert "http only where the server's operator" in webhook["description"]
    body = {"operation": "echo", "input": {}, "webhook": "http://example.com/hook"}
    refused = await api.client.post("/v1/jobs", json=body)
    assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/webhook"]


async def test_every_example_of_a_new_job_is_accepted(api: Api) -> None:
    body = document()["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]["application/json"]
    for name, example in body["examples"].items():
        answer = await api.client.post("/v1/jobs?dry_run=true", json=example["value"])
        assert answer.status_code == 200, f"{name}: {answer.text}"


async def test_it_is_served_once_made_and_not_sent_twice(api: Api) -> None:
    async with httpx.AsyncClient(base_url=api.url) as stranger:
        first = await stranger.get("/openapi.json")
        again = await stranger.get("/openapi.json", headers={"if-none-match": first.headers["etag"]})
    assert first.headers["content-type"] == "application/json"
    assert first.json()["servers"] == [{"url": "https://media.example"}]
    assert (again.status_code, again.content) == (304, b"")
