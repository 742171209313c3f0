"""The table ``push_job``: the outbox of notifications."""

from sqlalchemy import BigInteger, Index, Integer, UniqueConstraint
from sqlmodel import Field, SQLModel

JobId = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only what is called INTEGER


class PushJob(SQLModel, table=True):
    """One notification for one device. Times are milliseconds since the epoch; 0 means not yet.

    ``state``: "ready" (due at ``run_at``), "running" (claimed by ``owner`` until ``lease_until``), "done", "dead"
    (given up: ``outcome`` and ``reason`` say why) or "cancelled". ``note_id`` stays the same over every attempt.
    ``content`` is JSON. The device's token is not kept here: it is looked up when the notification is sent.
    """

    __tablename__ = "push_job"
    __table_args__ = (
        UniqueConstraint("message_id", "user", "device", name="uq_push_job_once"),
        Index("ix_push_job_due", "vendor", "state", "urgency", "run_at"),
        Index("ix_push_job_finished", "finished_at"),
    )

    id: int = Field(primary_key=True, sa_type=JobId)
    note_id: str = Field(max_length=36)
    message_id: int = Field(sa_type=BigInteger)
    user: str = Field(max_length=64)
    device: str = Field(max_length=64)
    vendor: str = Field(max_length=32)
    urgency: int
    state: str = Field(max_length=10)
    run_at: int = Field(sa_type=BigInteger)
    lease_until: int = Field(default=0, sa_type=BigInteger)
    owner: str = Field(default="", max_length=32)
    attempts: int = 0
    created_at: int = Field(sa_type=BigInteger)
    expires_at: int = Field(sa_type=BigInteger)
    finished_at: int = Field(default=0, sa_type=BigInteger)
    outcome: str = Field(default="", max_length=16)
    reason: str = Field(default="", max_length=200)
    content: str
