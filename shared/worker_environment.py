"""The environment that makes the runpod SDK's worker join an endpoint that is not RunPod's own."""


def runpod_environment(endpoint_url: str, worker_id: str, token: str, ping_interval_ms: int = 5000) -> dict[str, str]:
    """Return the RUNPOD_* variables for one worker of the endpoint at `endpoint_url` (``http…/v2/NAME``).

    The templates keep their ``$``: the SDK puts the ids in. They need a query, because the SDK appends ``&…`` to
    them, and ``/job-take/``, because it derives the batch and stop addresses from that. The SDK divides the ping
    interval to whole seconds, so it must be at least 1000.
    """
    if ping_interval_ms < 1000:
        raise ValueError("the SDK can't ping more often than once a second")
    url = endpoint_url.rstrip("/")
    return {
        "RUNPOD_WEBHOOK_GET_JOB": f"{url}/job-take/$ID?gpu=unknown",
        "RUNPOD_WEBHOOK_POST_OUTPUT": f"{url}/job-done/$RUNPOD_POD_ID/$ID?gpu=unknown",
        "RUNPOD_WEBHOOK_POST_STREAM": f"{url}/job-stream/$RUNPOD_POD_ID/$ID?gpu=unknown",
        "RUNPOD_WEBHOOK_PING": f"{url}/ping/$RUNPOD_POD_ID?gpu=unknown",
        "RUNPOD_AI_API_KEY": token,
        "RUNPOD_POD_ID": worker_id,
        "RUNPOD_PING_INTERVAL": str(ping_interval_ms),
        # The SDK's own checks want a route to 8.8.8.8 and 10 % of the disk free: right on RunPod, wrong at home.
        "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true",
        "RUNPOD_SKIP_GPU_CHECK": "true",
    }
