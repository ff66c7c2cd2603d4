"""Work orders against a loopback store, for tests of the worker."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.wire.result import ItemResult, Manifest
from shared.wire.work_order import InputGrant, ItemOrder, UploadGrant, WorkLimits, WorkOrder
from tests.loopback import ObjectServer
from worker.registry import Registry
from worker.run_task import Machine


def grant(store: ObjectServer, key: str, max_bytes: int = 1 << 26, content_type: str = "text/plain") -> UploadGrant:
    """Return the right to PUT `key`."""
    return UploadGrant(key=key, url=store.url(key), content_type=content_type, max_bytes=max_bytes)


def order(
    store: ObjectServer,
    operation: str,
    items: Mapping[str, Mapping[str, Any]],
    *,
    inputs: Mapping[str, InputGrant] | None = None,
    execution_timeout_s: float = 60,
    fetch_timeout_s: float = 10,
    **changes: Any,
) -> WorkOrder:
    """Return an order for items {id: params}; results go to ``{id}/result.json``, files to ``{id}/text``."""
    fields: dict[str, Any] = {
        "job_id": "job_1",
        "task_id": "task_1",
        "attempt": 1,
        "operation": operation,
        "operation_version": 1,
        "token": "t",
        "deadline_ms": round(time.time() * 1000) + 600_000,
        "items": [
            ItemOrder(
                id=item_id,
                params=dict(params),
                outputs={"text": grant(store, f"{item_id}/text")},
                result=grant(store, f"{item_id}/result.json", content_type="application/json"),
                committed_url=store.url(f"{item_id}/result.json"),
            )
            for item_id, params in items.items()
        ],
        "inputs": dict(inputs or {}),
        "manifest": grant(store, "manifest.json", content_type="application/json"),
        "limits": WorkLimits(execution_timeout_s=execution_timeout_s, fetch_timeout_s=fetch_timeout_s),
    }
    return WorkOrder.model_validate(fields | changes)


def machine(work_dir: Path, concurrency: int = 2) -> Machine:
    """Return a worker that knows the test operations."""
    return Machine(
        registry=Registry.discover(("tests.broken",)),
        work_dir=work_dir,
        concurrency=concurrency,
        threads_per_item=1,
        worker="worker-1",
        gpu="",
    )


def manifest(store: ObjectServer) -> Manifest:
    """Return the stored manifest."""
    return Manifest.model_validate_json(store.objects["manifest.json"].body)


def stored_result(store: ObjectServer, item_id: str) -> ItemResult:
    """Return an item's commit marker."""
    return ItemResult.model_validate(json.loads(store.objects[f"{item_id}/result.json"].body))


def leftovers(folder: Path) -> list[str]:
    """Return what lies in the work folder."""
    return [path.name for path in folder.iterdir()]
