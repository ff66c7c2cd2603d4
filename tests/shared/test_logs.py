"""What stands in the log, and what never does."""

import json
from collections.abc import Iterator

import pytest
import structlog

from shared.logs import LogFormat, configure_logs


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_production_writes_one_json_object_per_event(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("json")
    with structlog.contextvars.bound_contextvars(job_id="job_1"):
        structlog.get_logger().info("task.ended", succeeded=2)
    [line] = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert (event["event"], event["succeeded"], event["job_id"], event["level"]) == ("task.ended", 2, "job_1", "info")
    assert event["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "secret",
    [
        "https://s3.example/k?X-Amz-Signature=CANARY&x=1",
        "https://here.example/output/x?sig=CANARY",
        "Authorization: Bearer CANARY",
        "whsec_CANARY",
        "rv_live_CANARY",
        "https://here.example/hook?token=CANARY",
        "https://here.example/output/CANARY/video.mp4",
        "https://here.example/hooks/endpoint/CANARY",
        "wk_CANARY",
    ],
)
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_secrets_are_cut_out_of_every_text(
    capsys: pytest.CaptureFixture[str], secret: str, log_format: LogFormat
) -> None:
    configure_logs(log_format)
    structlog.get_logger().error("item.failed", where=f"see {secret}", exc_info=ValueError(f"failed at {secret}"))
    output = capsys.readouterr().err
    assert "CANARY" not in output
    assert "item.failed" in output


def test_events_below_the_level_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "WARNING")
    structlog.get_logger().info("task.started")
    assert capsys.readouterr().err == ""
