"""Schemathesis asks every route, as described and otherwise, and finds what the description does not allow."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.fuzz.target import target

HERE = Path(__file__).parent
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))
"""How many requests are made up for each route and phase; `make fuzz` asks for more."""
LONGEST_S = float(os.environ.get("FUZZ_LONGEST_S", "300"))


@pytest.mark.slow
@pytest.mark.timeout(LONGEST_S + 60)
async def test_no_request_meets_what_was_not_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with target(tmp_path, monkeypatch) as (url, key):
        code, told = await schemathesis(tmp_path, url, key)
    assert code == 0, told


async def schemathesis(folder: Path, url: str, key: str) -> tuple[int, str]:
    """Run schemathesis against a server; return its exit code and what it says."""
    argv = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")),
        *("run", f"{url}/openapi.json", "--header", f"X-API-Key: {key}", "--no-color"),
        *("--max-examples", str(EXAMPLES)),
        *(() if "FUZZ_EXAMPLES" in os.environ else ("--generation-deterministic",)),
    ]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.fuzz.checks", "PYTHONPATH": str(HERE.parents[1])}
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode or 0, told.decode()
