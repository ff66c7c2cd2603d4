"""What the orchestrator's side needs: its settings, storage, database and endpoint."""

import asyncio
import os
from pathlib import Path

from orchestrator.dispatch.port import EndpointHealth
from orchestrator.dispatch.runpod import RunPodEndpoint
from orchestrator.settings import Settings
from orchestrator.storage.choose import open_storage
from orchestrator.storage.port import Honours
from orchestrator.store.migrate import HEAD, current_revision
from orchestrator.store.store import Store
from revela.doctor.finding import Check, Finding, State
from revela.server_settings import load_settings
from shared.clock import SystemClock
from shared.errors import AdapterError, SettingsError
from shared.signing import Signer


def server_checks(data_dir: Path | None) -> list[Check]:
    """Return the checks that fit the settings; the only one there is if they are wrong says so."""
    try:
        settings = load_settings(data_dir)
    except SettingsError as wrong:
        finding = Finding("settings", State.BROKEN, wrong.detail, "see docs/settings.md")
        return [lambda: finding]
    return [lambda: check_storage(settings), lambda: check_database(settings), lambda: check_endpoint(settings)]


def check_storage(settings: Settings) -> Finding:
    """Outputs can be written, and what the store holds senders to. Nothing of it needs the server's secret.

    Where no server has been yet, only the rights to the folder are looked at: trying it out would leave folders there.
    """
    url = settings.resolved_storage_url
    folder = Path(url.removeprefix("file://"))
    if url.startswith("file:///") and _is_unused(folder):
        return _not_yet(folder)
    try:
        honours = asyncio.run(_tried_storage(settings))
    except (AdapterError, SettingsError, OSError) as failure:
        return Finding("storage", State.BROKEN, str(failure), "see REVELA_STORAGE_URL and REVELA_DATA_DIR")
    where = url.partition("?")[0].removeprefix("file://")
    return Finding("storage", State.WORKS, f"{where} ({_told(honours)})")


def _is_unused(folder: Path) -> bool:
    try:
        return next(folder.iterdir(), None) is None
    except FileNotFoundError:
        return True
    except OSError:  # the storage itself says better what is wrong
        return False


def _not_yet(folder: Path) -> Finding:
    """Say of a folder that is not there, or empty, whether a server could work with it."""
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    if os.access(nearest, os.W_OK | os.X_OK):
        return Finding("storage", State.ABSENT, f"there is none at {folder} yet, revela serve makes it")
    why = f"there is none at {folder} yet, and {nearest} can't be written in"
    return Finding("storage", State.BROKEN, why, "see REVELA_STORAGE_URL and REVELA_DATA_DIR")


async def _tried_storage(settings: Settings) -> Honours:
    storage = open_storage(settings.resolved_storage_url, settings.public_url, Signer(b""), SystemClock())
    try:
        await storage.check()
        return await storage.honours()
    finally:
        await storage.close()


def _told(honours: Honours) -> str:
    checks = {
        "content type": honours.content_type,
        "length": honours.length,
        "If-None-Match": honours.if_none_match,
        "SHA-256": honours.sha256,
    }
    kept, ignored = ([name for name, checked in checks.items() if checked is wanted] for wanted in (True, False))
    told = f"checks {', '.join(kept)}" if kept else ""
    versions = "keeps versions of what is deleted, see revela storage lifecycle" if honours.keeps_versions else ""
    return "; ".join(filter(None, (told, f"not {', '.join(ignored)}" if ignored else "", versions)))


def check_database(settings: Settings) -> Finding:
    """The database answers and is at this release's schema."""
    try:
        revision = asyncio.run(_revision(settings.resolved_database_url))
    except (AdapterError, OSError) as failure:
        return Finding("database", State.BROKEN, str(failure), "see REVELA_DATABASE_URL and REVELA_DATA_DIR")
    if revision is None:
        return Finding("database", State.ABSENT, "there is none yet, revela serve makes it")
    if revision != HEAD:
        return Finding("database", State.BROKEN, f"at {revision}, this release needs {HEAD}", "run revela migrate")
    return Finding("database", State.WORKS, f"at {HEAD}")


def check_endpoint(settings: Settings) -> Finding:
    """The endpoint answers."""
    if settings.uses_pool:
        return Finding("endpoint", State.WORKS, "the pool in revela serve")
    try:
        health = asyncio.run(_health(settings))
    except AdapterError as failure:
        mend = "see REVELA_ENDPOINT_URL, RUNPOD_ENDPOINT_ID and RUNPOD_API_KEY"
        return Finding("endpoint", State.BROKEN, f"{settings.resolved_endpoint_url}: {failure.detail}", mend)
    return Finding("endpoint", State.WORKS, f"{settings.resolved_endpoint_url}: workers {dict(health.workers)}")


async def _revision(url: str) -> str | None:
    if url.startswith("sqlite:///") and not _exists(url):
        return None
    store = Store(url)
    try:
        return await store.read(current_revision)
    finally:
        await store.close()


def _exists(sqlite_url: str) -> bool:
    return Path(sqlite_url.removeprefix("sqlite:///")).exists()


async def _health(settings: Settings) -> EndpointHealth:
    key = settings.runpod_api_key
    endpoint = RunPodEndpoint(settings.resolved_endpoint_url, key.get_secret_value() if key else "")
    try:
        return await endpoint.health()
    finally:
        await endpoint.close()
