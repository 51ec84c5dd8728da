"""Reads the C2PA manifest of a stored file and says what it proves.

`Trusted`: intact, and the signer is under the given anchors. `Valid`: intact, signer unknown
here, which says nothing against the file. `Invalid`: does not fit the file, or does not verify.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import c2pa

from governance.domain import Mark, MarkState
from governance.marking.credentials import manifest, native
from governance.marking.credentials.authority import Authority
from governance.marking.credentials.native import Trust

Validation = Literal["Trusted", "Valid", "Invalid"]
MAX_TEXT = 200
MAX_BINDINGS = 8
CONTENT_CODES = ("assertion.bmffHash", "assertion.dataHash", "assertion.boxesHash")
# Faults of the signer's certificate alone: the content is still as it was signed.
SIGNER_CODES = ("signingCredential.", "claimSignature.outsideValidity")
STAMP_EXPLAINED = "timestamp message digest matched: "  # followed by the authority's name


@dataclass(frozen=True)
class ManifestFacts:
    """What the active manifest says.

    manifest: its URN; codes: failures that validation reported; signer: the organisation in the
    certificate, not its common name, which may be a person's; time_stamp: begins with `RFC 3161`
    where one is intact and its authority is under the anchors, else with `none` or `untrusted`;
    soft_bindings: pairs of algorithm and value; claimed: algorithms of soft bindings that other
    manifests in the file, of ingredients, state; checkpoint: origin, size and root hash of the
    log; manifests: how many the file holds.
    """

    validation: Validation
    manifest: str
    codes: tuple[str, ...]
    signer: str
    generator: str
    time_stamp: str
    actions: tuple[str, ...]
    ingredients: int
    soft_bindings: tuple[tuple[str, str], ...]
    claimed: tuple[str, ...]
    record_id: str
    checkpoint: str
    source_type: str
    manifests: int


def read_manifest(
    path: Path, media_type: str, trust: Trust | str, record_id: str = "", source_type: str = ""
) -> Mark:
    """The mark `c2pa` of the file. trust: the anchors; a text is PEM of signers' alone, or empty.

    `record_id` and `source_type` are what our own writer meant to write, if it was ours: a
    manifest that names another record is not our mark.
    """
    try:
        facts = manifest_facts(path, media_type, trust)
    except c2pa.C2paError.ManifestNotFound:
        return _mark("absent", "No C2PA manifest in the file.")
    except c2pa.C2paError as error:
        if manifest.is_remote(error):
            return _mark("not_checked", "The manifest is kept elsewhere; it is not fetched.")
        return _mark("absent", f"The manifest cannot be read: {clean(str(error))}")
    return judge(facts, record_id, source_type)


def signed_by(path: Path, media_type: str, authority: Authority) -> bool:
    """Whether `authority` itself signed the file, which is intact.

    The root alone says that only of the local authority: others are under a public root, too, and
    are told apart by the organisation that it has certified.
    """
    try:
        facts = manifest_facts(path, media_type, authority.ca_pem)
    except c2pa.C2paError:
        return False
    return facts.validation == "Trusted" and facts.signer == clean(authority.organisation)


def manifest_store(path: Path, media_type: str, trust: Trust | str) -> bytes:
    """The file's manifests and their validation as JSON, in the form of the C2PA reader.

    Raises c2pa.C2paError where there is none to read.
    """
    return _store(path, media_type, trust)[0].encode()


def manifest_facts(path: Path, media_type: str, trust: Trust | str) -> ManifestFacts:
    """Validate the file's manifests; raises c2pa.C2paError where there is none to read."""
    text, state = _store(path, media_type, trust)
    store = json.loads(text)
    # A damaged store may name an active manifest that it doesn't hold.
    stored = store.get("manifests", {})
    name = store.get("active_manifest", "")
    active = stored.get(name, {})
    results = store.get("validation_results", {}).get("activeManifest", {})
    generators = active.get("claim_generator_info") or [{}]
    others = (other for key, other in stored.items() if key != name)
    record = next(_data(active, manifest.RECORD_ASSERTION), {})
    return ManifestFacts(
        validation=_validation(state, results),
        manifest=clean(name),
        codes=tuple(sorted({clean(failure["code"]) for failure in results.get("failure", [])})),
        signer=clean(active.get("signature_info", {}).get("issuer", "")),
        generator=clean(generators[0].get("name", "")),
        time_stamp=_time_stamp(active, results),
        actions=tuple(clean(action.get("action", "")) for action in _actions(active)),
        ingredients=len(active.get("ingredients", [])),
        soft_bindings=tuple(_bindings(active)),
        claimed=tuple(sorted({alg for other in others for alg, _ in _bindings(other)})),
        record_id=clean(record.get("record_id", "")),
        checkpoint=_checkpoint(record),
        source_type=_source_type(active),
        manifests=len(stored),
    )


def _store(path: Path, media_type: str, trust: Trust | str) -> tuple[str, Validation]:
    """The reader's JSON, and its word on the whole."""
    if isinstance(trust, str):
        trust = Trust(trust)
    with (
        path.open("rb") as stream,
        c2pa.Reader(media_type, stream, context=native.settings(trust)) as reader,
    ):
        return reader.json(), reader.get_validation_state()


