"""The orchestrator's settings as a command is told them: options over the environment, the rest derived."""

from pathlib import Path
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from orchestrator.settings import Settings
from revela.failures import UsageFault


def load_settings(data_dir: Path | None = None) -> Settings:
    """Return the settings of the environment, with the data directory that a command names."""
    return Settings.load(**({} if data_dir is None else {"data_dir": data_dir}))


def existing_data(data_dir: Path | None, *, may_create: bool) -> Settings:
    """Return the settings of a command that works on the database directly; UsageFault where there is none.

    With `may_create` a missing one is no fault if the directory or the database was named, by option or environment:
    whoever names it may be setting it up. The default ./data is only where somebody happens to stand.
    """
    settings = load_settings(data_dir)
    named = settings.model_fields_set & {"data_dir", "database_url"}
    file = _sqlite_file(settings)
    if file is None or file.exists() or (may_create and named):
        return settings
    where = settings.data_dir.resolve() if settings.database_url is None else file
    raise UsageFault(f"no Revela data in {where}; start a server there first, or give --data-dir")


def _sqlite_file(settings: Settings) -> Path | None:
    try:
        url = make_url(settings.resolved_database_url)
    except ArgumentError as wrong:
        raise UsageFault("REVELA_DATABASE_URL is not a database's address") from wrong
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def server_settings(address: tuple[str, int], *, data_dir: Path | None, workers: int | None) -> Settings:
    """Return the settings for a server on `address` (host, port).

    What the options name wins over the environment, and the environment over what is only derived here.
    """
    named: dict[str, Any] = {} if data_dir is None else {"data_dir": data_dir}
    if workers is not None:
        named["local_workers"] = workers
    known = Settings.load(**named).model_fields_set
    for own in ("public_url", "internal_url"):
        if own not in known:
            named[own] = _own_url(address)
    if workers is not None and "max_workers" not in known:
        named["max_workers"] = max(1, workers)
    return Settings.load(**named)


def _own_url(address: tuple[str, int]) -> str:
    host, port = address
    match host:
        case "0.0.0.0" | "::":  # noqa: S104 - compared, not listened on
            host = "127.0.0.1"
        case _ if ":" in host:
            host = f"[{host}]"
    return f"http://{host}:{port}"
