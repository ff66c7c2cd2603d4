"""What workers stream and nobody has read yet: in memory, each chunk handed out once."""

from collections import deque

import structlog

log = structlog.get_logger()


class Chunks:
    """Unread chunks (JSON texts) by job, `max_bytes` of all together. A restart of this server loses them."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._size_bytes = 0
        self._unread: dict[str, deque[str]] = {}
        self._last_ms: dict[str, int] = {}

    def __contains__(self, job_id: str) -> bool:
        """Whether there is something to read."""
        return job_id in self._unread

    def add(self, job_id: str, chunk: str, now_ms: int) -> None:
        """Keep a chunk behind the job's earlier ones; when there are too many in all, the job silent longest loses."""
        self._unread.setdefault(job_id, deque()).append(chunk)
        self._size_bytes += len(chunk)
        self._last_ms.pop(job_id, None)
        self._last_ms[job_id] = now_ms  # last in the dict's order
        while self._size_bytes > self._max_bytes:
            oldest = next(iter(self._last_ms))
            self._size_bytes -= len(self._unread[oldest].popleft())
            log.warning("pool_job.chunk_dropped", pool_job_id=oldest)
            if not self._unread[oldest]:
                self.forget(oldest)

    def drain(self, job_id: str) -> list[str]:
        """Return the job's unread chunks, in the order of their coming; they are read now."""
        chunks = list(self._unread.get(job_id, ()))
        self.forget(job_id)
        return chunks

    def forget(self, job_id: str) -> None:
        """Drop a job's chunks."""
        self._size_bytes -= sum(map(len, self._unread.pop(job_id, ())))
        self._last_ms.pop(job_id, None)

    def forget_before(self, before_ms: int) -> None:
        """Drop the chunks of jobs that have streamed nothing since `before_ms`."""
        for job_id in [job_id for job_id, last_ms in self._last_ms.items() if last_ms < before_ms]:
            self.forget(job_id)
