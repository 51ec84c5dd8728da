"""Passkeys (W3C Web Authentication Level 3): enrol, sign in, sign a statement, revoke.

`webauthn` runs the ceremonies. The challenge of a statement is the statement's own hash; all other
challenges are random (`challenges`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import webauthn
from nacl.bindings import crypto_core_ed25519_is_valid_point
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col
from webauthn.helpers import exceptions
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from governance.evidence import assertion
from governance.evidence.assertion import ED25519, ES256, Assertion, Enrolment
from governance.evidence.encoding import decode64url, encode64url
from governance.evidence.errors import EvidenceError
from governance.identity import challenges
from governance.identity.authenticators import record_change
from governance.identity.challenges import invalid
from governance.identity.tables import Passkey, Person
from governance.kernel import clock
from governance.kernel.database import Database
from governance.kernel.errors import Conflict, Denied, NotFound, Unauthenticated
from governance.kernel.settings import LOOPBACK
from governance.ledger.ledger import Ledger

MAX_PASSKEYS = 20  # per person
SITE_NAME = "Governance"
# In order of preference.
ALGORITHMS = {
    COSEAlgorithmIdentifier.EDDSA: ED25519,
    COSEAlgorithmIdentifier.ECDSA_SHA_256: ES256,
}
_VERIFY = UserVerificationRequirement.REQUIRED


@dataclass(frozen=True)
class Site:
    """The relying party: its id, and the only origin whose pages may use its passkeys."""

    id: str
    origin: str


@dataclass(frozen=True)
class Owned:
    """A passkey as its owner sees it."""

    credential: str
    name: str
    algorithm: str
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True)
class Used:
    """A passkey's answer that holds: whose it is, and its counter, yet to be stored."""

    enrolment: Enrolment
    assertion: Assertion
    sign_count: int


def site_of(base_url: str) -> Site:
    """Passkeys belong to a name, so on a loopback address the site is `localhost`."""
    url = urlsplit(base_url)
    host = url.hostname or ""
    if host not in LOOPBACK:
        return Site(host, f"{url.scheme}://{url.netloc.lower()}")
    port = f":{url.port}" if url.port else ""
    return Site("localhost", f"{url.scheme}://localhost{port}")


def enrolment_options(connection: Connection, site: Site, person: str) -> str:
    """JSON for `navigator.credentials.create`. Raises Conflict (`passkeys_full`)."""
    row = connection.execute(
        select(col(Person.username), col(Person.name)).where(col(Person.id) == person)
    ).one()
    held = _held(connection, person)
    if len(held) >= MAX_PASSKEYS:
        raise Conflict("passkeys_full", f"Revoke one first: {MAX_PASSKEYS} passkeys are enough.")
    options = webauthn.generate_registration_options(
        rp_id=site.id,
        rp_name=SITE_NAME,
        user_id=person.encode("ascii"),
        user_name=row.username,
        user_display_name=row.name,
        challenge=challenges.issue(connection, person),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=_VERIFY
        ),
        exclude_credentials=_descriptors(held),
        supported_pub_key_algs=list(ALGORITHMS),
    )
    return webauthn.options_to_json(options)


