"""The log in SQL. `log_record` and `log_leaf` are append-only; triggers refuse anything else."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from governance.kernel.database import BIG_SERIAL


class LogRecord(SQLModel, table=True):
    """A sealed record. `line` is exactly what was signed; `scope` is `org/…[/project/…]`."""

    __tablename__ = "log_record"
    __table_args__ = (
        UniqueConstraint("stream", "seq", name="uq_log_record_stream_seq"),
        Index("ix_log_record_scope", "scope"),
        Index("ix_log_record_event", "event", "occurred_at"),
    )

    id: str = Field(primary_key=True, max_length=64)
    stream: str = Field(max_length=100)
    seq: int = Field(sa_type=BigInteger)
    event: str = Field(max_length=64)
    occurred_at: datetime
    scope: str = Field(max_length=200)
    line: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class LogStream(SQLModel, table=True):
    """The head of each stream; locking its row serialises appends to the stream."""

    __tablename__ = "log_stream"

    id: str = Field(primary_key=True, max_length=100)
    seq: int = Field(sa_type=BigInteger)
    leaf: str = Field(max_length=64)


class LogPending(SQLModel, table=True):
    """Records that wait for their place in the tree, in order of writing."""

    __tablename__ = "log_pending"

    position: int | None = Field(
        default=None, sa_column=Column(BIG_SERIAL, primary_key=True, autoincrement=True)
    )
    record_id: str = Field(max_length=64)
    leaf: str = Field(max_length=64)


class LogLeaf(SQLModel, table=True):
    """Level 0 of the tree: leaf `idx` is the hash of one record."""

    __tablename__ = "log_leaf"
    __table_args__ = (UniqueConstraint("record_id", name="uq_log_leaf_record_id"),)

    idx: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    record_id: str = Field(max_length=64)
    hash: str = Field(max_length=64)


class LogNode(SQLModel, table=True):
    """Roots of full tiles: a node of level n covers 256**n leaves."""

    __tablename__ = "log_node"

    level: int = Field(primary_key=True)
    idx: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    hash: str = Field(max_length=64)


class LogTree(SQLModel, table=True):
    """One row: the number of integrated records; locking it serialises integrators."""

    __tablename__ = "log_tree"

    id: int = Field(primary_key=True)
    size: int = Field(sa_type=BigInteger)


class LogCheckpoint(SQLModel, table=True):
    """Published checkpoints, as signed notes."""

    __tablename__ = "log_checkpoint"

    size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    note: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime


class SubjectKey(SQLModel, table=True):
    """The key of one person's disclosures, wrapped by the vault key; destroying it erases them."""

    __tablename__ = "subject_key"

    subject: str = Field(primary_key=True, max_length=64)
    wrapped: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class StoredDisclosure(SQLModel, table=True):
    """An encrypted disclosure; the record carries only its salted digest."""

    __tablename__ = "disclosure"
    __table_args__ = (Index("ix_disclosure_subject", "subject"),)

    record_id: str = Field(primary_key=True, max_length=64)
    digest: str = Field(primary_key=True, max_length=64)
    subject: str = Field(max_length=64)
    ciphertext: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
