"""Step 9: what an agent signed is verified again, wherever it is opened."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from nacl.signing import SigningKey

from governance.client.signer import RequestSigner
from governance.evidence import mandate, requests
from governance.evidence.disclosure import Disclosure, disclose, parse
from governance.evidence.encoding import decode64, serialise
from governance.evidence.errors import EvidenceError
from governance.evidence.record import Record
from governance.evidence.signature_base import HttpRequest, sign_request, signature_base
from governance.evidence.verify import Verdict, verify_files
from tests.chains import Forge
from tests.evidence.samples import PERSON, ROOT, Body, bundle_of, imported, record, released
from tests.evidence.test_identities import AGENT, FOREIGN, KEY, NOON, Log

PATH, AUTHORITY = "/v1/videos", "governance.example"
Proof = dict[str, str]


def proof(
    signer: RequestSigner = KEY,
    *,
    method: str = "POST",
    path: str = PATH,
    created: int = 0,
    nonce: str = "a" * 16,
    delegation: str = "",
    has_body: bool = True,
) -> Proof:
    """What a request's signature leaves on record. created: seconds after noon."""
    fields = (
        {"content-type": "application/json", "content-digest": "sha-256=:x:"} if has_body else {}
    )
    if delegation:
        fields["gov-delegation"] = delegation
    request = HttpRequest(method, AUTHORITY, path, "", fields)
    begin = int(NOON.timestamp()) + created
    lifetime: dict[str, Any] = {"created": begin, "expires": begin + 30, "nonce": nonce}
    headers = sign_request(request, signer.sign, keyid=signer.keyid, **lifetime)
    parameters = headers["Signature-Input"].removeprefix("gov=")
    signature = headers["Signature"].removeprefix("gov=:").removesuffix(":")
    return {
        "base": signature_base(request, tuple(_names(parameters)), parameters),
        "signature": decode64(signature, "A signature").hex(),
    }


def _names(parameters: str) -> list[str]:
    return [name.strip('"') for name in parameters[1 : parameters.index(")")].split()]


@dataclass
class Signed:
    """A log in which a registered agent asks for something, and what is opened of it."""

    log: Log = field(default_factory=Log)
    opened: list[tuple[str, str]] = field(default_factory=list)
    document: str = ""

    def __post_init__(self) -> None:
        self.document = self.log.registered(self.log.document())

    def ask(
        self, value: Any, event: str = "generation.requested", *, is_open: bool = True, **body: Any
    ) -> Record:
        """body: changes to the request's body."""
        principal = {
            "kind": "agent",
            "id": AGENT,
            "assurance": "A",
            "accountable": PERSON,
            "chain": [PERSON, AGENT],
            "document": self.document,
        }
        asked = (released() if event == "generation.requested" else imported())[0][1]
        asked |= {
            "principal": principal,
            "signature": {"profile": "gov-agent-v1", "keyid": KEY.keyid},
            **body,
        }
        number = len(self.log.records)
        made: list[Disclosure] = []
        if value is not None:
            made.append(disclose(requests.NAME, value, number.to_bytes(16)))
        at = f"{self.log.now:%Y-%m-%dT%H:%M:%S}.000000Z"
        stream = f"gen_{number:032x}"
        sealed = record(event, asked, stream=stream, at=at, sd=tuple(one.digest for one in made))
        self.log.records.append(sealed)
        self.opened += [(sealed.id, one.text) for one in made if is_open]
        return sealed

    def verify(self) -> Verdict:
        files = bundle_of(self.log.records) | self.log.files
        lines = [serialise({"record": name, "disclosure": text}) for name, text in self.opened]
        files["disclosures.jsonl"] = b"".join(line + b"\n" for line in lines)
        return verify_files(files, ROOT.keyid)

    def refusal(self) -> str:
        verdict = self.verify()
        assert verdict.failure is not None, "it was believed"
        assert verdict.failed_step == "identities", verdict.failure
        return verdict.failure.code


@pytest.fixture
def signed() -> Signed:
    return Signed()


