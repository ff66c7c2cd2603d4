"""As much of curl as the documents' examples use, for machines that have none: `python -m tests.curl`."""

import shutil
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

import httpx


def folder_with_curl(folder: Path) -> Path:
    """Return a folder for the front of the PATH; there is a `curl` in it where the machine has none."""
    (folder / "bin").mkdir()
    if shutil.which("curl") is None:
        curl = folder / "bin/curl"
        root = Path(__file__).resolve().parents[1]
        curl.write_text(f'#!/bin/sh\nPYTHONPATH={root} exec {sys.executable} -m tests.curl "$@"\n')
        curl.chmod(0o700)
    return folder / "bin"


def main() -> None:
    """Send one request and write its body to standard output or a file, as it comes."""
    asked = _arguments()
    headers = dict(header.split(": ", 1) for header in asked.header)
    body = _body(asked)
    method = asked.request or ("PUT" if asked.upload_file else "GET" if body is None else "POST")
    with httpx.stream(
        method, asked.url, headers=headers, content=body, timeout=60, follow_redirects=asked.location
    ) as got:
        if asked.fail and got.is_error:
            sys.exit(22)
        with open(1, "wb", closefd=False) if asked.output is None else asked.output.open("wb") as output:
            for piece in got.iter_raw():
                output.write(piece)
                output.flush()


def _body(asked: Namespace) -> bytes | str | None:
    if asked.upload_file is not None:
        return Path(asked.upload_file).read_bytes()
    text: str | None = sys.stdin.read() if asked.data == "@-" else asked.data
    return text


_SHORT = {"no-buffer": "N", "location": "L"}


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="curl")
    for flag, name in (
        ("-s", "--silent"),
        ("-N", "--no-buffer"),
        ("-L", "--location"),
        ("-f", "--fail"),
        ("-S", "--show-error"),
    ):
        parser.add_argument(flag, name, action="store_true")
    parser.add_argument("-X", "--request")
    parser.add_argument("-H", "--header", action="append", default=[])
    parser.add_argument("-d", "--data")
    parser.add_argument("-T", "--upload-file")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("url")
    return parser.parse_args()


if __name__ == "__main__":
    main()
