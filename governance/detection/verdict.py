"""A finding in words for people: what is known, on what it rests, and what it does not prove."""

from collections.abc import Sequence

from governance.detection.findings import Basis, Candidate, Release, Sighting, Verdict
from governance.kernel import clock

NOTHING = "No mark of this service was found. That does not mean that the file was made without AI."


def identified(release: Release) -> Verdict:
    """A file that this service released."""
    if release.recalled_at:
        sentence = (
            f"This service released this file and recalled it on {day(release.recalled_at)}: it "
            "should no longer be used."
        )
        return Verdict("recalled", sentence, release.basis)
    on = day(release.released_at)
    if "digest" in release.basis:
        sentence = f"This service released exactly this file on {on}."
    elif "metadata" in release.basis:
        sentence = f"This service signed this file and released it on {on}."
    else:
        sentence = (
            f"This file comes from one that this service released on {on}; it was changed or "
            "copied since."
        )
    return Verdict("released", sentence, release.basis)


def unreleased(basis: Sequence[Basis]) -> Verdict:
    """Says nothing of whose draft it is."""
    sentence = "This service marked this file and has not released it."
    return Verdict("unreleased", sentence, tuple(dict.fromkeys(basis)))


def candidate(best: Candidate) -> Verdict:
    sentence = (
        "No mark of this service was found, but the file resembles one that it released "
        f"({best.score} of 100). That is a hint and no proof: files that were made alike look "
        "alike."
    )
    return Verdict("candidate", sentence, ("fingerprint",))


def claimed(generation: str) -> Verdict:
    return Verdict(
        "claimed",
        f"The file's metadata names {generation}, a record of this service, but nothing proves "
        "it: anybody can write such metadata, and no mark of this service was found.",
        ("metadata",),
    )


def other_service(sightings: Sequence[Sighting]) -> Verdict | None:
    """None when no other service has marked the file as far as can be seen."""
    found = [_of_others(sighting) for sighting in sightings]
    listed = [words for words in found if words]
    if not listed:
        return None
    return Verdict(
        "other_service",
        f"No mark of this service was found. The file carries {' and '.join(listed)}.",
        ("metadata",),
    )


def nothing() -> Verdict:
    return Verdict("nothing", NOTHING)


def day(moment: str) -> str:
    """`22 November 2026`."""
    at = clock.parse(moment)
    return f"{at.day} {at:%B %Y}"


def _of_others(sighting: Sighting) -> str:
    facts = dict(sighting.facts)
    if sighting.state != "present":
        return ""
    if sighting.kind == "c2pa":
        signer = f" of {facts['signer']}" if facts.get("signer") else ""
        return f"signed provenance{signer} (C2PA, {facts.get('trust', 'untrusted signer')})"
    if sighting.kind == "iptc":
        return f"an unsigned statement of its source ({facts.get('source_type', 'IPTC')})"
    if sighting.kind == "aigc":
        return f"an AIGC label{f' of {who}' if (who := facts.get('producer')) else ''}"
    return ""
