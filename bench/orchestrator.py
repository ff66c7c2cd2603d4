"""What the orchestrator carries, beside what the machine could do at best: python -m bench.orchestrator."""

import argparse
import json
import random
import statistics
import sys
import tempfile
from pathlib import Path

from bench.load import limits
from bench.load.closed_loop import CONNECTIONS, Loop, closed_loop, request
from bench.load.disk import fsyncs_per_s, inserts_per_s
from bench.load.process import ServerProcess, free_port, running
from bench.load.stored import OPERATIONS, Prepared, prepare

BODY = {
    "operation": "echo",
    "items": [{"id": "img-001", "text": "a photo's caption"}],
    "labels": {"order": "A-17"},
}
WORKERS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1000 waiting jobs and shorter loops")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory(prefix="revela-bench-") as name:
        kept = Bench(Path(name), waiting=1000 if quick else 10_000, seconds=3 if quick else 8).run()
    sys.exit(0 if kept else 1)


class Bench:
    """One server, measured in one go."""

    def __init__(self, folder: Path, waiting: int, seconds: float) -> None:
        self._folder = folder
        self._waiting = waiting
        self._seconds = seconds
        self._control = folder / "samples"
        self._port = free_port()

    def run(self) -> bool:
        """Print every figure; return whether the aims were kept."""
        print(
            f"{CONNECTIONS} connections, closed loop, in a process of their own; SQLite, real uvicorn over loopback\n"
        )
        prepared = prepare(self._folder, BODY, self._waiting, [f"stand-in-{n}" for n in range(WORKERS)])
        environment = {
            "REVELA_OPERATION_PACKAGES": OPERATIONS,
            "REVELA_LOG_FORMAT": "json",
            "REVELA_MAX_WORKERS": str(WORKERS),
            "REVELA_RATE_LIMIT": "1000000/second",  # counted, but never reached
            "REVELA_MAX_QUEUED_ITEMS": "1000000",
            "BENCH_SAMPLES": str(self._control),
        }
        arguments = ["bench.load.sampled", "serve", "--port", str(self._port), "--data-dir", str(self._folder)]
        with running(arguments, self._folder, self._port, environment, "/readyz") as server:
            kept = [self._submits(server, prepared), self._reads(server, prepared)]
            now_mb, most_mb = server.memory_mb()
            kept.append(most_mb < 200)
            print(
                f"memory: {now_mb:.0f} MB resident at the end, {most_mb:.0f} MB at most (aim < 200): {_word(kept[-1])}"
            )
        return all(kept)

    def _submits(self, server: ServerProcess, prepared: Prepared) -> bool:
        disk = [self._disk()]
        url = f"{server.url}/v1/jobs"
        requests = [request(url, "POST", {"X-API-Key": prepared.key}, json.dumps(BODY))]
        loop = self._measured(server, url, requests, f"submits, {self._waiting} jobs queued before")
        disk.append(self._disk())
        fsyncs, single, grouped = (statistics.mean(pair) for pair in zip(*disk, strict=True))
        print(
            f"  beside it: {fsyncs:.0f} fsyncs/s; bare SQLite inserts {single:.0f}/s with one per commit, "
            f"{grouped:.0f}/s with {CONNECTIONS}; a submit costs {grouped / loop.per_s:.1f} of the latter"
        )
        kept = loop.per_s >= 600 and loop.p99_ms < 30 and set(loop.statuses) == {"202"}
        print(f"  aim 600/s and p99 < 30 ms: {_word(kept)}\n")
        return kept

    def _reads(self, server: ServerProcess, prepared: Prepared) -> bool:
        url = f"{server.url}/v1/jobs/"
        some = random.Random(1).sample(prepared.job_ids, min(1000, len(prepared.job_ids)))
        requests = [request(url + job_id, headers={"X-API-Key": prepared.key}) for job_id in some]
        hello = [self._hello()]
        loop = self._measured(server, url, requests, "status reads")
        hello.append(self._hello())
        most = statistics.mean(each.per_s for each in hello)
        cpu = statistics.mean(each.cpu for each in hello)
        print(
            f"  beside it: a Starlette route that says hello {most:.0f}/s (the loop used {cpu:.2f} of a core); "
            f"a read costs {most / loop.per_s:.1f} hellos"
        )
        kept = loop.per_s >= 2000 and set(loop.statuses) == {"200"}
        print(f"  aim 2000/s: {_word(kept)}\n")
        return kept

    def _measured(self, server: ServerProcess, url: str, requests: list[str], title: str) -> Loop:
        """Measure, print the figure, and say what limits it by a second, shorter pass with samples taken."""
        before = server.work()
        loop = closed_loop(url, requests, self._seconds)
        after = server.work()
        with limits.sampling(self._control):
            closed_loop(url, requests, 2)
        print(f"{title}: {loop.per_s:.0f}/s, p50 {loop.p50_ms:.1f} ms, p99 {loop.p99_ms:.1f} ms, {loop.statuses}")
        print(f"  limited by: {limits.cores(before, after)}; the load itself {loop.cpu:.2f} of the other")
        for line in limits.doing(self._control):
            print(f"    {line}")
        return loop

    def _disk(self) -> tuple[float, float, float]:
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            place = Path(name)
            return fsyncs_per_s(place, 0.7), inserts_per_s(place, 0.7, 1), inserts_per_s(place, 0.7, CONNECTIONS)

    def _hello(self) -> Loop:
        port = free_port()
        with running(["bench.load.hello", str(port)], self._folder, port, {}, "/") as server:
            return closed_loop(server.url, [request(server.url + "/")], self._seconds / 4)


def _word(kept: bool) -> str:
    return "kept" if kept else "MISSED"


if __name__ == "__main__":
    main()