def enrol(
    connection: Connection, ledger: Ledger, site: Site, person: str, answer: str, name: str
) -> str:
    """Enrol the passkey that an authenticator made; returns the credential's id.

    answer: JSON of `navigator.credentials.create`; name: for the person's own list.
    Raises InvalidRequest (`passkey_invalid`), Conflict (`passkey_known`), Unauthenticated
    (`challenge_expired`).
    """
    presented = challenges.read_answer(answer)
    challenge = challenges.challenge_of(presented)
    challenges.spend(connection, challenge, person)
    try:
        made = webauthn.verify_registration_response(
            credential=presented,
            expected_challenge=challenge,
            expected_rp_id=site.id,
            expected_origin=site.origin,
            require_user_verification=True,
            supported_pub_key_algs=list(ALGORITHMS),
        )
    except (exceptions.WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise invalid() from error
    enrolment = Enrolment(
        credential=encode64url(made.credential_id),
        person=person,
        public_key=made.credential_public_key,
        algorithm=_algorithm_of(made.credential_public_key),
        rp_id=site.id,
    )
    row = {
        "id": enrolment.credential,
        "person": person,
        "name": name.strip()[:100] or "Passkey",
        "public_key": enrolment.public_key,
        "algorithm": enrolment.algorithm,
        "rp_id": site.id,
        "sign_count": made.sign_count,
        "created_at": clock.now(),
    }
    try:
        connection.execute(insert(Passkey).values(row))
    except IntegrityError:
        raise Conflict(
            "passkey_known", "This passkey is or was enrolled; make a new one."
        ) from None
    record_change(
        connection,
        ledger,
        person,
        kind="webauthn",
        action="enrolled",
        by=person,
        enrolment=enrolment,
    )
    return enrolment.credential


def revoke(
    connection: Connection, ledger: Ledger, person: str, credential: str, *, by: str
) -> None:
    """Never accept this passkey again. Raises NotFound (`passkey_unknown`)."""
    row = connection.execute(
        update(Passkey)
        .where(
            col(Passkey.id) == credential,
            col(Passkey.person) == person,
            col(Passkey.revoked_at).is_(None),
        )
        .values(revoked_at=clock.now())
        .returning(Passkey)
    ).first()
    if row is None:
        raise NotFound("passkey_unknown", "There is no such passkey.")
    record_change(
        connection,
        ledger,
        person,
        kind="webauthn",
        action="revoked",
        by=by,
        enrolment=_enrolment(row),
    )


def list_passkeys(session: Session, person: str) -> Sequence[Owned]:
    """Those in use, oldest first."""
    rows = session.scalars(
        select(Passkey)
        .where(col(Passkey.person) == person, col(Passkey.revoked_at).is_(None))
        .order_by(col(Passkey.created_at))
    ).all()
    return [Owned(r.id, r.name, r.algorithm, r.created_at, r.used_at) for r in rows]


def sign_in_options(connection: Connection, site: Site, person: str | None = None) -> str:
    """JSON for `navigator.credentials.get`.

    Without a person, the authenticator knows whose passkey it is. Raises Throttled
    (`challenges_exhausted`).
    """
    challenge = challenges.issue(connection, person)
    return _request(site, challenge, _held(connection, person) if person else [])


def statement_options(connection: Connection, site: Site, person: str, challenge: bytes) -> str:
    """JSON for `navigator.credentials.get`, to sign a statement with a passkey of the person's.

    Raises NotFound (`passkey_unknown`) for somebody who has none.
    """
    held = _held(connection, person)
    if not held:
        raise NotFound(
            "passkey_unknown", "You have no passkey; add one on the page of your account."
        )
    return _request(site, challenge, held)


def check_sign_in(database: Database, site: Site, answer: str) -> Used:
    """Verify an answer to `sign_in_options`; `accept_sign_in` makes it count.

    Raises Unauthenticated (`passkey_refused`), InvalidRequest (`passkey_invalid`).
    """
    given = challenges.read_assertion(answer)
    challenge = challenges.challenge_in(given.client_data_json)
    with database.read() as session:
        return verify(session.connection(), site, given, challenge)


def accept_sign_in(connection: Connection, used: Used, person: str | None = None) -> str:
    """Spend the challenge and move the counter on; returns who it is.

    person: who it must be, where somebody confirms that it is still them.
    Raises Unauthenticated (`challenge_expired`, `passkey_refused`, `passkey_cloned`), Denied
    (`principal_suspended`).
    """
    challenge = challenges.challenge_in(used.assertion.client_data_json)
    challenges.spend(connection, challenge, person)
    if person not in (None, used.enrolment.person):
        raise _refused()
    move_counter(connection, used)
    state = connection.execute(
        select(col(Person.state)).where(col(Person.id) == used.enrolment.person)
    ).scalar_one()
    if state != "active":
        raise Denied("principal_suspended", "This account is suspended; ask an administrator.")
    return used.enrolment.person


def verify(connection: Connection, site: Site, given: Assertion, challenge: bytes) -> Used:
    """Check an assertion over these 32 bytes; reads only.

    Raises Unauthenticated (`passkey_refused`).
    """
    row = connection.execute(
        select(Passkey).where(col(Passkey.id) == given.credential, col(Passkey.rp_id) == site.id)
    ).first()
    if row is None or row.revoked_at is not None:
        raise _refused()
    response = {
        "clientDataJSON": encode64url(given.client_data_json),
        "authenticatorData": encode64url(given.authenticator_data),
        "signature": encode64url(given.signature),
    }
    try:
        verified = webauthn.verify_authentication_response(
            credential={
                "id": given.credential,
                "rawId": given.credential,
                "type": "public-key",
                "response": response,
            },
            expected_challenge=challenge,
            expected_rp_id=site.id,
            expected_origin=site.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=0,  # `move_counter` compares it with the stored one
            require_user_verification=True,
        )
    except (exceptions.WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise _refused() from error
    return Used(_enrolment(row), given, verified.new_sign_count)


def move_counter(connection: Connection, used: Used) -> None:
    """Note that the passkey was used. Authenticators that do not count always say zero.

    Raises Unauthenticated (`passkey_cloned`) when the counter does not rise: somebody else has
    used a copy, or this answer was used before; or `passkey_refused` once it was revoked.
    """
    known = (col(Passkey.id) == used.enrolment.credential, col(Passkey.revoked_at).is_(None))
    before = connection.execute(select(col(Passkey.sign_count)).where(*known)).scalar()
    if before is None:
        raise _refused()
    moved = connection.execute(
        update(Passkey)
        .where(*known, col(Passkey.sign_count) == before)
        .values(sign_count=used.sign_count, used_at=clock.now())
    )
    is_counting = used.sign_count or before
    if moved.rowcount != 1 or (is_counting and used.sign_count <= before):
        raise Unauthenticated(
            "passkey_cloned",
            "The passkey's counter did not rise, so a copy of it may be in use. Revoke it.",
        )


def _request(site: Site, challenge: bytes, held: Sequence[str]) -> str:
    options = webauthn.generate_authentication_options(
        rp_id=site.id,
        challenge=challenge,
        allow_credentials=_descriptors(held),
        user_verification=_VERIFY,
    )
    return webauthn.options_to_json(options)


def _held(connection: Connection, person: str) -> Sequence[str]:
    return connection.scalars(
        select(col(Passkey.id)).where(
            col(Passkey.person) == person, col(Passkey.revoked_at).is_(None)
        )
    ).all()


def _descriptors(held: Sequence[str]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=decode64url(one, "id")) for one in held]


def _algorithm_of(cose: bytes) -> str:
    """The algorithm of a key that offline verification can read, too.

    Raises InvalidRequest (`passkey_invalid`): under an Ed25519 key of small order one signature
    fits many messages, so its holder could deny anything.
    """
    try:
        if not crypto_core_ed25519_is_valid_point(assertion.ed25519_key(cose)):
            raise invalid()
        return ED25519
    except EvidenceError:
        pass
    try:
        assertion.es256_key(cose)
    except EvidenceError:
        raise invalid() from None
    return ES256


def _enrolment(row: Any) -> Enrolment:
    return Enrolment(row.id, row.person, row.public_key, row.algorithm, row.rp_id)


def _refused() -> Unauthenticated:
    return Unauthenticated("passkey_refused", "This passkey is not accepted here.")
