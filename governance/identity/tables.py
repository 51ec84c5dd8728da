"""Tables of principals and of the proofs they present."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
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
    """A program that signs its requests with keys of its own.

    document: digest of its identity document, None for agents from before there were any;
    parent: the agent that it comes from.
    """

    __tablename__ = "agent"
    __table_args__ = (
        CheckConstraint(STATES, name="ck_agent_state"),
        Index("ix_agent_parent", "parent"),
    )

    id: str = Field(primary_key=True)
    organisation: str
    name: str
    accountable: str = Field(foreign_key="person.id")
    state: str
    created_at: datetime
    document: str | None = None
    parent: str | None = None


class AgentDocument(SQLModel, table=True):
    """Every identity document that was ever registered. envelope: DSSE, one line."""

    __tablename__ = "agent_document"
    __table_args__ = (Index("ix_agent_document_agent", "agent"),)

    digest: str = Field(primary_key=True)
    agent: str = Field(foreign_key="agent.id")
    envelope: bytes
    issued_at: datetime
    expires_at: datetime


class AgentKey(SQLModel, table=True):
    """Every key that any agent ever had: none is given twice, evidence needs it for ever.

    Accepted in [not_before, not_after) unless it was revoked; document: the last that lists it.
    """

    __tablename__ = "agent_key"
    __table_args__ = (Index("ix_agent_key_agent", "agent"),)

    keyid: str = Field(primary_key=True)
    agent: str = Field(foreign_key="agent.id")
    public_key: bytes
    document: str | None = None
    not_before: datetime
    not_after: datetime
    revoked_at: datetime | None = None


class ExternalIdentity(SQLModel, table=True):
    """Under which name another platform vouches for an agent, or signs a person in.

    issuer, subject: `iss` and `sub` of its tokens, never an e-mail address.
    """

    __tablename__ = "external_identity"
    __table_args__ = (
        CheckConstraint("(agent IS NULL) <> (person IS NULL)", name="ck_external_identity_one"),
        Index("ix_external_identity_agent", "agent"),
        Index("ix_external_identity_person", "person"),
    )

    organisation: str = Field(primary_key=True)
    issuer: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    agent: str | None = Field(default=None, foreign_key="agent.id")
    person: str | None = Field(default=None, foreign_key="person.id")
    created_at: datetime


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
    """A person's signed-in browser. The token itself is only in the cookie.

    authenticated_at, method: when and how the person last proved who they are.
    """

    __tablename__ = "person_session"
    __table_args__ = (
        Index("ix_person_session_person", "person"),
        Index("ix_person_session_expires_at", "expires_at"),
    )

    token_sha256: str = Field(primary_key=True)
    person: str = Field(foreign_key="person.id")
    seen_at: datetime
    expires_at: datetime
    authenticated_at: datetime
    method: str


class Passkey(SQLModel, table=True):
    """A WebAuthn credential of a person. id: base64url; public_key: COSE_Key."""

    __tablename__ = "passkey"
    __table_args__ = (Index("ix_passkey_person", "person"),)

    id: str = Field(primary_key=True)
    person: str = Field(foreign_key="person.id")
    name: str
    public_key: bytes
    algorithm: str
    rp_id: str
    sign_count: int = Field(sa_type=BigInteger)
    created_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None


class Challenge(SQLModel, table=True):
    """Random bytes that an authenticator is to sign, once. person: for whom, None to sign in."""

    __tablename__ = "challenge"
    __table_args__ = (Index("ix_challenge_expires_at", "expires_at"),)

    challenge_sha256: str = Field(primary_key=True)
    person: str | None = Field(default=None, foreign_key="person.id")
    expires_at: datetime


class Totp(SQLModel, table=True):
    """One-time codes of a person. secret: encrypted; last_step: of the last code accepted.

    Until a first code has confirmed it, it is not asked for.
    """

    __tablename__ = "totp"

    person: str = Field(primary_key=True, foreign_key="person.id")
    secret: bytes
    last_step: int = Field(sa_type=BigInteger)
    is_confirmed: bool


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


class Switch(SQLModel, table=True):
    """A kill switch that is thrown. organisation: whose it is; concerns: None for everybody."""

    __tablename__ = "switch"

    scope: str = Field(primary_key=True, max_length=200)
    organisation: str = Field(primary_key=True, max_length=64)
    concerns: str | None = Field(default=None, max_length=64)
    reason: str = Field(max_length=64)
    thrown_by: str = Field(max_length=64)
    thrown_at: datetime


class Mandate(SQLModel, table=True):
    """One hop of a delegation that the service issued or was shown.

    compact: the hop as signed; delegator: the person or agent that it comes from; agent: whom it
    empowers; prv: the hop before it.
    """

    __tablename__ = "mandate"
    __table_args__ = (
        UniqueConstraint("id", name="uq_mandate_id"),
        Index("ix_mandate_organisation", "organisation", "id"),
    )

    digest: str = Field(primary_key=True, max_length=64)
    id: str = Field(max_length=64)
    organisation: str = Field(max_length=64)
    root: str = Field(foreign_key="person.id")
    delegator: str = Field(max_length=64)
    agent: str = Field(foreign_key="agent.id")
    prv: str = Field(max_length=64)
    compact: str
    known_at: datetime


class MandateRevocation(SQLModel, table=True):
    """A hop that is worth nothing any more, whether or not the service has seen it."""

    __tablename__ = "mandate_revocation"

    digest: str = Field(primary_key=True, max_length=64)
    organisation: str = Field(primary_key=True, max_length=64)
    revoked_by: str = Field(max_length=64)
    revoked_at: datetime
