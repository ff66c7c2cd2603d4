"""A job's deliveries on the terminal, and sending an event once more."""

from collections.abc import Iterator

from rich.text import Text

from revela.client.blocking import Client
from revela.client.patience import BRISK
from revela.jobs.display import print_json
from revela.rows import Cell, print_rows
from shared.wire.webhook import Delivery, DeliveryTry, EventState

_COLOURS = {EventState.DELIVERED: "green", EventState.WAITING: "yellow"}


def show_deliveries(url: str, key: str, job_id: str, *, as_json: bool) -> None:
    """Print a job's events, and below each its tries."""
    with Client(url, key, patience=BRISK) as client:
        found = client.deliveries(job_id)
    if as_json:
        print_json(found)
        return
    for delivery in found:
        print_rows([_event_row(delivery)])
        print_rows(_try_rows(delivery))


def send_again(url: str, key: str, delivery_id: str, *, as_json: bool) -> None:
    """Have an event sent once more."""
    with Client(url, key, patience=BRISK) as client:
        delivery = client.redeliver(delivery_id)
    if as_json:
        print_json(delivery)
    else:
        print_rows([_event_row(delivery)])


def _event_row(delivery: Delivery) -> tuple[Cell, ...]:
    state = Text(delivery.state, _COLOURS.get(delivery.state, "red"))
    due = f"next try {delivery.next_try_at:%Y-%m-%d %H:%M:%S}" if delivery.next_try_at else ""
    return delivery.id, delivery.type, state, delivery.url, due


def _try_rows(delivery: Delivery) -> Iterator[tuple[Cell, ...]]:
    for made in delivery.tries:
        yield "", f"{made.at:%Y-%m-%d %H:%M:%S}", f"{made.duration_ms} ms", _outcome(made), (made.response or "")[:200]


def _outcome(made: DeliveryTry) -> str:
    return " ".join(filter(None, (str(made.http_status or ""), made.error)))