def _validation(state: Validation, results: dict[str, Any]) -> Validation:
    """`Trusted` only under a root of signers: the library takes those of time stamps as well."""
    known = any(
        entry.get("code") == "signingCredential.trusted"
        and f"[{native.SIGNERS}]" in str(entry.get("explanation"))
        for entry in results.get("success", [])
    )
    return "Valid" if state == "Trusted" and not known else state


def _data(stored: dict[str, Any], label: str) -> Iterator[dict[str, Any]]:
    """What the manifest's assertions of a label say."""
    for entry in stored.get("assertions", []):
        if str(entry.get("label", "")).startswith(label) and isinstance(entry.get("data"), dict):
            yield entry["data"]


def _actions(stored: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for data in _data(stored, "c2pa.actions"):
        yield from (action for action in data.get("actions", []) if isinstance(action, dict))


def _bindings(stored: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for data in _data(stored, "c2pa.soft-binding"):
        for block in data.get("blocks", []) or [{}]:
            value = block.get("value", "") if isinstance(block, dict) else ""
            yield clean(data.get("alg", "")), value if isinstance(value, str) else ""


def _source_type(stored: dict[str, Any]) -> str:
    """The term of the first action that names one."""
    named = (action.get("digitalSourceType") for action in _actions(stored))
    return next((clean(str(uri).rsplit("/", 1)[-1]) for uri in named if uri), "")


def _checkpoint(record: dict[str, Any]) -> str:
    """C2SP tlog-checkpoint: origin, size and root hash are the first three lines."""
    return clean(" ".join(str(record.get("checkpoint", "")).split("\n")[:3]))


def _time_stamp(stored: dict[str, Any], results: dict[str, Any]) -> str:
    entries = [entry for found in results.values() for entry in found]
    codes = {entry.get("code") for entry in entries}
    if "timeStamp.validated" not in codes:
        faults = sorted(str(code) for code in codes if str(code).startswith("timeStamp."))
        return f"none: not intact ({', '.join(faults)})" if faults else "none: not in the manifest"
    explained = next(e for e in entries if e.get("code") == "timeStamp.validated")
    by = str(explained.get("explanation", "")).removeprefix(STAMP_EXPLAINED)
    said = clean(f"RFC 3161, {stored.get('signature_info', {}).get('time', '')}, {by}")
    known = any(
        entry.get("code") == "timeStamp.trusted"
        and str(entry.get("explanation")).endswith(f"trust list: {native.STAMPS}")
        for entry in entries
    )
    return said if known else f"untrusted: {said}"


def judge(facts: ManifestFacts, record_id: str = "", source_type: str = "") -> Mark:
    """The mark, by what validation found and what was expected."""
    if facts.validation == "Invalid":
        return _mark("absent", _fault(facts), facts)
    if record_id and facts.record_id != record_id:
        return _mark("absent", "The manifest is intact, but belongs to another record.", facts)
    if source_type and facts.source_type != source_type:
        return _mark("absent", "The manifest is intact, but names another source type.", facts)
    if facts.validation == "Trusted":
        return _mark("present", "Intact; the signer is under the given trust anchors.", facts)
    return _mark("present", "Intact; the signer is not under the given trust anchors.", facts)


def _fault(facts: ManifestFacts) -> str:
    codes = [code for code in facts.codes if code != "signingCredential.untrusted"]
    listed = ", ".join(codes) or "no code given"
    if any(code.startswith(CONTENT_CODES) for code in codes):
        return f"A manifest is there, but the file was changed after signing ({listed})."
    if codes and all(code.startswith(SIGNER_CODES) for code in codes):
        return f"A manifest is there, but its signer's certificate is not acceptable ({listed})."
    return f"A manifest is there, but it does not verify ({listed})."


def _mark(state: MarkState, detail: str, facts: ManifestFacts | None = None) -> Mark:
    listed = () if facts is None else tuple(_listed(facts))
    filled = tuple((name, value) for name, value in listed if value)
    return Mark("c2pa", state, native.TOOL, native.version(), detail, filled)


def _listed(facts: ManifestFacts) -> Iterator[tuple[str, str]]:
    yield "validation", facts.validation
    yield "manifest", facts.manifest
    yield "codes", ", ".join(facts.codes)[:MAX_TEXT]
    yield "signer", facts.signer
    yield "generator", facts.generator
    yield "time_stamp", facts.time_stamp
    yield "actions", ", ".join(facts.actions)[:MAX_TEXT]
    yield "ingredients", str(facts.ingredients)
    for number, (alg, value) in enumerate(facts.soft_bindings[:MAX_BINDINGS], start=1):
        yield f"soft_binding_{number}", clean(f"{alg} {value}")
    yield "claimed_by_ingredients", ", ".join(facts.claimed)[:MAX_TEXT]
    yield "record_id", facts.record_id
    yield "checkpoint", facts.checkpoint
    yield "source_type", facts.source_type
    yield "manifests", str(facts.manifests)


def clean(text: Any) -> str:
    """Text from a stranger's file, fit for a record: printable and short."""
    return "".join(character for character in str(text) if character.isprintable())[:MAX_TEXT]
