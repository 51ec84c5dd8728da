"""The C2PA manifest (technical specification 2.x): built, signed and embedded. The last writer.

A source that carries a manifest becomes our manifest's parent ingredient, so the vendor's own
signed statement stays in the file. Nothing private or of business goes in: no prompt, no person.
"""

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import c2pa

from governance.domain import Asset, Mark
from governance.kernel import clock, ids
from governance.kernel.errors import Unavailable
from governance.marking.context import SOURCE_TYPES, MarkContext
from governance.marking.credentials import native, timestamps

# Our own assertion; C2PA asks for a reverse domain name, this is the one of the log's origin.
RECORD_ASSERTION = "local.governance.record"
PARENT = "parent"
HISTORY = {
    "none": "The source had no manifest.",
    "opened": "The source is its parent ingredient.",
    "unreadable": "The source's own manifest cannot be read and is not kept.",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SoftBinding:
    """What finds the manifest again when it was stripped (section 18.10).

    alg: name of the algorithm, not in C2PA's list as it is of this service only; value: text in
    the algorithm's own form; watermark: it was put into the content, rather than computed from it.
    """

    alg: str
    value: str
    watermark: bool = False


@dataclass(frozen=True)
class Work:
    """What was done to the content before signing. edits: a sentence for each visible change or
    spoken label; transcoded: picture or sound was encoded anew.
    """

    edits: tuple[str, ...] = ()
    transcoded: bool = False
    bindings: tuple[SoftBinding, ...] = ()


def vendor_manifest(path: Path, media_type: str) -> Literal["none", "readable", "unreadable"]:
    """What manifest the file carries or refers to; a readable one need not be valid."""
    try:
        with path.open("rb") as stream, c2pa.Reader(media_type, stream, context=native.settings()):
            return "readable"
    except c2pa.C2paError.ManifestNotFound:
        return "none"
    except c2pa.C2paError as error:
        return "readable" if is_remote(error) else "unreadable"


def is_remote(error: c2pa.C2paError) -> bool:
    """Whether the reader stopped because the manifest is kept elsewhere."""
    return str(error).startswith("Remote:")


def sign(content: Path, target: Path, source: Asset, work: Work, context: MarkContext) -> Mark:
    """Write `content` with our manifest to `target`; returns the mark `c2pa`.

    source: the file as it arrived. Where an authority for time stamps is set and gives none in
    time, the manifest is signed without, and the mark says so. Raises Unavailable
    (`mark_signing_failed`).
    """
    found = vendor_manifest(source.path, source.media_type)
    parent = found == "readable" or (context.edited and found == "none")
    name = f"urn:c2pa:{UUID(bytes=ids.random_bytes(16), version=4)}"  # section 8.2
    definition = json.dumps({"label": name} | _definition(context, work, parent))
    writing = _Writing(content, target, source, parent, definition, context)
    time_stamp = _stamped(writing, context.authority.time_stamps)
    return Mark(
        kind="c2pa",
        state="present",
        tool=native.TOOL,
        version=native.version(),
        detail=f"Signed manifest. {HISTORY['opened' if parent else found]}",
        facts=(
            ("manifest", name),
            ("record_id", context.record_id),
            ("source_type", context.source_type),
            ("time_stamp", time_stamp),
            *((("soft_bindings", _names(work.bindings)),) if work.bindings else ()),
        ),
    )


@dataclass(frozen=True)
class _Writing:
    content: Path
    target: Path
    source: Asset
    parent: bool
    definition: str
    context: MarkContext

    def sign(self, time_stamps: str | None) -> None:
        """time_stamps: an address to ask for one. Raises c2pa.C2paError."""
        authority = self.context.authority
        with (
            c2pa.Signer.from_callback(
                authority.sign, authority.algorithm, authority.chain, time_stamps
            ) as signer,
            c2pa.Builder(self.definition, native.settings(authority.trust)) as builder,
        ):
            if self.parent:
                _add(builder, self.source, "parentOf", PARENT)
            for index, asset in enumerate(self.context.ingredients):
                _add(builder, asset, "componentOf", _component(index))
            with self.content.open("rb") as reading, self.target.open("w+b") as writing:
                builder.sign(signer, self.source.media_type, reading, writing)


def _stamped(writing: _Writing, authority: str) -> str:
    """Sign, with a time stamp if there is one to be had; returns the fact `time_stamp`."""
    if authority:
        try:
            with timestamps.relay(authority) as address:
                writing.sign(address)
            return f"RFC 3161, by {urlsplit(authority).hostname}"
        except c2pa.C2paError as error:
            log.warning("no time stamp for a manifest: %s", error)
    try:
        writing.sign(None)
    except c2pa.C2paError as error:
        raise Unavailable(
            "mark_signing_failed",
            f"The C2PA manifest could not be written: {str(error)[:200]}. Check the signing "
            "certificate's dates and that the file is whole.",
        ) from error
    return "none: authority unreachable" if authority else "none: not configured"


def _definition(context: MarkContext, work: Work, parent: bool) -> dict[str, Any]:
    record = {
        "record_id": context.record_id,
        "record_uri": context.record_uri,
        "digital_source_type": SOURCE_TYPES + context.source_type,
    }
    if context.checkpoint:
        record["checkpoint"] = context.checkpoint
    return {
        "claim_generator_info": [{"name": context.producer, "version": context.producer_version}],
        "title": context.title or context.record_id,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": _actions(context, work, parent)}},
            *(_binding(binding) for binding in work.bindings),
            {"label": RECORD_ASSERTION, "data": record},
        ],
    }


def _actions(context: MarkContext, work: Work, parent: bool) -> list[dict[str, Any]]:
    """Section 18.16, in the order in which things happened."""
    first: dict[str, Any] = {
        "action": "c2pa.opened" if parent else "c2pa.created",
        "digitalSourceType": SOURCE_TYPES + context.source_type,
    }
    if parent:
        first["parameters"] = {"ingredientIds": [PARENT]}
    placed = [
        {"action": "c2pa.placed", "parameters": {"ingredientIds": [_component(index)]}}
        for index in range(len(context.ingredients))
    ]
    edited = [{"action": "c2pa.edited", "description": edit} for edit in work.edits]
    watermarked = any(binding.watermark for binding in work.bindings)
    after = [
        *([{"action": "c2pa.watermarked.bound"}] if watermarked else []),
        *([{"action": "c2pa.transcoded"}] if work.transcoded else []),
    ]
    when = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    return [{**action, "when": when} for action in (first, *placed, *edited, *after)]


def _binding(binding: SoftBinding) -> dict[str, Any]:
    """Section 18.10; an empty scope is the whole of the content."""
    blocks = [{"scope": {}, "value": binding.value}]
    return {"label": "c2pa.soft-binding", "data": {"alg": binding.alg, "blocks": blocks}}


def _names(bindings: tuple[SoftBinding, ...]) -> str:
    return ", ".join(binding.alg for binding in bindings)


def _component(index: int) -> str:
    return f"component-{index}"


def _add(builder: c2pa.Builder, asset: Asset, relationship: str, label: str) -> None:
    described = {"title": asset.digest, "relationship": relationship, "label": label}
    with asset.path.open("rb") as stream:
        builder.add_ingredient(json.dumps(described), asset.media_type, stream)
