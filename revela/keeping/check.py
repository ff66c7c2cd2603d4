"""Comparing the storage with the database from the terminal, straight in both."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestrator.retention.check import Comparison, Heap, Mended, StorageCheck
from orchestrator.settings import Settings
from orchestrator.storage.choose import open_storage
from orchestrator.store.store import Store
from revela.failures import NotConfirmed, SomethingBroken, UsageFault
from revela.keeping.spans import span_ms
from revela.keys import with_store
from revela.server_settings import existing_data
from shared.clock import SystemClock

_SHOWN = 20
"""Of each kind of finding, a person sees as many; --json has all."""
_UNITS = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class Wishes:
    """How the check goes on once it has found something."""

    repair: bool
    sure: bool
    force: bool
    as_json: bool


def check_storage(data_dir: Path | None, grace: str, wishes: Wishes) -> None:
    """Print what differs, mend it if that is wished; SomethingBroken if something is left, UsageFault, NotConfirmed."""
    settings = existing_data(data_dir, may_create=False)
    grace_s = span_ms("--grace", grace) / 1000

    async def run(store: Store, _: Settings) -> tuple[Comparison, Mended | None]:
        clock = SystemClock()
        storage = open_storage(settings.resolved_storage_url, settings.public_url, settings.signer(), clock)
        try:
            check = StorageCheck(store, storage, clock.now_ms(), grace_s)
            found = await check.compare()
            if not wishes.as_json:
                _print_found(found)
            if not wishes.repair or found.sound:
                return found, None
            _make_sure(found, wishes)
            return found, await check.repair(found)
        finally:
            await storage.close()

    found, mended = with_store(settings, run)
    if wishes.as_json:
        print(json.dumps({**_plain(found), "mended": None if mended is None else asdict(mended)}, indent=2))
    elif mended is not None:
        _print_mended(mended)
    if not found.sound and mended is None:
        raise SomethingBroken("the storage and the database differ; --repair mends it")


def _make_sure(found: Comparison, wishes: Wishes) -> None:
    if found.strangers and not wishes.force:
        raise UsageFault(
            "nothing in the storage is known to the database: one of them is probably the wrong one; "
            "--force repairs all the same"
        )
    if not wishes.sure and not wishes.as_json and sys.stdin.isatty():
        answer = input("Delete the orphans and mark what is lost? [y/N] ")
        if answer.strip().lower() not in ("y", "yes"):
            raise NotConfirmed


def _print_found(found: Comparison) -> None:
    print(f"stored   {_told(found.stored)}")
    print(f"known    {_told(found.owned)}")
    if found.fresh.objects:
        print(f"young    {_told(found.fresh)} without a row, within the grace")
    if found.foreign.objects:
        print(f"foreign  {_told(found.foreign)} not named as ours are, never touched")
    if found.arriving.objects:
        print(f"arriving {_told(found.arriving)} not whole yet")
    if found.abandoned.objects:
        print(f"left     {_told(found.abandoned)} that never became whole; the server removes them")
    print(f"orphans  {_told(_sum(found.orphans))}")
    _print_some([f"{prefix}  {_told(heap)}" for prefix, heap in sorted(found.orphans.items())])
    print(f"lost     {len(found.lost_outputs)} outputs, {len(found.lost_uploads)} uploads")
    _print_some(
        [f"{lost.job_id}  {lost.item_id}  {lost.slot}  {_size(lost.size_bytes)}" for lost in found.lost_outputs]
    )
    _print_some([f"{lost.id}  {_size(lost.size_bytes)}" for lost in found.lost_uploads])


def _print_some(lines: list[str]) -> None:
    for line in lines[:_SHOWN]:
        print(f"         {line}")
    if len(lines) > _SHOWN:
        print(f"         and {len(lines) - _SHOWN} more; --json lists them all")


def _print_mended(mended: Mended) -> None:
    print(
        f"mended   {_told(mended.deleted)} deleted, "
        f"{mended.outputs_marked} outputs and {mended.uploads_marked} uploads marked"
    )


def _plain(found: Comparison) -> dict[str, Any]:
    return {
        "sound": found.sound,
        "stored": asdict(found.stored),
        "known": asdict(found.owned),
        "young": asdict(found.fresh),
        "foreign": asdict(found.foreign),
        "arriving": asdict(found.arriving),
        "abandoned": asdict(found.abandoned),
        "orphans": [{"prefix": prefix, **asdict(heap)} for prefix, heap in sorted(found.orphans.items())],
        "lost_outputs": [asdict(lost) for lost in found.lost_outputs],
        "lost_uploads": [asdict(lost) for lost in found.lost_uploads],
    }


def _sum(heaps: Mapping[str, Heap]) -> Heap:
    return Heap(sum(heap.objects for heap in heaps.values()), sum(heap.size_bytes for heap in heaps.values()))


def _told(heap: Heap) -> str:
    return f"{heap.objects} objects, {_size(heap.size_bytes)}"


def _size(size_bytes: int) -> str:
    size, unit = float(size_bytes), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"
