"""Personal data apart from the log: disclosures encrypted per data subject, erasable."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from sqlalchemy import Connection, bindparam, delete, insert, select, text
from sqlmodel import Session

from governance.evidence.disclosure import Disclosure, parse
from governance.kernel import ids
from governance.kernel.errors import IntegrityError
from governance.ledger.tables import StoredDisclosure, SubjectKey

_KEYS = SubjectKey.__table__  # type: ignore[attr-defined]
_DISCLOSURES = StoredDisclosure.__table__  # type: ignore[attr-defined]
# Built once: a statement that is built anew costs more than its execution.
_ADD = insert(_DISCLOSURES)
_WRAPPED = select(_KEYS.c.wrapped).where(_KEYS.c.subject == bindparam("of"))
# Answers with the key that another process has just stored, if it was faster.
_ADD_KEY = text(
    "INSERT INTO subject_key (subject, wrapped) VALUES (:of, :wrapped)"
    " ON CONFLICT (subject) DO UPDATE SET subject = excluded.subject RETURNING wrapped"
)


@dataclass(frozen=True)
class Vault:
    """Encrypts and opens disclosures. `key`: 32 bytes, wraps the keys of the subjects."""

    key: bytes

    def store(
        self, connection: Connection, record_id: str, subject: str, items: Sequence[Disclosure]
    ) -> None:
        """Keep the disclosures of one record, encrypted under their subject's key."""
        box = self._box(connection, subject)
        rows = [
            {
                "record_id": record_id,
                "digest": item.digest,
                "subject": subject,
                "ciphertext": bytes(_encrypt(box, item.text.encode("ascii"))),
            }
            for item in items
        ]
        connection.execute(_ADD, rows)

    def open(self, session: Session, record_ids: Iterable[str]) -> dict[str, list[Disclosure]]:
        """What is still there of the given records' personal data, by record id."""
        opened: dict[str, list[Disclosure]] = {}
        boxes: dict[str, SecretBox | None] = {}
        for chunk in _chunks(list(record_ids)):
            rows = session.connection().execute(
                select(_DISCLOSURES).where(_DISCLOSURES.c.record_id.in_(chunk))
            )
            for row in rows:
                if row.subject not in boxes:
                    boxes[row.subject] = self._existing(session.connection(), row.subject)
                box = boxes[row.subject]
                if box is not None:
                    text = _decrypt(box, row.ciphertext).decode("ascii")
                    opened.setdefault(row.record_id, []).append(parse(text))
        return opened

    def destroy(self, connection: Connection, subject: str) -> list[tuple[str, str]]:
        """Erase a subject: the key and all disclosures. Returns (record id, digest) of each."""
        rows = connection.execute(
            select(_DISCLOSURES.c.record_id, _DISCLOSURES.c.digest)
            .where(_DISCLOSURES.c.subject == subject)
            .order_by(_DISCLOSURES.c.record_id, _DISCLOSURES.c.digest)
        ).all()
        connection.execute(delete(_DISCLOSURES).where(_DISCLOSURES.c.subject == subject))
        connection.execute(delete(_KEYS).where(_KEYS.c.subject == subject))
        return [(record_id, digest) for record_id, digest in rows]

    def _box(self, connection: Connection, subject: str) -> SecretBox:
        existing = self._existing(connection, subject)
        if existing is not None:
            return existing
        fresh = _encrypt(SecretBox(self.key), ids.random_bytes(SecretBox.KEY_SIZE))
        row = {"of": subject, "wrapped": bytes(fresh)}
        wrapped = connection.execute(_ADD_KEY, row).scalar_one()
        return SecretBox(_decrypt(SecretBox(self.key), wrapped))

    def _existing(self, connection: Connection, subject: str) -> SecretBox | None:
        wrapped = connection.execute(_WRAPPED, {"of": subject}).scalar()
        return SecretBox(_decrypt(SecretBox(self.key), wrapped)) if wrapped else None


def _encrypt(box: SecretBox, plain: bytes) -> bytes:
    return box.encrypt(plain, ids.random_bytes(SecretBox.NONCE_SIZE))


def _decrypt(box: SecretBox, ciphertext: bytes) -> bytes:
    try:
        return box.decrypt(ciphertext)
    except CryptoError:
        raise IntegrityError(
            "vault_unreadable", "Stored personal data cannot be opened with this vault key."
        ) from None


def _chunks(values: list[str], size: int = 500) -> Iterable[list[str]]:
    return (values[start : start + size] for start in range(0, len(values), size))