def test_an_opened_signature_is_verified_and_counted(signed: Signed) -> None:
    signed.ask(proof())
    signed.ask(proof(nonce="b" * 16, path="/v1/governance/generations"))
    signed.ask(proof(nonce="c" * 16, path="/v1/governance/assets"), "asset.imported")
    verdict = signed.verify()
    assert verdict.failure is None, verdict.failure
    assert verdict.steps[8].result.endswith("; 3 of 3 request signatures verified")
    assert not any("request signatures" in text for text in verdict.not_checked)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/videos/edits",
        "/v1/videos/extensions",
        "/v1/images/generations",
        "/v1/images/edits",
        "/v1/audio/speech",
        "/behind/a/gateway/v1/videos",
    ],
)
def test_a_request_is_made_at_any_of_the_addresses_for_it(signed: Signed, path: str) -> None:
    signed.ask(proof(path=path))
    assert signed.verify().failure is None


@pytest.mark.parametrize("path", ["/v1/videos/{}/remix", "/v1/governance/generations/{}/promote"])
def test_another_version_is_of_the_generation_that_the_address_names(
    signed: Signed, path: str
) -> None:
    parent, other = f"gen_{77:032x}", f"gen_{78:032x}"
    signed.ask(proof(path=path.format(parent)), parent=parent)
    assert signed.verify().failure is None
    signed.ask(proof(path=path.format(parent), nonce="b" * 16), parent=other)
    assert signed.refusal() == "request_signature_wrong"


def test_one_that_is_not_disclosed_is_said_to_be_unchecked(signed: Signed) -> None:
    signed.ask(proof())
    signed.ask(proof(nonce="b" * 16), is_open=False)
    verdict = signed.verify()
    assert verdict.failure is None, verdict.failure
    assert verdict.steps[8].result.endswith("; 1 of 2 request signatures verified")
    assert "1 request signatures of agents: not disclosed, or erased." in verdict.not_checked


def test_so_is_one_of_an_agent_without_a_document(signed: Signed) -> None:
    principal = {"kind": "agent", "id": AGENT, "assurance": "A", "accountable": PERSON}
    signed.ask(proof(), principal={**principal, "chain": [PERSON, AGENT]})
    (said,) = (text for text in signed.verify().not_checked if "request signatures" in text)
    assert said == "1 request signatures of agents that have no identity document."


def test_any_changed_letter_of_the_text_is_noticed(signed: Signed) -> None:
    right = proof()
    asked = signed.ask(None)
    for place in range(0, len(right["base"]), 5):
        letters = list(right["base"])
        letters[place] = chr(ord(letters[place]) ^ 1)
        forged = {**right, "base": "".join(letters)}
        with pytest.raises(EvidenceError) as caught:
            requests.check([(1, asked)], {asked.id: [forged]}, {KEY.keyid: KEY.public_key})
        assert caught.value.code == "request_signature_wrong", place


def test_a_changed_text_fails_the_whole_bundle(signed: Signed) -> None:
    right = proof()
    signed.ask({**right, "base": right["base"].replace(PATH, "/v1/videoz")})
    assert signed.refusal() == "request_signature_wrong"


def test_the_key_is_the_one_that_the_record_names(signed: Signed) -> None:
    signed.ask(proof(FOREIGN))
    assert signed.refusal() == "request_signature_wrong"


def test_a_foreign_key_is_not_helped_by_naming_ours(signed: Signed) -> None:
    forged = proof(FOREIGN)
    signed.ask({**forged, "base": forged["base"].replace(FOREIGN.keyid, KEY.keyid)})
    assert signed.refusal() == "request_signature_wrong"


def test_swapped_signatures_fail_each(signed: Signed) -> None:
    one, two = proof(nonce="a" * 16), proof(nonce="b" * 16)
    signed.ask({**one, "signature": two["signature"]})
    signed.ask({**two, "signature": one["signature"]})
    assert signed.refusal() == "request_signature_wrong"


def test_swapped_disclosures_are_not_those_of_their_records(signed: Signed) -> None:
    signed.ask(proof(nonce="a" * 16))
    signed.ask(proof(nonce="b" * 16))
    (first, one), (second, two) = signed.opened
    signed.opened = [(first, two), (second, one)]
    assert signed.verify().failed_step == "disclosures"


def test_texts_swapped_before_they_were_recorded_fail_by_their_time(signed: Signed) -> None:
    later = int(timedelta(hours=2).total_seconds())
    signed.ask(proof(created=later))
    signed.log.later(timedelta(hours=2))
    signed.ask(proof(nonce="b" * 16))
    assert signed.refusal() == "request_signature_wrong"


