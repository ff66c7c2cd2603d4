"""A job's events on the terminal, as they come."""

import json
import sys
from datetime import datetime

from revela.called_as import called_as
from revela.client.api.event_stream import StreamEvent
from revela.client.patience import ENDLESS
from revela.failures import Interrupted
from revela.jobs.submit import Server
from revela.rows import print_rows
from shared.wire.events import ItemEvent, StatusEvent
from shared.wire.job import ProgressView


def print_events(server: Server, job_id: str, after: str | None, *, as_json: bool) -> None:
    """Print events to the job's end, one line each; Interrupted on Ctrl-C tells how to go on."""
    last_id = after
    try:
        with server.client() as client:
            client.get(job_id)  # so that a server that was never there is not waited for
            for event in client.events(job_id, after=after, patience=ENDLESS):
                _print(event, as_json=as_json)
                last_id = event.id or last_id
    except KeyboardInterrupt:
        rest = f" --after {last_id}" if last_id is not None else ""
        raise Interrupted(f"the job goes on; go on with: {called_as()} events {job_id}{rest}") from None


def _print(event: StreamEvent, *, as_json: bool) -> None:
    if as_json:
        line = {"type": event.type, "id": event.id, "data": event.data.model_dump(mode="json")}
        print(json.dumps(line), flush=True)
    else:
        print_rows([(_time(event), event.type, *_words(event))])
        sys.stdout.flush()


def _time(event: StreamEvent) -> str:
    at = datetime.now().astimezone() if isinstance(event.data, ProgressView) else event.data.at.astimezone()
    return f"{at:%H:%M:%S}"


def _words(event: StreamEvent) -> tuple[str, str]:
    match event.data:
        case StatusEvent(status=status, error=error):
            return status.value, f"{error.code}: {error.detail}" if error else ""
        case ItemEvent(id=item_id, status=status, error=error):
            return f"{item_id} {status.value}", f"{error.code}: {error.detail}" if error else ""
        case ProgressView() as progress:
            eta = "" if progress.eta_s is None else f", {progress.eta_s:.0f} s left"
            items = f"{progress.items_done}/{progress.items_total} items"
            return f"{progress.percent:.0f} %", f"{progress.stage}, {items}{eta}"
