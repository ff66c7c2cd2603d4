"""``python -m tests.ceph ARGUMENTS``: pytest with these arguments, beside a gateway that lives as long as it runs."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from tests.ceph.cluster import rgw_server
from tests.ceph.packages import NoCeph, ensure_ceph


def main() -> int:
    """Return pytest's exit status; 2 where there can be no gateway."""
    signal.signal(signal.SIGTERM, _ended)
    try:
        ensure_ceph()
    except NoCeph as reason:
        print(reason, file=sys.stderr)
        return 2
    started_s = time.monotonic()
    # A short path: the daemons' sockets lie in it, and a socket's name ends at 107 bytes.
    with tempfile.TemporaryDirectory(prefix="rgw-", dir="/tmp") as folder, rgw_server(Path(folder)) as url:
        print(f"Ceph RGW serves {url} after {time.monotonic() - started_s:.1f} s", flush=True)
        argv = [sys.executable, "-m", "pytest", *sys.argv[1:]]
        return subprocess.run(argv, env={**os.environ, "REVELA_TEST_RGW": url}, check=False).returncode


def _ended(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
