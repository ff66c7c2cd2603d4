"""What stands in the log, and what never does."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from shared.logs import LogFormat, configure_logs


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    before = list(logging.getLogger().handlers)
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers = before


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
        "pk_CANARY",
        "rpa_CANARY",
        "https://s3.example/k?X-Amz-Security-Token=CANARY",
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


def test_secrets_are_cut_out_of_what_stands_deeper(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("json")
    structlog.get_logger().info("order.written", inputs={"a": [{"url": "https://h.example/k?sig=CANARY"}]}, n=3)
    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line)["inputs"] == {"a": [{"url": "https://h.example/k?[secret]"}]}
    assert json.loads(line)["n"] == 3


def test_what_a_library_warns_of_has_the_same_form_and_the_job(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("json")
    configure_logs("json")  # a second time adds no second line
    with structlog.contextvars.bound_contextvars(job_id="job_1"):
        logging.getLogger("uvicorn.error").error(
            "it broke at %s", "https://h.example/?token=CANARY", exc_info=ValueError("wk_CANARY")
        )
        logging.getLogger("uvicorn.error").info("all is well")
    [line] = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["event"], told["logger"], told["level"]) == (
        "it broke at https://h.example/?[secret]",
        "uvicorn.error",
        "error",
    )
    assert told["job_id"] == "job_1"
    assert "ValueError" in told["exception"]
    assert "CANARY" not in line


def test_events_below_the_level_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("json", "WARNING")
    structlog.get_logger().info("task.started")
    assert capsys.readouterr().err == ""
