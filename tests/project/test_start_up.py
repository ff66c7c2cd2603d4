"""What is loaded, and how long it takes, before anything is done."""

import subprocess
import sys
import time

HEAVY = ("numpy", "cv2", "av", "onnxruntime", "runpod", "PIL", "pysubs2", "uharfbuzz", "boto3", "alembic")
HELP_S = 0.6
MACHINE_FACTOR = 3
"""How much slower than an idle machine the one that runs the tests may be."""


def test_the_orchestrator_loads_none_of_the_worker_s_packages() -> None:
    program = f"import sys, orchestrator.app; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert loaded.stdout.split() == []


def test_help_answers_at_once() -> None:
    times_s = []
    for _ in range(3):
        started_s = time.perf_counter()
        shown = subprocess.run([sys.executable, "-m", "revela", "--help"], capture_output=True, text=True, check=True)
        times_s.append(time.perf_counter() - started_s)
    assert "demo" in shown.stdout
    assert min(times_s) < HELP_S * MACHINE_FACTOR


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys, revela.cli; "
        "print(*{'pydantic', 'rich', 'httpx', 'sqlalchemy', 'starlette', 'numpy', 'asyncio'} & set(sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert loaded.stdout.split() == []
