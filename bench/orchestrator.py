"""What the orchestrator carries, beside what the machine could do at best: python -m bench.orchestrator."""

import argparse
import json
import random
import statistics
import sys
import tempfile
from pathlib import Path

from bench import orchestrator_tasks
from bench.load import limits
from bench.load.closed_loop import CONNECTIONS, Loop, closed_loop, request
from bench.load.disk import fsyncs_per_s, inserts_per_s
from bench.load.process import free_port, running
from bench.load.served import BODY, Served, served

MOST_MB = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1000 waiting jobs and shorter loops")
    quick = parser.parse_args().quick
    waiting, seconds = (1000, 3) if quick else (10_000, 8)
    print(f"{CONNECTIONS} connections, closed loop, in a process of their own; SQLite, real uvicorn over loopback\n")
    with served(waiting) as here:
        kept = [submits(here, waiting, seconds), reads(here, seconds)]
        orchestrator_tasks.tasks(here, seconds)
        now_mb, most_mb = here.process.memory_mb()
    kept += [orchestrator_tasks.lag(40 if quick else 200), most_mb < MOST_MB]
    print(f"  aim p50 < 100 ms and p99 < 500 ms: {_word(kept[-2])}\n")
    print(f"memory after all this: {now_mb:.0f} MB resident, {most_mb:.0f} MB at most")
    print(f"  aim < {MOST_MB} MB: {_word(kept[-1])}")
    sys.exit(0 if all(kept) else 1)


def submits(here: Served, waiting: int, seconds: float) -> bool:
    """Print submits per second while jobs are queued; return whether the aim was kept."""
    disk = [_disk(here)]
    requests = [request(f"{here.url}/v1/jobs", "POST", {"X-API-Key": here.prepared.key}, json.dumps(BODY))]
    loop = _measured(here, requests, f"submits, {waiting} jobs queued before", seconds)
    disk.append(_disk(here))
    fsyncs, single, grouped = (statistics.mean(pair) for pair in zip(*disk, strict=True))
    print(
        f"  beside it: {fsyncs:.0f} fsyncs/s; bare SQLite inserts {single:.0f}/s with one per commit, "
        f"{grouped:.0f}/s with {CONNECTIONS}"
    )
    kept = loop.per_s >= 600 and loop.p99_ms < 30 and set(loop.statuses) == {"202"}
    print(f"  aim 600/s and p99 < 30 ms: {_word(kept)}\n")
    return kept


def reads(here: Served, seconds: float) -> bool:
    """Print status reads per second; return whether the aim was kept."""
    some = random.Random(1).sample(here.prepared.job_ids, 1000)
    requests = [request(f"{here.url}/v1/jobs/{job_id}", headers={"X-API-Key": here.prepared.key}) for job_id in some]
    hello = [_hello(here, seconds / 4)]
    loop = _measured(here, requests, "status reads", seconds)
    hello.append(_hello(here, seconds / 4))
    most, cpu = statistics.mean(each.per_s for each in hello), statistics.mean(each.cpu for each in hello)
    print(
        f"  beside it: a Starlette route that says hello {most:.0f}/s (the load itself {cpu:.2f} of a core); "
        f"a read costs {most / loop.per_s:.1f} hellos"
    )
    kept = loop.per_s >= 2000 and set(loop.statuses) == {"200"}
    print(f"  aim 2000/s: {_word(kept)}\n")
    return kept


def _measured(here: Served, requests: list[str], title: str, seconds: float) -> Loop:
    """Measure, print the figure, and say what limits it by a second, shorter pass in which samples are taken."""
    before = here.process.work()
    loop = closed_loop(here.url, requests, seconds)
    after = here.process.work()
    with limits.sampling(here.samples):
        closed_loop(here.url, requests, 2)
    print(f"{title}: {loop.per_s:.0f}/s, p50 {loop.p50_ms:.1f} ms, p99 {loop.p99_ms:.1f} ms, {loop.statuses}")
    print(f"  limited by: {limits.cores(before, after)}; the load itself {loop.cpu:.2f}")
    for line in limits.doing(here.samples):
        print(f"    {line}")
    return loop


def _disk(here: Served) -> tuple[float, float, float]:
    with tempfile.TemporaryDirectory(dir=here.folder) as name:
        place = Path(name)
        return fsyncs_per_s(place, 0.7), inserts_per_s(place, 0.7, 1), inserts_per_s(place, 0.7, CONNECTIONS)


def _hello(here: Served, seconds: float) -> Loop:
    port = free_port()
    with running(["bench.load.hello", str(port)], here.folder, port, {}, "/") as server:
        return closed_loop(server.url, [request(server.url + "/")], seconds)


def _word(kept: bool) -> str:
    return "kept" if kept else "MISSED"


if __name__ == "__main__":
    main()
