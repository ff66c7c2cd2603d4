"""Which objects are still to be sent, and how much uploads have announced."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.storage.keys import item_of, upload_of
from orchestrator.store.tables import items, uploads
from shared.errors import StorageFull
from shared.uploads.upload import UploadState
from shared.wire.status import Status


def is_awaited(connection: Connection, key: str) -> bool:
    """Whether an object is still to be sent: none of an upload that has ended, no output of an item that completed."""
    upload_id, item = upload_of(key), item_of(key)
    if upload_id is not None:
        query = sa.select(uploads.c.state).where(uploads.c.id == upload_id, uploads.c.object_key == key)
        return connection.execute(query).scalar() == UploadState.WAITING
    if item is None:
        return True
    job_id, n = item
    made = sa.select(items.c.outputs).where(
        items.c.job_id == job_id, items.c.n == n, items.c.status == Status.COMPLETED
    )
    outputs = connection.execute(made).scalar()
    return outputs is None or all(stored["key"] != key for stored in outputs.values())


def check_announced(connection: Connection, tenant: str, size_bytes: int, room_bytes: int | None) -> None:
    """Raise StorageFull unless there is room for so much beside all that the tenant has announced before.

    Others' announcements do not count: nobody shall be locked out by what a neighbour says that he will send.
    """
    if room_bytes is None:
        return
    announced = sa.select(sa.func.coalesce(sa.func.sum(uploads.c.size_bytes), 0)).where(
        uploads.c.tenant == tenant, uploads.c.state == UploadState.WAITING
    )
    waiting_bytes = int(connection.execute(announced).scalar_one())
    if waiting_bytes + size_bytes > room_bytes:
        raise StorageFull(f"{room_bytes} bytes are free, and {waiting_bytes} are announced by uploads that wait.")