def test_one_signature_never_makes_two_records(signed: Signed) -> None:
    signed.ask(proof())
    signed.ask(proof())
    assert signed.refusal() == "request_signature_repeated"


@pytest.mark.parametrize(
    ("event", "path", "created", "is_believed"),
    [
        ("generation.requested", PATH, 5, True),
        ("generation.requested", PATH, 6, False),
        ("generation.requested", PATH, -90, True),
        ("generation.requested", PATH, -91, False),
        ("asset.imported", "/v1/governance/assets", -3630, True),
        ("asset.imported", "/v1/governance/assets", -3631, False),
    ],
)
def test_it_was_valid_when_the_request_was_recorded(
    signed: Signed, event: str, path: str, created: int, is_believed: bool
) -> None:
    """An upload takes its time."""
    signed.ask(proof(path=path, created=created), event)
    if is_believed:
        assert signed.verify().failure is None
    else:
        assert signed.refusal() == "request_signature_wrong"


@pytest.mark.parametrize(
    "other",
    [
        {"method": "GET"},
        {"path": "/v1/videos/1"},
        {"path": "/v1/governance/assets"},
        {"has_body": False},
        {"delegation": "a.b.c"},
    ],
    ids=str,
)
def test_it_is_of_such_a_request(signed: Signed, other: dict[str, Any]) -> None:
    signed.ask(proof(**other))
    assert signed.refusal() == "request_signature_wrong"


@pytest.mark.parametrize("value", [None, "text", [], {"base": 1}, {"base": "", "signature": "zz"}])
def test_what_is_no_signature_is_named(signed: Signed, value: Any) -> None:
    asked = signed.ask(None)
    with pytest.raises(EvidenceError) as caught:
        requests.check([(1, asked)], {asked.id: [value]}, {KEY.keyid: KEY.public_key})
    assert caught.value.code == "request_signature_wrong"


def test_a_signature_that_the_record_does_not_name_is_noticed(signed: Signed) -> None:
    signed.ask(proof(), signature=None, principal={**_person(), "kind": "person"})
    assert signed.refusal() == "request_signature_wrong"


def _person() -> Body:
    return {"id": PERSON, "assurance": "C", "accountable": PERSON, "chain": [PERSON]}


class TestDelegation:
    """Whoever acts within a mandate signs with the key that its last hop empowers."""

    HOPS = tuple(Forge(1).hops())

    def ask(self, signed: Signed, delegation: str, signer: RequestSigner | None = None) -> Record:
        holder = mandate.read(self.HOPS[-1])
        digests = [mandate.digest(hop) for hop in self.HOPS]
        principal = {**_person(), "kind": "agent", "id": AGENT, "document": signed.document}
        return signed.ask(
            proof(signer or self.signer(), delegation=delegation),
            principal={**principal, "assurance": "A", "mandate": digests},
            signature={"profile": "gov-agent-v1", "keyid": holder.keyid},
        )

    def signer(self) -> RequestSigner:
        return RequestSigner(bytes(SigningKey(bytes([1]) * 32)))

    def check(self, signed: Signed, asked: Record) -> requests.Signatures:
        holder = mandate.read(self.HOPS[-1])
        (one,) = signed.opened
        value = parse(one[1]).value
        return requests.check([(1, asked)], {asked.id: [value]}, {holder.keyid: holder.key})

    def test_its_key_and_its_hops_are_what_was_signed(self, signed: Signed) -> None:
        asked = self.ask(signed, mandate.SEPARATOR.join(self.HOPS))
        assert self.check(signed, asked).verified == 1

    @pytest.mark.parametrize("presented", ["", "a.b.c", mandate.SEPARATOR.join(HOPS * 2)])
    def test_another_delegation_is_noticed(self, signed: Signed, presented: str) -> None:
        asked = self.ask(signed, presented)
        with pytest.raises(EvidenceError, match="another delegation"):
            self.check(signed, asked)

    def test_the_agents_own_key_is_not_the_instances(self, signed: Signed) -> None:
        asked = self.ask(signed, mandate.SEPARATOR.join(self.HOPS), KEY)
        with pytest.raises(EvidenceError, match="names another key"):
            self.check(signed, asked)
