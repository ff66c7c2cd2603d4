"""The orchestrator's settings as a command is told them: options over the environment, the rest derived."""

from pathlib import Path
from typing import Any

from orchestrator.settings import Settings


def load_settings(data_dir: Path | None = None) -> Settings:
    """Return the settings of the environment, with the data directory that a command names."""
    return Settings.load(**({} if data_dir is None else {"data_dir": data_dir}))


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
