"""The worker half spoken by hand, for what an SDK worker can't be made to do on purpose."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.pool.rig import Rig


@dataclass
class WorkerClient:
    """One worker's requests."""

    id: str
    token: str
    client: httpx.Client

    def take(self) -> dict[str, Any] | None:
        """Ask for a job."""
        answer = self.client.get(f"job-take/{self.id}?gpu=x&job_in_progress=0")
        return answer.json() if answer.status_code == 200 else None

    def take_batch(self, size: int) -> list[dict[str, Any]]:
        """Ask for jobs."""
        answer = self.client.get(f"job-take-batch/{self.id}?gpu=x&batch_size={size}&job_in_progress=0")
        return answer.json() if answer.status_code == 200 else []

    def stops(self) -> list[str]:
        """Ask what to stop."""
        answer = self.client.get(f"job-stop/{self.id}?gpu=x")
        return answer.json()["jobsToStop"] if answer.status_code == 200 else []

    def done(self, job_id: str, post: object) -> httpx.Response:
        """Post a result."""
        return self.client.post(f"job-done/{self.id}/{job_id}?gpu=x&isStream=false", json=post)

    def ping(self, *job_ids: str) -> int:
        """Ping with these jobs in hand; return the answer's status."""
        listed = {"job_id": ",".join(job_ids)} if job_ids else {}
        return self.client.get(f"ping/{self.id}?gpu=x", params={"gpu": "x", **listed}).status_code


@contextmanager
def enrolled(rig: Rig, worker_id: str, *, local: bool = False) -> Iterator[WorkerClient]:
    """Issue a token and speak with it."""
    token = rig.call(rig.pool.issue_worker(worker_id, local=local))
    with httpx.Client(base_url=f"{rig.endpoint_url}/", headers={"authorization": token}, timeout=30) as client:
        yield WorkerClient(worker_id, token, client)
