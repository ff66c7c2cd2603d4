"""The environment that brings an SDK worker to the pool."""

import pytest

from shared.worker_environment import runpod_environment


def test_the_templates_have_a_query_and_keep_the_sdk_s_placeholders() -> None:
    """Rule 1."""
    made = runpod_environment("http://host:3000/v2/local/", "w-1", "wk_x", 2000)
    assert made["RUNPOD_WEBHOOK_GET_JOB"].startswith("http://host:3000/v2/local/job-take/$ID?")
    templates = [value for name, value in made.items() if name.startswith("RUNPOD_WEBHOOK_")]
    assert len(templates) == 4
    assert all("?" in template and "$" in template for template in templates)
    assert (made["RUNPOD_AI_API_KEY"], made["RUNPOD_POD_ID"], made["RUNPOD_PING_INTERVAL"]) == ("wk_x", "w-1", "2000")


def test_an_interval_that_the_sdk_would_round_to_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="once a second"):
        runpod_environment("http://host/v2/local", "w-1", "wk_x", 999)
