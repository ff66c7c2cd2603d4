"""What must not be deleted, because a job on legal hold was made from it."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from orchestrator.store.tables import held_objects


def object_is_held(connection: Connection, object_key: str) -> bool:
    """Return whether a job on legal hold was made from this object, so that it must not be deleted."""
    return bool(connection.execute(sa.select(sa.exists().where(held_objects.c.object_key == object_key))).scalar())


def not_held(object_key: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Return the condition that the object of that key is not held: for queries that choose what goes."""
    return ~sa.exists().where(held_objects.c.object_key == object_key)


def holds_under(prefix: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Return the condition that an object whose key begins with ``{prefix}/`` is held."""
    beginning = sa.func.substr(held_objects.c.object_key, 1, sa.func.length(prefix) + 1)
    return sa.exists().where(beginning == prefix + "/")
