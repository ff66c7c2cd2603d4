"""The tables. Times are UTC epoch milliseconds; every row of a tenant's carries the tenant."""

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Ms = sa.BigInteger
_Id = sa.String(64)

tenants = sa.Table(
    "tenants",
    metadata,
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("created_ms", _Ms, nullable=False),
    sa.Column("suspended_ms", _Ms),
    sa.Column("open_items", sa.Integer, nullable=False, server_default="0", comment="of its jobs that have not ended"),
    sa.Column("webhook_secret_n", sa.Integer, nullable=False, server_default="1", comment="counts rotations"),
    sa.Column("webhook_rotated_ms", _Ms, comment="when the present secret was made; null: with the tenant"),
    sa.Column("webhook_previous_until_ms", _Ms, comment="how long the secret before signs as well"),
    sa.Column("source_hosts", sa.JSON(none_as_null=True), comment="inputs may come from these hosts only; null: any"),
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("key_id", _Id, nullable=False),
    sa.Column("operation", sa.String(64), nullable=False),
    sa.Column("operation_version", sa.Integer, nullable=False),
    sa.Column("status", sa.String(24), nullable=False),
    sa.Column("version", sa.Integer, nullable=False, server_default="1", comment="counts visible changes"),
    sa.Column("priority", sa.SmallInteger, nullable=False, comment="0 goes first"),
    sa.Column("labels", sa.JSON, nullable=False),
    sa.Column("retry_of", _Id),
    sa.Column("webhook", sa.Text),
    sa.Column("webhook_events", sa.JSON),
    sa.Column("items_total", sa.Integer, nullable=False),
    sa.Column("items_succeeded", sa.Integer, nullable=False, server_default="0"),
    sa.Column("items_failed", sa.Integer, nullable=False, server_default="0"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error", sa.JSON(none_as_null=True)),
    sa.Column("created_ms", _Ms, nullable=False),
    sa.Column("started_ms", _Ms),
    sa.Column("completed_ms", _Ms),
    sa.Column("cancelled_ms", _Ms, comment="when a cancel was accepted"),
    sa.Column("queue_deadline_ms", _Ms, nullable=False),
    sa.Column("output_ttl_ms", _Ms, comment="null keeps the outputs"),
    sa.Column("expires_ms", _Ms),
    sa.Column("execution_ms", _Ms, nullable=False, server_default="0"),
    sa.Column("cost", sa.Float, comment="null where no price was set"),
    sa.Column("pinned_ms", _Ms, comment="since when its outputs are kept beyond their time"),
    sa.Column("legal_hold", sa.JSON(none_as_null=True), comment="reason, author, at_ms: nothing of it may be deleted"),
    sa.Column("outputs_deleted_ms", _Ms),
    sa.Index(None, "outputs_deleted_ms", "expires_ms"),
    sa.Index(None, "retry_of", unique=True),
    sa.Index(None, "tenant", "id"),
    sa.Index(None, "tenant", "status", "id"),
    sa.Index(None, "status"),
)

job_labels = sa.Table(
    "job_labels",
    metadata,
    sa.Column("job_id", _Id, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.String(128), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("value", sa.String(256), nullable=False),
    sa.Index(None, "tenant", "name", "value", "job_id"),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True, comment="the request's Idempotency-Key"),
    sa.Column("fingerprint", sa.LargeBinary(32), nullable=False, comment="SHA-256 of the canonical body"),
    sa.Column("job_id", _Id, sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    sa.Column("created_ms", _Ms, nullable=False),
    sa.Index(None, "job_id"),
)

purges = sa.Table(
    "purges",
    metadata,
    sa.Column("prefix", sa.String(160), primary_key=True, comment="all objects under it are to go"),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("requested_ms", _Ms, nullable=False),
    sa.Column("next_ms", _Ms, nullable=False),
    sa.Column("until_ms", _Ms, nullable=False, comment="a worker may still write there until then"),
    sa.Column("expired_job_id", _Id, comment="the job whose time is over; it stays, and is marked once they are gone"),
    sa.Column("begun_ms", _Ms, comment="since when they are being removed: too late to keep them"),
    sa.Index(None, "next_ms"),
)

held_objects = sa.Table(
    "held_objects",
    metadata,
    sa.Column("job_id", _Id, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True, comment="on legal hold"),
    sa.Column("object_key", sa.String(255), primary_key=True, comment="of a file that the job was made from"),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Index(None, "object_key"),
)

uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("key_id", _Id, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, comment="waiting, completed, rejected or expired"),
    sa.Column("name", sa.String(255), nullable=False, comment="the user's; never part of a key"),
    sa.Column("object_key", sa.String(255), nullable=False, comment="another upload's where the same file came before"),
    sa.Column("content_type", sa.String(128), nullable=False),
    sa.Column("size_bytes", _Ms, nullable=False),
    sa.Column("sha256", sa.String(64), comment="as the client said"),
    sa.Column(
        "verified",
        sa.Boolean,
        nullable=False,
        server_default=sa.false(),
        comment="this server or the store has hashed it",
    ),
    sa.Column("multipart_id", sa.Text, comment="null where one PUT is enough"),
    sa.Column("part_bytes", _Ms),
    sa.Column("etag", sa.String(128), comment="pinned at completion: a later change of the object is seen"),
    sa.Column("problem", sa.JSON(none_as_null=True), comment="why it was rejected"),
    sa.Column("created_ms", _Ms, nullable=False),
    sa.Column("completed_ms", _Ms),
    sa.Column("expires_ms", _Ms, nullable=False, comment="until when it may be sent; then how long it is kept"),
    sa.Column("grants_end_ms", _Ms, nullable=False, comment="until when somebody may still write there"),
    sa.Column("remove_ms", _Ms, comment="when its object is to be removed next"),
    sa.Column("removal_begun_ms", _Ms, comment="since when it is being removed: too late to keep it"),
    sa.Index(None, "tenant", "id"),
    sa.Index(None, "tenant", "sha256"),
    sa.Index(None, "tenant", "state"),
    sa.Index(None, "state", "expires_ms"),
    sa.Index(None, "object_key"),
    sa.Index(None, "remove_ms"),
)

input_uses = sa.Table(
    "input_uses",
    metadata,
    sa.Column("job_id", _Id, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("source_id", _Id, primary_key=True, comment="the upload, or the job whose output it is; may be gone"),
    sa.Column("object_key", sa.String(255), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Index(None, "source_id"),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("at_ms", _Ms, nullable=False),
    sa.Column("actor", sa.String(64), nullable=False, comment="a key's id, or what did it by itself"),
    sa.Column("action", sa.String(64), nullable=False),
    sa.Column("subject", sa.String(160), nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Index(None, "tenant", "seq"),
    sqlite_autoincrement=True,
)

items = sa.Table(
    "items",
    metadata,
    sa.Column("job_id", _Id, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column(
        "n", sa.Integer, primary_key=True, autoincrement=False, comment="position in the request; names its files"
    ),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("item_id", sa.String(128), nullable=False),
    sa.Column("task_id", _Id, nullable=False),
    sa.Column("status", sa.String(24), nullable=False),
    sa.Column("params", sa.JSON, nullable=False),
    sa.Column("outputs", sa.JSON, nullable=False, comment="by slot: key, content_type, size_bytes, sha256, facts"),
    sa.Column("result", sa.JSON, nullable=False),
    sa.Column("error", sa.JSON(none_as_null=True)),
    sa.Column("attempt", sa.Integer, comment="the attempt whose result this is"),
    sa.Column("completed_ms", _Ms),
    sa.UniqueConstraint("job_id", "item_id"),
    sa.Index(None, "task_id"),
)

tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("job_id", _Id, sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("n", sa.Integer, nullable=False, comment="position in the job"),
    sa.Column("status", sa.String(16), nullable=False, comment="WAITING, ACTIVE or ENDED"),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0", comment="the current one: the fence"),
    sa.Column("priority", sa.SmallInteger, nullable=False),
    sa.Column("cost_s", sa.Float, nullable=False),
    sa.Column("items_total", sa.Integer, nullable=False),
    sa.Column("not_before_ms", _Ms, nullable=False, server_default="0"),
    sa.Column("queue_deadline_ms", _Ms, nullable=False),
    sa.Column("progress", sa.JSON(none_as_null=True), comment="the last snapshot; dropped at the end"),
    sa.Column("created_ms", _Ms, nullable=False),
    sa.Column("started_ms", _Ms),
    sa.Column("ended_ms", _Ms),
    sa.Index(None, "job_id", "n"),
    sa.Index(None, "status", "tenant", "priority", "id"),
    sa.Index(None, "status", "queue_deadline_ms"),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("task_id", _Id, sa.ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("job_id", _Id, nullable=False),
    sa.Column("endpoint", sa.String(128), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("provider_id", sa.String(128)),
    sa.Column("item_ns", sa.JSON, nullable=False, comment="the items its order names"),
    sa.Column("worker", sa.String(128)),
    sa.Column("gpu", sa.String(128)),
    sa.Column("submitted_ms", _Ms, nullable=False, comment="when the intent was stored"),
    sa.Column("deadline_ms", _Ms, nullable=False),
    sa.Column("started_ms", _Ms),
    sa.Column("ended_ms", _Ms),
    sa.Column("execution_ms", _Ms, nullable=False, server_default="0"),
    sa.Column("price_per_s", sa.Float),
    sa.Column("outcome", sa.String(32)),
    sa.Index(None, "state", "endpoint"),
    sa.Index(None, "job_id"),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("job_id", _Id, sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    sa.Column("type", sa.String(16), nullable=False, comment="status or item"),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("at_ms", _Ms, nullable=False),
    sa.Index(None, "job_id", "seq"),
    sqlite_autoincrement=True,
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, comment="event order"),
    sa.Column("id", _Id, nullable=False, comment="the webhook-id header of every try"),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("job_id", _Id, nullable=False),
    sa.Column("type", sa.String(64), nullable=False),
    sa.Column("lane", sa.String(64), nullable=False, comment="its webhook_targets row, while that is there"),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, comment="WAITING, DELIVERED, FAILED or DISABLED"),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0", comment="all that were ever made"),
    sa.Column("step", sa.Integer, nullable=False, server_default="0", comment="tries made of the present round"),
    sa.Column("created_ms", _Ms, nullable=False),
    sa.Column("round_ms", _Ms, nullable=False, comment="when the present round began: at first, or redelivered"),
    sa.Column("next_try_ms", _Ms, comment="null once nothing more will be tried"),
    sa.UniqueConstraint("id"),
    sa.Index(None, "lane", "state", "next_try_ms", "seq"),
    sa.Index(None, "tenant", "job_id"),
    sqlite_autoincrement=True,
)

webhook_targets = sa.Table(
    "webhook_targets",
    metadata,
    sa.Column("lane", sa.String(64), primary_key=True, comment="hashes of (tenant, host) and url"),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("next_ms", _Ms, comment="when its first event may be tried; null when none waits"),
    sa.Column("held_until_ms", _Ms, nullable=False, server_default="0", comment="nothing is sent before"),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0", comment="since the last success"),
    sa.Column("failing_ms", _Ms, comment="since when it fails"),
    sa.Column("disabled_ms", _Ms, comment="when it answered 410 Gone"),
    sa.Index(None, "next_ms", "tenant"),
    sa.Index(None, "tenant", "disabled_ms"),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("outbox_id", _Id, sa.ForeignKey("outbox.id", ondelete="CASCADE"), nullable=False),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("at_ms", _Ms, nullable=False),
    sa.Column("duration_ms", _Ms, nullable=False),
    sa.Column("http_status", sa.Integer),
    sa.Column("response", sa.Text),
    sa.Column("error", sa.Text),
    sa.UniqueConstraint("outbox_id", "n"),
)

keys = sa.Table(
    "keys",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("secret_hash", sa.LargeBinary(32), nullable=False, comment="SHA-256; the secret has 256 random bits"),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("created_ms", _Ms, nullable=False),
    sa.Column("expires_ms", _Ms),
    sa.Column("last_used_ms", _Ms),
    sa.Column("revoked_ms", _Ms),
    sa.Index(None, "tenant"),
)

pool_jobs = sa.Table(
    "pool_jobs",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("endpoint", sa.String(128), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("input", sa.Text, nullable=False, comment="JSON, as it came"),
    sa.Column("webhook", sa.Text),
    sa.Column("execution_timeout_ms", _Ms, nullable=False),
    sa.Column("expires_ms", _Ms, nullable=False, comment="ttl: removed then, even while running"),
    sa.Column("retries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("worker_id", sa.String(128)),
    sa.Column("output", sa.Text, comment="JSON"),
    sa.Column("error", sa.Text),
    sa.Column("created_ms", _Ms, nullable=False),
    sa.Column("taken_ms", _Ms),
    sa.Column("ended_ms", _Ms),
    sa.Column("webhook_state", sa.String(16), comment="null, WAITING, SENT or DROPPED"),
    sa.Column("webhook_tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("webhook_next_ms", _Ms),
    sa.Index(None, "endpoint", "status", "id"),
    sa.Index(None, "webhook_state", "webhook_next_ms"),
)

pool_workers = sa.Table(
    "pool_workers",
    metadata,
    sa.Column("id", sa.String(128), primary_key=True, comment="RUNPOD_POD_ID"),
    sa.Column("endpoint", sa.String(128), nullable=False),
    sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
    sa.Column("local", sa.Boolean, nullable=False, comment="started by this server"),
    sa.Column("created_ms", _Ms, nullable=False),
    sa.Column("revoked_ms", _Ms),
    sa.Column("last_ping_ms", _Ms),
)
