"""The orchestrator's settings: read once from the environment and `.env`, then passed down."""

import ipaddress
import os
import re
import secrets
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from orchestrator.quotas import parse_quotas
from shared.addresses import AllowList
from shared.errors import SettingsError
from shared.logs import LogFormat
from shared.signing import Signer

POOL_ENDPOINT = "local"
"""The name of the endpoint that is mounted in the orchestrator when no other is set."""

_SECRET_BYTES = 32
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._~-]+)*/?")


class Settings(BaseSettings):
    """Everything that can be set; each field's description goes into the docs."""

    model_config = SettingsConfigDict(
        env_prefix="REVELA_", env_file=".env", frozen=True, extra="ignore", env_ignore_empty=True
    )

    public_url: str = Field(
        default="http://127.0.0.1:3000",
        description="The address under which clients and workers reach this server. A remote endpoint needs one that "
        "it can reach; default: `http://127.0.0.1:3000`, for `revela serve` where it listens",
    )
    internal_url: str | None = Field(
        default=None,
        description="The address under which this machine reaches this server: local workers use it; "
        "default: the public one, for `revela serve` where it listens",
    )
    data_dir: Path = Field(
        default=Path("data"),
        description="Where the database, the secret and local outputs lie. `--data-dir` wins over it",
    )
    database_url: str | None = Field(
        default=None, description="SQLAlchemy URL of the database; default: SQLite in the data directory"
    )
    storage_url: str | None = Field(
        default=None, description="Where inputs and outputs are stored; default: `file:` in the data directory"
    )
    cdn_url: str | None = Field(
        default=None,
        description="The address of a CDN in front of this server's `/output/`; links to outputs begin with it",
    )
    endpoint_url: str | None = Field(
        default=None,
        description="Base URL of the endpoint that does the work, such as `https://api.runpod.ai/v2/ID`; "
        "default: the pool in this server",
    )
    runpod_api_key: SecretStr | None = Field(
        default=None, validation_alias="RUNPOD_API_KEY", description="The key for a remote endpoint"
    )
    runpod_endpoint_id: str | None = Field(
        default=None,
        validation_alias="RUNPOD_ENDPOINT_ID",
        description="Short for the address of an endpoint at RunPod",
    )
    secret_key: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="Signs links and tokens, 32 characters at least. Changing it ends all that were handed out; "
        "default: made once and kept in the data directory",
    )
    allow_private_sources: str = Field(
        default="",
        description="Addresses that inputs and webhooks may reach although they are private or plain http: "
        "`host:port` or CIDR, comma-separated",
    )
    operation_packages: str = Field(default="", description="Extra packages of operations, comma-separated")
    max_workers: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="How many workers the endpoint runs at most; twice as many tasks are sent ahead; "
        "default: `1`, for `revela serve --workers N` that number",
    )
    local_workers: int = Field(
        default=0,
        ge=0,
        le=64,
        description="Workers that the pool starts on this machine on demand. `--workers` wins over it",
    )
    worker_idle_s: float = Field(default=600, gt=0, description="A local worker without work ends after this time")
    max_attempts: int = Field(default=3, ge=1, le=10, description="How often a task is tried before its items fail")
    execution_timeout_s: float = Field(
        default=900, ge=5, description="The time limit of one attempt, at least; long tasks get more"
    )
    grant_ttl_s: float | None = Field(
        default=None,
        ge=1,
        description="How long the signed addresses that a worker is given work; it asks for fresh ones when it needs "
        "them; default: as long as its attempt may take",
    )
    worker_price_per_s: float | None = Field(
        default=None, ge=0, description="What a second of a worker costs; jobs then tell their cost"
    )
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$", description="The price's currency (ISO 4217)")
    unknown_submit_s: float = Field(
        default=120, gt=0, description="How long a submit whose reply was lost is waited for before a new attempt"
    )
    compat_wait_s: float = Field(default=600, ge=0, description="How long the `/video/…` routes hold their answer")
    max_streams: int = Field(default=100, ge=1, description="Event streams that one tenant may have open at once")
    max_body_bytes: int = Field(default=2 << 20, ge=1024, description="The largest request body")
    max_upload_bytes: int = Field(default=5 << 30, ge=1, description="The largest file that may be uploaded")
    upload_part_bytes: int = Field(
        default=16 << 20,
        ge=5 << 20,
        le=1 << 30,
        description="A file of more than twice this size is uploaded in parts of it (larger ones, if they would be "
        "more than a thousand). S3 takes no parts below 5 MiB",
    )
    max_waiting_uploads: int = Field(
        default=100, ge=1, description="How many uploads of one tenant may wait for their files at a time"
    )
    upload_wait_s: float = Field(
        default=86_400, gt=0, le=7 * 86_400, description="How long an upload waits for its file"
    )
    upload_keep_s: float = Field(
        default=7 * 86_400,
        gt=0,
        description="How long an uploaded file is kept after its completion, and after each job that is given it",
    )
    max_queued_items: int = Field(
        default=100_000,
        ge=1,
        description="How many items of one tenant may wait or run at a time; a job that would pass it is refused with "
        "`queue-full`",
    )
    disk_full_percent: float = Field(
        default=95,
        ge=1,
        le=100,
        description="With the disk storage: at so much of the disk in use, new jobs and uploads are refused with "
        "`storage-full` until there is room again",
    )
    rate_limit: str = Field(
        default="100/second;3000/minute",
        description="How often one key may ask: as many limits as wanted, separated by a semicolon; "
        "`none` for no limit",
    )
    failed_key_limit: str = Field(
        default="600/minute",
        description="How many requests without a valid key one address may make; keys that are known pass "
        "even then. `none` for no limit",
    )
    log_format: LogFormat = Field(
        default="auto", description="`json`, `console`, or `auto`: readable on a terminal, else JSON"
    )

    @field_validator("allow_private_sources")
    @classmethod
    def _readable_allow_list(cls, text: str) -> str:
        try:
            AllowList.parse(_split(text))
        except SettingsError as wrong:
            raise ValueError(wrong.detail) from wrong
        return text

    @field_validator("cdn_url")
    @classmethod
    def _address_alone(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "https://none")
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.username
            or parts.query
            or parts.fragment
        ):
            raise ValueError("must be an address such as https://cdn.example, without a query")
        return url

    @field_validator("rate_limit", "failed_key_limit")
    @classmethod
    def _readable_quotas(cls, text: str) -> str:
        try:
            parse_quotas(text)
        except SettingsError as wrong:
            raise ValueError(wrong.detail) from wrong
        return text

    @model_validator(mode="after")
    def _remote_endpoints_need_a_public_address(self) -> Self:
        if not _is_loopback(self.resolved_endpoint_url) and _is_loopback(self.public_url):
            raise ValueError("REVELA_PUBLIC_URL must be an address that a remote endpoint's workers can reach")
        if not self.uses_pool and self.runpod_api_key is None:
            raise ValueError("RUNPOD_API_KEY is needed for a remote endpoint")
        return self

    @classmethod
    def load(cls, **overrides: object) -> "Settings":
        """Read the environment; SettingsError with one clear line if anything is wrong."""
        try:
            return cls(**overrides)  # type: ignore[arg-type]
        except ValidationError as invalid:
            raise SettingsError("; ".join(_setting_fault(fault) for fault in invalid.errors())) from None

    @property
    def uses_pool(self) -> bool:
        """Whether tasks go to the pool mounted in this server."""
        return self.endpoint_url is None and self.runpod_endpoint_id is None

    @property
    def endpoint_name(self) -> str:
        """The endpoint's id, as it stands in its URL."""
        return self.resolved_endpoint_url.rpartition("/")[2]

    @property
    def resolved_endpoint_url(self) -> str:
        """Base URL of the endpoint's client API, without a trailing slash."""
        if self.endpoint_url is not None:
            return self.endpoint_url.rstrip("/")
        if self.runpod_endpoint_id is not None:
            return f"https://api.runpod.ai/v2/{self.runpod_endpoint_id}"
        return f"{self.resolved_internal_url}/v2/{POOL_ENDPOINT}"

    @property
    def resolved_internal_url(self) -> str:
        """This server's address for itself and for workers on this machine, without a trailing slash."""
        return (self.internal_url or self.public_url).rstrip("/")

    @property
    def resolved_database_url(self) -> str:
        """SQLAlchemy URL of the database."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'revela.db'}"

    @property
    def resolved_storage_url(self) -> str:
        """Where outputs lie."""
        return self.storage_url or f"file://{self.data_dir.resolve() / 'objects'}"

    @property
    def private_sources(self) -> tuple[str, ...]:
        """The entries of `allow_private_sources`."""
        return _split(self.allow_private_sources)

    @property
    def extra_operations(self) -> tuple[str, ...]:
        """The entries of `operation_packages`."""
        return _split(self.operation_packages)

    def signer(self) -> Signer:
        """Return the signer for this server's secret, which is made at the first call if none is set."""
        if self.secret_key is not None:
            return Signer(self.secret_key.get_secret_value().encode())
        return Signer(_kept_secret(self.data_dir / "secret"))


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _setting_fault(fault: object) -> str:
    location, message = fault["loc"], fault["msg"].removeprefix("Value error, ")  # type: ignore[index]
    if not location:
        return str(message)
    name = str(location[0])
    return f"{name if name.isupper() else f'REVELA_{name.upper()}'}: {message}"


def _kept_secret(path: Path) -> bytes:
    """Return the secret in `path`, made there (0600) if it is missing; two processes starting at once agree.

    SettingsError if what is there is too short to be one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        with fresh.open("wb") as file:
            file.write(secrets.token_bytes(_SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())  # else a power cut may leave an empty file, and an empty secret signs as well
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    secret = path.read_bytes()
    if len(secret) < _SECRET_BYTES:
        raise SettingsError(f"the secret in {path} is damaged; remove it to have another made, which ends all links")
    return secret
