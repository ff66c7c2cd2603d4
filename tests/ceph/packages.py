"""Ceph's programs: those of Debian's packages, installed where that can be done."""

import os
import shutil
import subprocess

PACKAGES = ("radosgw", "ceph-mon", "ceph-osd", "ceph-common")
PROGRAMS = ("radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "ceph", "ceph-authtool", "monmaptool")
_INSTALL = ("apt-get", "install", "-y", "--no-install-recommends", *PACKAGES)


class NoCeph(Exception):
    """Ceph is not here, and can't be installed by us; the message says what to do."""


def ensure_ceph() -> None:
    """Install what is missing; NoCeph, with what there is to do, where that can't be."""
    missing = _missing()
    if not missing:
        return
    needed = f"Ceph is needed and {', '.join(missing)} can't be found"
    if shutil.which("apt-get") is None:
        raise NoCeph(f"{needed}. Install Ceph's RADOS gateway, monitor and OSD (in Debian: {' '.join(PACKAGES)}).")
    if os.geteuid() != 0:
        raise NoCeph(f"{needed}. Only root can install it here: sudo {' '.join(_INSTALL)}")
    print(f"{needed}: installing {' '.join(PACKAGES)} (half a minute, some 300 MB)", flush=True)
    _install()
    if missing := _missing():
        raise NoCeph(f"The packages were installed, but {', '.join(missing)} can't be found.")


def _missing() -> list[str]:
    return [name for name in PROGRAMS if shutil.which(name) is None]


def _install() -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for argv in (["apt-get", "-q", "update"], list(_INSTALL)):
        ran = subprocess.run(
            argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if ran.returncode != 0:
            raise NoCeph(f"{' '.join(argv)} failed:\n{ran.stdout[-2000:]}")
