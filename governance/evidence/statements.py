"""Step 10: decisions that people signed with an authenticator say what their records say.

A signature counts only if the credential was enrolled for that very person earlier in the log and
not revoked before. Who that person is, and that the enrolment was theirs, is the service's word.
"""

from collections.abc import Sequence

from governance.evidence import assertion
from governance.evidence.assertion import Enrolment
from governance.evidence.encoding import decode64url
from governance.evidence.errors import EvidenceError
from governance.evidence.record import Record

DECISIONS = ("review.decided", "approval.decided")


def check(records: Sequence[tuple[int, Record]]) -> str:
    """What was found, in words. records: (log index, record), in that order.

    Raises EvidenceError (`statement_unproven`, `statement_wrong`).
    """
    enrolled: dict[str, Enrolment] = {}
    policies: dict[str, str] = {}
    proven = unproven = unchecked = 0
    for index, record in records:
        if record.event == "authenticator.changed":
            _note(enrolled, record)
        elif record.event == "policy.decided":
            policies[record.stream] = record.body["policy"]
        elif record.event in DECISIONS and "proof" not in record.body:
            _require_modest(record, index)
            unproven += 1
        elif record.event in DECISIONS:
            _require_fitting(record, index, policies.get(record.stream, ""))
            is_checked = _verify(record, index, enrolled)
            proven += is_checked
            unchecked += not is_checked
    return _told(proven, unproven, unchecked)


def _note(enrolled: dict[str, Enrolment], record: Record) -> None:
    """Follow the enrolments: a credential belongs to one person until it is revoked."""
    body = record.body
    if body["kind"] != "webauthn":
        return
    credential = body["credential"]
    if body["action"] == "revoked":
        enrolled.pop(credential, None)
        return
    key = decode64url(body["public_key"], "public_key")
    enrolled[credential] = Enrolment(
        credential, body["person"], key, body["algorithm"], body["rp_id"]
    )


def _require_modest(record: Record, index: int) -> None:
    if record.body["assurance"] == "A":
        raise EvidenceError(
            "statement_unproven",
            f"The decision at log index {index} claims assurance A and carries no signature.",
        )


def _require_fitting(record: Record, index: int, policy: str) -> None:
    """The signed words are about this generation, under the policy that asked for a decision."""
    body = record.body
    said = (body["assurance"], body.get("generation"), body.get("policy"))
    if said != ("A", record.stream, policy):
        raise EvidenceError(
            "statement_wrong",
            f"The decision at log index {index} was signed about another generation or policy.",
        )


def _verify(record: Record, index: int, enrolled: dict[str, Enrolment]) -> bool:
    enrolment = enrolled.get(record.body["proof"]["credential"])
    if enrolment is None:
        raise EvidenceError(
            "statement_unproven",
            f"The decision at log index {index} is signed with a credential that was not enrolled "
            "at that time.",
        )
    try:
        return assertion.verify(record.body, enrolment)
    except EvidenceError as error:
        raise EvidenceError(error.code, f"Log index {index}: {error.message}") from None


def _told(proven: int, unproven: int, unchecked: int) -> str:
    if not proven + unproven + unchecked:
        return "no person decided anything"
    noun = "decision" if proven == 1 else "decisions"
    parts = [
        f"{proven} {noun} signed by the authenticator that this service enrolled for the person"
    ]
    if unchecked:
        parts.append(f"{unchecked} not checked: ES256 needs the package `cryptography`")
    if unproven:
        parts.append(f"{unproven} without an authenticator's signature (assurance C)")
    return "; ".join(parts)
