"""The smallest cluster that serves S3: one monitor, one store in memory, one gateway, all on 127.0.0.1."""

import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from tests.s3_servers import ACCESS_KEY, BUCKET, SECRET_KEY, client
from tests.serving import loopback_listener

STORE_BYTES = 6 << 30
"""What the store holds at most; memory is taken only as objects arrive."""
_COMMAND_S, _START_S, _STOP_S = 60.0, 90.0, 20.0

_CONFIG = """\
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{monitor_port}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
mon data = {folder}/monitor
osd data = {folder}/store
admin socket = {folder}/$name.asok
log file = {folder}/$name.log
osd objectstore = memstore
memstore device bytes = {store_bytes}
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd crush chooseleaf type = 0
auth cluster required = none
auth service required = none
auth client required = none
# Without keys nothing can be encrypted, which is what the daemons prefer: they would wait for each other.
ms client mode = crc
ms service mode = crc
ms cluster mode = crc
ms mon client mode = crc
ms mon service mode = crc
ms mon cluster mode = crc

[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{gateway_port}
rgw data = {folder}/gateway
"""


@contextmanager
def rgw_server(folder: Path) -> Iterator[str]:
    """Serve S3 with one user and one bucket, everything in `folder` and in memory; yield the endpoint's address."""
    monitor_port, gateway_port = _free_ports()
    fsid, url = str(uuid.uuid4()), f"http://127.0.0.1:{gateway_port}"
    cluster = _Cluster(folder, folder / "ceph.conf")
    cluster.config.write_text(
        _CONFIG.format(
            fsid=fsid,
            folder=folder,
            monitor_port=monitor_port,
            gateway_port=gateway_port,
            store_bytes=STORE_BYTES,
        )
    )
    for name in ("monitor", "store", "gateway"):
        (folder / name).mkdir()
    with ExitStack() as daemons:
        cluster.start_monitor(daemons, fsid, monitor_port)
        cluster.start_store(daemons)
        cluster.start_gateway(daemons, url)
        cluster.make_user()
        client(url).create_bucket(Bucket=BUCKET)
        yield url


class _Cluster:
    """The steps from an empty folder to a gateway that answers."""

    def __init__(self, folder: Path, config: Path) -> None:
        self.folder = folder
        self.config = config

    def start_monitor(self, daemons: ExitStack, fsid: str, port: int) -> None:
        """Begin a cluster of its own."""
        where, keyring = str(self.folder / "monmap"), str(self.folder / "keyring")
        _run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:127.0.0.1:{port}]", where)
        _run("ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", where, "--keyring", keyring)
        daemons.enter_context(self._daemon("ceph-mon", "-i", "a"))

    def start_store(self, daemons: ExitStack) -> None:
        """Add the only place where objects lie."""
        store = str(uuid.uuid4())
        self._run("ceph", "osd", "new", store)
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", store)
        self._run("ceph", "osd", "crush", "add", "osd.0", "1.0", "host=localhost", "root=default")
        daemons.enter_context(self._daemon("ceph-osd", "-i", "0"))

    def start_gateway(self, daemons: ExitStack, url: str) -> None:
        """Start the gateway and wait until it answers."""
        process = daemons.enter_context(self._daemon("radosgw", "-n", "client.rgw"))
        end_s = time.monotonic() + _START_S
        while not _answers(url):
            assert process.poll() is None, f"the gateway ended at once:\n{self._tail('client.rgw')}"
            assert time.monotonic() < end_s, f"the gateway did not start:\n{self._tail('client.rgw')}"
            time.sleep(0.1)

    def make_user(self) -> None:
        """Make the user whose keys the tests have."""
        keys = ("--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY)
        admin = ("radosgw-admin", "-n", "client.rgw")
        self._run(*admin, "user", "create", "--uid", "tests", "--display-name", "tests", *keys)

    def _run(self, program: str, *arguments: str) -> None:
        _run(program, "-c", str(self.config), *arguments)

    @contextmanager
    def _daemon(self, program: str, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
        argv = [program, "-c", str(self.config), "-f", *arguments]
        with (self.folder / f"{program}.out").open("wb") as out:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        try:
            yield process
        finally:
            _end(process)

    def _tail(self, name: str) -> str:
        log = self.folder / f"{name}.log"
        return log.read_text(errors="replace")[-2000:] if log.exists() else "it wrote no log"


def _run(*argv: str) -> None:
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=_COMMAND_S, check=False, env=_environment())
    assert ran.returncode == 0, f"{' '.join(argv)}:\n{ran.stderr[-2000:]}"


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("CEPH_")}


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_ports() -> tuple[int, int]:
    with loopback_listener() as one, loopback_listener() as other:
        return one.getsockname()[1], other.getsockname()[1]
