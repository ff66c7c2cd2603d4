"""The audit log on the terminal."""

import json
from itertools import islice

from revela.client.blocking import Client
from revela.client.patience import BRISK
from revela.jobs.display import print_json
from revela.rows import Cell, print_rows
from shared.wire.keeping.audit import AuditEntry

_MAX_PAGE = 500


def show_audit(url: str, key: str, action: str | None, subject: str | None, limit: int, *, as_json: bool) -> None:
    """Print the newest entries that are wanted."""
    with Client(url, key, patience=BRISK) as client:
        found = client.audit(action=action, subject=subject, page_size=min(limit, _MAX_PAGE))
        entries = list(islice(found, limit))
    if as_json:
        print_json(entries)
    else:
        print_rows(map(_row, entries), ("when (UTC)", "who", "what", "which", "more"))


def _row(entry: AuditEntry) -> tuple[Cell, ...]:
    detail = json.dumps(entry.detail, ensure_ascii=False) if entry.detail else ""
    return f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.actor, entry.action, entry.subject, detail
