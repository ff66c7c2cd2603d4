"""The server's secret: what is too short to be one is refused, never signed with."""

import stat
from pathlib import Path

import pytest

from orchestrator.settings import Settings
from shared.errors import SettingsError


def test_a_secret_that_can_be_guessed_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVELA_SECRET_KEY", "short")
    with pytest.raises(SettingsError, match=r"^REVELA_SECRET_KEY: "):
        Settings.load(_env_file=None)


def test_a_setting_that_is_empty_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REVELA_SECRET_KEY", "REVELA_ENDPOINT_URL", "REVELA_MAX_WORKERS"):
        monkeypatch.setenv(name, "")
    settings = Settings.load(_env_file=None)
    assert (settings.secret_key, settings.uses_pool, settings.max_workers) == (None, True, 1)


def test_a_secret_is_made_once_and_readable_by_nobody_else(tmp_path: Path) -> None:
    token = Settings.load(_env_file=None, data_dir=tmp_path).signer().seal("output", "x")
    assert Settings.load(_env_file=None, data_dir=tmp_path).signer().open("output", token) == "x"
    kept = tmp_path / "secret"
    assert (stat.S_IMODE(kept.stat().st_mode), kept.stat().st_size) == (0o600, 32)
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_secret_that_a_power_cut_emptied_is_not_signed_with(tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    with pytest.raises(SettingsError, match="damaged"):
        Settings.load(_env_file=None, data_dir=tmp_path).signer()


def test_an_allow_list_that_can_not_be_read_stops_the_start() -> None:
    with pytest.raises(SettingsError, match=r"REVELA_ALLOW_PRIVATE_SOURCES: .* not 'localhost'"):
        Settings.load(_env_file=None, allow_private_sources="localhost")


@pytest.mark.parametrize(
    "url", ["cdn.example", "ftp://cdn.example", "https://", "https://u:p@cdn.example", "https://cdn.example/?a=1"]
)
def test_an_address_of_a_cdn_that_can_not_be_stops_the_start(url: str) -> None:
    with pytest.raises(SettingsError, match="REVELA_CDN_URL: must be an address such as"):
        Settings.load(_env_file=None, cdn_url=url)
