"""What holds for every test."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A suite that runs in the background ignores Ctrl-C, and every process that it starts would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
    # Nothing may be written beside the sources; yet without compiled modules every process that a test starts compiles
    # all of its packages anew, for seconds.
    sys.dont_write_bytecode = False
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(Path(__file__).parents[1] / ".pytest_cache/bytecode")


@pytest.fixture(scope="session", autouse=True)
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Trust one authority only: no test speaks TLS, and to read all of them takes each client 40 ms."""
    first, end, _ = Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----\n")
    trusted = tmp_path_factory.mktemp("authorities") / "one.pem"
    trusted.write_text(first + end)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SSL_CERT_FILE", str(trusted))
        yield
