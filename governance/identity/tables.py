"""Tables of principals and of the proofs they present."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

STATES = "state IN ('active', 'suspended', 'revoked')"


class Person(SQLModel, table=True):
    """A natural person with an account. `password_hash` is argon2id in PHC form."""

    __tablename__ = "person"
    __table_args__ = (
        UniqueConstraint("username", name="uq_person_username"),
        CheckConstraint(STATES, name="ck_person_state"),
    )

    id: str = Field(primary_key=True)
    organisation: str
    username: str
    name: str
    password_hash: str
    must_change_password: bool
    state: str
    created_at: datetime


class Agent(SQLModel, table=True):
    """A program that signs its requests with its own key."""

    __tablename__ = "agent"
    __table_args__ = (
        UniqueConstraint("keyid", name="uq_agent_keyid"),
        CheckConstraint(STATES, name="ck_agent_state"),
    )

    id: str = Field(primary_key=True)
    organisation: str
    name: str
    accountable: str = Field(foreign_key="person.id")
    keyid: str
    public_key: bytes
    state: str
    created_at: datetime
    expires_at: datetime | None = None


class Service(SQLModel, table=True):
    """A program that presents an API key. `scopes`: `object:action`, separated by spaces."""

    __tablename__ = "service"
    __table_args__ = (CheckConstraint(STATES, name="ck_service_state"),)

    id: str = Field(primary_key=True)
    organisation: str
    name: str
    accountable: str = Field(foreign_key="person.id")
    key_sha256: str
    scopes: str
    state: str
    created_at: datetime
    expires_at: datetime


class PersonSession(SQLModel, table=True):
    """A person's signed-in browser. The token itself is only in the cookie."""

    __tablename__ = "person_session"
    __table_args__ = (
        Index("ix_person_session_person", "person"),
        Index("ix_person_session_expires_at", "expires_at"),
    )

    token_sha256: str = Field(primary_key=True)
    person: str = Field(foreign_key="person.id")
    seen_at: datetime
    expires_at: datetime


class LoginAttempt(SQLModel, table=True):
    """Attempts to sign in under one name, whether or not such a person exists."""

    __tablename__ = "login_attempt"
    __table_args__ = (Index("ix_login_attempt_seen_at", "seen_at"),)

    username_sha256: str = Field(primary_key=True)
    attempts: int
    seen_at: datetime
    retry_at: datetime


class UsedNonce(SQLModel, table=True):
    """A request signature that took effect; kept for as long as it could be presented again."""

    __tablename__ = "used_nonce"
    __table_args__ = (Index("ix_used_nonce_expires_at", "expires_at"),)

    keyid: str = Field(primary_key=True)
    nonce: str = Field(primary_key=True)
    expires_at: datetime
