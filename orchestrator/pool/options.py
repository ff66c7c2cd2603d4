"""What can be set on a pool, and the limits that it shares with RunPod."""

from dataclasses import dataclass

KEEP_ALIVE_S = 620
"""For the server that the pool is mounted in: longer than the SDK session's total time-out of 600 s.

A synchronous handler blocks the SDK's event loop, so it can't notice that the server closed an idle connection;
the result is then posted into a dead one and lost. Worker-facing answers also close their connection themselves.
"""

DEFAULT_EXECUTION_TIMEOUT_MS = 600_000
DEFAULT_TTL_MS = 86_400_000
MIN_EXECUTION_TIMEOUT_MS = 5_000
MIN_TTL_MS = 10_000
MAX_POLICY_MS = 7 * 86_400_000
MAX_RUN_BYTES = 10 << 20
MAX_RUNSYNC_BYTES = 20 << 20
DEFAULT_WAIT_MS = 90_000
MIN_WAIT_MS = 1_000
MAX_WAIT_MS = 300_000
DEFAULT_STREAM_WAIT_MS = 5_000
"""How long a read of a stream waits for the next chunk; the SDK's client gives up after 10 s."""
MAX_CHUNK_BYTES = (1 << 20) + 64
"""One streamed chunk: 1 MB, and the little JSON around it."""


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """Times in seconds. RunPod's documented behaviour is the default; tests make it quicker."""

    hold_s: float = 4.0
    """How long an empty take or stop is held; at most 5, well under the 10 s that Docker grants at a stop."""
    ping_interval_s: int = 5
    """What local workers are told; whole seconds, as the SDK divides."""
    lease_s: float = 30.0
    """A worker that has pinged and then falls silent for so long is lost."""
    restart_grace_s: float = 30.0
    """After this server's start: how long running jobs wait for their worker's first ping."""
    stop_grace_s: float = 10.0
    """A worker that still lists a job so long after it was told to stop it is replaced, if it is a local one."""
    max_retries: int = 1
    """How often a job whose worker was lost goes back into the queue."""
    tick_s: float = 0.5
    result_ttl_s: float = 1800.0
    """How long a job is kept after its end, as RunPod does for /run."""
    max_result_bytes: int = 20 << 20
    max_unread_bytes: int = 64 << 20
    """What is kept of the streams that nobody reads, in memory; beyond it the oldest goes."""
    webhook_delays_s: tuple[float, ...] = (5.0, 20.0)
    """When a failed webhook is tried again, counted from its first try (as seen on RunPod)."""
    webhook_timeout_s: float = 10.0
