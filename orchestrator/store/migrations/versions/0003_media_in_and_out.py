"""What media in and out needs: uploads, the audit log, what is kept beyond its time, hosts that inputs may come from."""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('audit',
    sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('tenant', sa.String(length=64), nullable=False),
    sa.Column('at_ms', sa.BigInteger(), nullable=False),
    sa.Column('actor', sa.String(length=64), nullable=False, comment="a key's id, or what did it by itself"),
    sa.Column('action', sa.String(length=64), nullable=False),
    sa.Column('subject', sa.String(length=160), nullable=False),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_audit')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('audit', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_audit_tenant_seq'), ['tenant', 'seq'], unique=False)

    op.create_table('uploads',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('tenant', sa.String(length=64), nullable=False),
    sa.Column('key_id', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False, comment='waiting, completed, rejected or expired'),
    sa.Column('name', sa.String(length=255), nullable=False, comment="the user's; never part of a key"),
    sa.Column('object_key', sa.String(length=255), nullable=False, comment="another upload's where the same file came before"),
    sa.Column('content_type', sa.String(length=128), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=True, comment='as the client said'),
    sa.Column('verified', sa.Boolean(), server_default=sa.false(), nullable=False, comment='this server or the store has hashed it'),
    sa.Column('multipart_id', sa.Text(), nullable=True, comment='null where one PUT is enough'),
    sa.Column('part_bytes', sa.BigInteger(), nullable=True),
    sa.Column('etag', sa.String(length=128), nullable=True, comment='pinned at completion: a later change of the object is seen'),
    sa.Column('problem', sa.JSON(none_as_null=True), nullable=True, comment='why it was rejected'),
    sa.Column('created_ms', sa.BigInteger(), nullable=False),
    sa.Column('completed_ms', sa.BigInteger(), nullable=True),
    sa.Column('expires_ms', sa.BigInteger(), nullable=False, comment='until when it may be sent; then how long it is kept'),
    sa.Column('grants_end_ms', sa.BigInteger(), nullable=False, comment='until when somebody may still write there'),
    sa.Column('remove_ms', sa.BigInteger(), nullable=True, comment='when its object is to be removed next'),
    sa.Column('removal_begun_ms', sa.BigInteger(), nullable=True, comment='since when it is being removed: too late to keep it'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_uploads'))
    )
    with op.batch_alter_table('uploads', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_uploads_object_key'), ['object_key'], unique=False)
        batch_op.create_index(batch_op.f('ix_uploads_remove_ms'), ['remove_ms'], unique=False)
        batch_op.create_index(batch_op.f('ix_uploads_state_expires_ms'), ['state', 'expires_ms'], unique=False)
        batch_op.create_index(batch_op.f('ix_uploads_tenant_id'), ['tenant', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_uploads_tenant_sha256'), ['tenant', 'sha256'], unique=False)
        batch_op.create_index(batch_op.f('ix_uploads_tenant_state'), ['tenant', 'state'], unique=False)

    op.create_table('input_uses',
    sa.Column('job_id', sa.String(length=64), nullable=False),
    sa.Column('source_id', sa.String(length=64), nullable=False, comment='the upload, or the job whose output it is; may be gone'),
    sa.Column('object_key', sa.String(length=255), nullable=False),
    sa.Column('tenant', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['jobs.id'], name=op.f('fk_input_uses_job_id_jobs'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('job_id', 'source_id', 'object_key', name=op.f('pk_input_uses'))
    )
    with op.batch_alter_table('input_uses', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_input_uses_source_id'), ['source_id'], unique=False)

    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.add_column(sa.Column('pinned_ms', sa.BigInteger(), nullable=True, comment='since when its outputs are kept beyond their time'))
        batch_op.add_column(sa.Column('legal_hold', sa.JSON(none_as_null=True), nullable=True, comment='reason, author, at_ms: nothing of it may be deleted'))
        batch_op.add_column(sa.Column('outputs_deleted_ms', sa.BigInteger(), nullable=True))
        batch_op.create_index(batch_op.f('ix_jobs_outputs_deleted_ms_expires_ms'), ['outputs_deleted_ms', 'expires_ms'], unique=False)

    op.create_table('held_objects',
    sa.Column('job_id', sa.String(length=64), nullable=False, comment='on legal hold'),
    sa.Column('object_key', sa.String(length=255), nullable=False, comment='of a file that the job was made from'),
    sa.Column('tenant', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['jobs.id'], name=op.f('fk_held_objects_job_id_jobs'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('job_id', 'object_key', name=op.f('pk_held_objects'))
    )
    with op.batch_alter_table('held_objects', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_held_objects_object_key'), ['object_key'], unique=False)

    with op.batch_alter_table('purges', schema=None) as batch_op:
        batch_op.add_column(sa.Column('expired_job_id', sa.String(length=64), nullable=True, comment='the job whose time is over; it stays, and is marked once they are gone'))
        batch_op.add_column(sa.Column('begun_ms', sa.BigInteger(), nullable=True, comment='since when they are being removed: too late to keep them'))

    with op.batch_alter_table('tenants', schema=None) as batch_op:
        batch_op.add_column(sa.Column('source_hosts', sa.JSON(none_as_null=True), nullable=True, comment='inputs may come from these hosts only; null: any'))


def downgrade() -> None:
    with op.batch_alter_table('tenants', schema=None) as batch_op:
        batch_op.drop_column('source_hosts')

    with op.batch_alter_table('purges', schema=None) as batch_op:
        batch_op.drop_column('begun_ms')
        batch_op.drop_column('expired_job_id')

    with op.batch_alter_table('held_objects', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_held_objects_object_key'))

    op.drop_table('held_objects')
    with op.batch_alter_table('jobs', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_jobs_outputs_deleted_ms_expires_ms'))
        batch_op.drop_column('outputs_deleted_ms')
        batch_op.drop_column('legal_hold')
        batch_op.drop_column('pinned_ms')

    with op.batch_alter_table('input_uses', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_input_uses_source_id'))

    op.drop_table('input_uses')
    with op.batch_alter_table('uploads', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_uploads_tenant_state'))
        batch_op.drop_index(batch_op.f('ix_uploads_tenant_sha256'))
        batch_op.drop_index(batch_op.f('ix_uploads_tenant_id'))
        batch_op.drop_index(batch_op.f('ix_uploads_state_expires_ms'))
        batch_op.drop_index(batch_op.f('ix_uploads_remove_ms'))
        batch_op.drop_index(batch_op.f('ix_uploads_object_key'))

    op.drop_table('uploads')
    with op.batch_alter_table('audit', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_audit_tenant_seq'))

    op.drop_table('audit')
