"""Statements that run many times a second: compiled once, then given to the driver as they are.

SQLAlchemy takes about 60 µs to run a statement that it has compiled before, SQLite 10 µs. What is built, named and
typed by SQLAlchemy is the same; only the way from there to the driver is short.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError

Parameters = Mapping[str, Any]
_Convert = Callable[[Any], Any]
_GIVEN = object()


def given(name: str) -> sa.BindParameter[Any]:
    """Return the place of a value that each run gives; its type is that of the column beside it."""
    return sa.bindparam(name, _GIVEN)


class Prepared:
    """A statement, with `given` for what changes; compiled at its first use with each kind of database.

    An insert is of the columns that its rows name, all of them the same.
    """

    def __init__(self, statement: sa.Select[Any] | sa.Insert | sa.Update | sa.Delete) -> None:
        self._statement: Any = statement
        self._is_insert = isinstance(statement, sa.Insert)
        self._compiled: dict[tuple[str, ...], _Compiled] = {}

    def all(self, connection: Connection, parameters: Parameters) -> list[Any]:
        """Return every row as a named tuple."""
        compiled = self._for(connection, parameters)
        rows = run(connection, compiled.sql, compiled.bound(parameters)).fetchall()
        return [compiled.row(row) for row in rows]

    def first(self, connection: Connection, parameters: Parameters) -> Any:
        """Return the first row as a named tuple; None if there is none."""
        compiled = self._for(connection, parameters)
        row = run(connection, compiled.sql, compiled.bound(parameters)).fetchone()
        return None if row is None else compiled.row(row)

    def change(self, connection: Connection, parameters: Parameters) -> int:
        """Run an insert, update or delete; return how many rows it touched."""
        compiled = self._for(connection, parameters)
        return int(run(connection, compiled.sql, compiled.bound(parameters)).rowcount)

    def change_many(self, connection: Connection, rows: Sequence[Parameters]) -> None:
        """Run an insert, update or delete once for each row."""
        if not rows:
            return
        compiled = self._for(connection, rows[0])
        bound = [compiled.bound(row) for row in rows]
        try:
            _cursor(connection).executemany(compiled.sql, bound)
        except connection.dialect.loaded_dbapi.Error as failed:
            raise _as_sqlalchemy_s(failed, compiled.sql) from failed

    def _for(self, connection: Connection, parameters: Parameters) -> "_Compiled":
        columns = tuple(parameters) if self._is_insert else ()
        key = (connection.dialect.name, *columns)
        if key not in self._compiled:
            self._compiled[key] = _Compiled(self._statement, connection.dialect, columns)
        return self._compiled[key]


class _Compiled:
    """A statement as one driver takes it, and what converts values on the way there and back."""

    def __init__(self, statement: Any, dialect: Dialect, columns: Sequence[str]) -> None:
        compiled = statement.compile(
            dialect=dialect, column_keys=list(columns) or None, compile_kwargs={"render_postcompile": True}
        )
        self.sql = str(compiled)
        self._order: Sequence[str] | None = compiled.positiontup
        fixed = {} if columns else compiled.params
        self._fixed = {name: value for name, value in fixed.items() if value is not _GIVEN}
        types = {name: bound.type for name, bound in compiled.binds.items() if name in compiled.params}
        converts = [(name, _binder(kind, dialect)) for name, kind in types.items()]
        self._converts = [(name, convert) for name, convert in converts if convert is not None]
        selected = list(getattr(statement, "selected_columns", ()))
        self._row: Any = namedtuple("Row", [column.key for column in selected], rename=True)  # type: ignore[misc]
        reads = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in selected]
        self._reads: list[tuple[int, _Convert]] = [(n, read) for n, read in enumerate(reads) if read is not None]

    def bound(self, parameters: Parameters) -> Any:
        """Return the parameters in the driver's own form."""
        values = {**self._fixed, **parameters}
        for name, convert in self._converts:
            values[name] = convert(values[name])
        return values if self._order is None else [values[name] for name in self._order]

    def row(self, values: Sequence[Any]) -> Any:
        """Return a row with its values converted."""
        if not self._reads:
            return self._row._make(values)
        read = list(values)
        for n, convert in self._reads:
            read[n] = convert(read[n])
        return self._row._make(read)


def run(connection: Connection, sql: str, parameters: Any = ()) -> Any:
    """Run a statement in the driver's own words on its connection; return the cursor. DBAPIError if it fails."""
    cursor = _cursor(connection)
    try:
        cursor.execute(sql, parameters)
    except connection.dialect.loaded_dbapi.Error as failed:
        raise _as_sqlalchemy_s(failed, sql) from failed
    return cursor


def _cursor(connection: Connection) -> Any:
    raw: Any = connection.connection.dbapi_connection
    return raw.cursor()


def _as_sqlalchemy_s(failed: Exception, sql: str) -> DBAPIError:
    """Return the driver's error as it comes from everything else."""
    return DBAPIError(sql, None, failed)


def _binder(kind: sa.types.TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)
