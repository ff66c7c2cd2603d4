"""What acting on jobs needs: tenants, labels to filter by, idempotency, costs, purges, refused webhook addresses."""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('purges',
    sa.Column('prefix', sa.String(length=160), nullable=False, comment='all objects under it are to go'),
    sa.Column('tenant', sa.String(length=64), nullable=False),
    sa.Column('requested_ms', sa.BigInteger(), nullable=False),
    sa.Column('next_ms', sa.BigInteger(), nullable=False),
    sa.Column('until_ms', sa.BigInteger(), nullable=False, comment='a worker may still write there until then'),
    sa.PrimaryKeyConstraint('prefix', name=op.f('pk_purges'))
    )
    with op.batch_alter_table('purges', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_purges_next_ms'), ['next_ms'], unique=False)

    op.create_table('tenants',
    sa.Column('tenant', sa.String(length=64), nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.Column('suspended_ms', sa.BigInteger(), nullable=True),
    sa.Column('open_items', sa.Integer(), server_default='0', nullable=False, comment='of its jobs that have not ended'),
    sa.Column('webhook_secret_n', sa.Integer(), server_default='1', nullable=False, comment='counts rotations'),
    sa.Column('webhook_rotated_ms', sa.BigInteger(), nullable=True, comment='when the present secret was made; null: with the tenant'),
    sa.Column('webhook_previous_until_ms', sa.BigInteger(), nullable=True, comment='how long the secret before signs as well'),
    sa.PrimaryKeyConstraint('tenant', name=op.f('pk_tenants'))
    )
    op.create_table('idempotency',
    sa.Column('tenant', sa.String(length=64), nullable=False),
    sa.Column('key', sa.String(length=255), nullable=False, comment="the request's Idempotency-Key"),
    sa.Column('fingerprint', sa.LargeBinary(length=32), nullable=False, comment='SHA-256 of the canonical body'),
    sa.Column('job_id', sa.String(length=64), nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['jobs.id'], name=op.f('fk_idempotency_job_id_jobs'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('tenant', 'key', name=op.f('pk_idempotency'))
    )
    with op.batch_alter_table('idempotency', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_idempotency_job_id'), ['job_id'], unique=False)

    op.create_table('job_labels',
    sa.Column('job_id', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=128), nullable=False),
    sa.Column('tenant', sa.String(length=64), nullable=False),
    sa.Column('value', sa.String(length=256), nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['jobs.id'], name=op.f('fk_job_labels_job_id_jobs'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('job_id', 'name', name=op.f('pk_job_labels'))
    )
    with op.batch_alter_table('job_labels', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_job_labels_tenant_name_value_job_id'), ['tenant', 'name', 'value', 'job_id'], unique=False)

    with op.batch_alter_table('attempts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_attempts_job_id'), ['job_id'], unique=False)

    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.add_column(sa.Column('cost', sa.Float(), nullable=True, comment='null where no price was set'))
        batch_op.create_index(batch_op.f('ix_jobs_retry_of'), ['retry_of'], unique=True)

    with op.batch_alter_table('tasks', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_tasks_status_priority_id'))
        batch_op.create_index(batch_op.f('ix_tasks_status_tenant_priority_id'), ['status', 'tenant', 'priority', 'id'], unique=False)
    _make_webhooks()
    _make_tenants()
    _make_labels()


def _make_webhooks() -> None:
    """Make the tables of webhooks anew: nothing had been written into the first ones."""
    op.drop_table('deliveries')
    op.drop_table('outbox')
    op.create_table('outbox',
    sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False, comment='event order'),
    sa.Column('id', sa.String(length=64), nullable=False, comment='the webhook-id header of every try'),
    sa.Column('tenant', sa.String(length=64), nullable=False),
    sa.Column('job_id', sa.String(length=64), nullable=False),
    sa.Column('type', sa.String(length=64), nullable=False),
    sa.Column('lane', sa.String(length=64), nullable=False, comment='its webhook_targets row, while that is there'),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False, comment='WAITING, DELIVERED, FAILED or DISABLED'),
    sa.Column('tries', sa.Integer(), server_default='0', nullable=False, comment='all that were ever made'),
    sa.Column('step', sa.Integer(), server_default='0', nullable=False, comment='tries made of the present round'),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.Column('round_ms', sa.BigInteger(), nullable=False, comment='when the present round began: at first, or redelivered'),
    sa.Column('next_try_ms', sa.BigInteger(), nullable=True, comment='null once nothing more will be tried'),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_outbox')),
    sa.UniqueConstraint('id', name=op.f('uq_outbox_id')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_outbox_lane_state_next_try_ms_seq'), ['lane', 'state', 'next_try_ms', 'seq'], unique=False)
        batch_op.create_index(batch_op.f('ix_outbox_tenant_job_id'), ['tenant', 'job_id'], unique=False)

    _make_deliveries()
    op.create_table('webhook_targets',
    sa.Column('lane', sa.String(length=64), nullable=False, comment='hashes of (tenant, host) and url'),
    sa.Column('tenant', sa.String(length=64), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('next_ms', sa.BigInteger(), nullable=True, comment='when its first event may be tried; null when none waits'),
    sa.Column('held_until_ms', sa.BigInteger(), server_default='0', nullable=False, comment='nothing is sent before'),
    sa.Column('failures', sa.Integer(), server_default='0', nullable=False, comment='since the last success'),
    sa.Column('failing_ms', sa.BigInteger(), nullable=True, comment='since when it fails'),
    sa.Column('disabled_ms', sa.BigInteger(), nullable=True, comment='when it answered 410 Gone'),
    sa.PrimaryKeyConstraint('lane', name=op.f('pk_webhook_targets'))
    )
    with op.batch_alter_table('webhook_targets', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_webhook_targets_next_ms_tenant'), ['next_ms', 'tenant'], unique=False)
        batch_op.create_index(batch_op.f('ix_webhook_targets_tenant_disabled_ms'), ['tenant', 'disabled_ms'], unique=False)


def _make_deliveries() -> None:
    op.create_table('deliveries',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('tenant', sa.String(length=64), nullable=False),
    sa.Column('outbox_id', sa.String(length=64), nullable=False),
    sa.Column('n', sa.Integer(), nullable=False),
    sa.Column('at_ms', sa.BigInteger(), nullable=False),
    sa.Column('duration_ms', sa.BigInteger(), nullable=False),
    sa.Column('http_status', sa.Integer(), nullable=True),
    sa.Column('response', sa.Text(), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['outbox_id'], ['outbox.id'], name=op.f('fk_deliveries_outbox_id_outbox'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deliveries')),
    sa.UniqueConstraint('outbox_id', 'n', name=op.f('uq_deliveries_outbox_id_n'))
    )


def _make_tenants() -> None:
    """Every tenant that has a key or a job gets its row."""
    op.execute("""
        INSERT INTO tenants (tenant, created_ms, open_items)
        SELECT tenant, min(created_ms), sum(open_items) FROM (
            SELECT tenant, created_ms, 0 AS open_items FROM keys
            UNION ALL
            SELECT tenant, created_ms,
                   CASE WHEN completed_ms IS NULL THEN items_total - items_succeeded - items_failed ELSE 0 END
            FROM jobs
        ) AS known GROUP BY tenant
    """)


def _make_labels() -> None:
    connection = op.get_bind()
    jobs = sa.table('jobs', sa.column('id'), sa.column('tenant'), sa.column('labels', sa.JSON))
    labels = sa.table('job_labels', *map(sa.column, ('job_id', 'name', 'tenant', 'value')))
    rows = [
        {'job_id': job.id, 'name': name, 'tenant': job.tenant, 'value': value}
        for job in connection.execute(sa.select(jobs))
        for name, value in (job.labels or {}).items()
    ]
    if rows:
        connection.execute(labels.insert(), rows)


def downgrade() -> None:
    _unmake_webhooks()
    with op.batch_alter_table('tasks', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_tasks_status_tenant_priority_id'))
        batch_op.create_index(batch_op.f('ix_tasks_status_priority_id'), ['status', 'priority', 'id'], unique=False)

    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_jobs_retry_of'))
        batch_op.drop_column('cost')

    with op.batch_alter_table('attempts', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_attempts_job_id'))

    with op.batch_alter_table('job_labels', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_job_labels_tenant_name_value_job_id'))

    op.drop_table('job_labels')
    with op.batch_alter_table('idempotency', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_idempotency_job_id'))

    op.drop_table('idempotency')
    op.drop_table('tenants')
    with op.batch_alter_table('purges', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_purges_next_ms'))

    op.drop_table('purges')


def _unmake_webhooks() -> None:
    op.drop_table('webhook_targets')
    op.drop_table('deliveries')
    op.drop_table('outbox')
    op.create_table('outbox',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('tenant', sa.String(length=64), nullable=False),
    sa.Column('job_id', sa.String(length=64), nullable=False),
    sa.Column('type', sa.String(length=64), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('tries', sa.Integer(), server_default='0', nullable=False),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.Column('next_try_ms', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbox'))
    )
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_outbox_state_next_try_ms'), ['state', 'next_try_ms'], unique=False)
        batch_op.create_index(batch_op.f('ix_outbox_tenant_job_id'), ['tenant', 'job_id'], unique=False)

    _make_deliveries()
