"""Which of options, environment and what is derived wins."""

from pathlib import Path

import pytest

from revela.server_settings import server_settings

ADDRESS = ("127.0.0.1", 3123)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PUBLIC_URL", "INTERNAL_URL", "DATA_DIR", "LOCAL_WORKERS", "MAX_WORKERS", "ENDPOINT_URL"):
        monkeypatch.delenv(f"REVELA_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:3123"),
        ("0.0.0.0", "http://127.0.0.1:3123"),
        ("::", "http://127.0.0.1:3123"),
        ("::1", "http://[::1]:3123"),
    ],
)
def test_the_address_is_where_it_listens(host: str, url: str) -> None:
    settings = server_settings((host, 3123), data_dir=None, workers=None)
    assert (settings.public_url, settings.internal_url) == (url, url)


def test_a_public_address_that_is_set_stays_and_local_workers_take_the_short_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REVELA_PUBLIC_URL", "https://media.example.com")
    settings = server_settings(ADDRESS, data_dir=None, workers=2)
    assert settings.public_url == "https://media.example.com"
    assert settings.resolved_internal_url == "http://127.0.0.1:3123"


def test_an_address_in_the_env_file_counts_as_set(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("REVELA_PUBLIC_URL=https://media.example.com\n")
    assert server_settings(ADDRESS, data_dir=None, workers=None).public_url == "https://media.example.com"


def test_options_win_over_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REVELA_DATA_DIR", "elsewhere")
    monkeypatch.setenv("REVELA_LOCAL_WORKERS", "7")
    settings = server_settings(ADDRESS, data_dir=tmp_path, workers=2)
    assert (settings.data_dir, settings.local_workers, settings.max_workers) == (tmp_path, 2, 2)


def test_more_workers_than_local_ones_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVELA_MAX_WORKERS", "5")
    assert server_settings(ADDRESS, data_dir=None, workers=0).max_workers == 5
    monkeypatch.delenv("REVELA_MAX_WORKERS")
    assert server_settings(ADDRESS, data_dir=None, workers=0).max_workers == 1
