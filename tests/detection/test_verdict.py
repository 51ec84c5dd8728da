"""Verdicts say what is known, on what it rests, and what it does not prove."""

import pytest

from governance.detection import verdict
from governance.detection.findings import FOUND, Basis, Candidate, Sighting
from tests.detection.samples import RECORD, release


@pytest.mark.parametrize(
    ("basis", "words"),
    [
        (("digest", "metadata", "watermark"), "exactly this file"),
        (("metadata", "watermark"), "signed this file and released it"),
        (("watermark",), "changed or copied since"),
    ],
)
def test_a_released_file_is_named_with_the_day_and_by_its_strongest_basis(
    basis: tuple[Basis, ...], words: str
) -> None:
    said = verdict.identified(release(*basis))
    assert said.code == "released"
    assert said.basis == basis
    assert words in said.sentence
    assert "20 November 2026" in said.sentence


def test_a_recall_is_said_first_of_all() -> None:
    said = verdict.identified(release("digest", recalled_at="2026-11-21T08:00:00.000000Z"))
    assert said.code == "recalled"
    assert "recalled it on 21 November 2026" in said.sentence
    assert "no longer be used" in said.sentence


def test_of_a_draft_nothing_is_said_but_that_it_is_one() -> None:
    said = verdict.unreleased(["watermark", "metadata", "watermark"])
    assert said.sentence == "This service marked this file and has not released it."
    assert said.basis == ("watermark", "metadata")


def test_a_resemblance_is_called_a_hint_and_no_proof() -> None:
    said = verdict.candidate(Candidate(release("fingerprint"), 93))
    assert said.code not in FOUND
    assert "93 of 100" in said.sentence
    assert "no proof" in said.sentence


def test_metadata_that_anybody_can_write_proves_nothing() -> None:
    said = verdict.claimed(RECORD)
    assert said.code not in FOUND
    assert RECORD in said.sentence
    assert "anybody can write" in said.sentence


def test_other_services_are_named_as_far_as_they_name_themselves() -> None:
    signed = Sighting(
        "c2pa",
        "present",
        "Intact.",
        "metadata",
        (("signer", "Acme"), ("trust", "untrusted signer")),
    )
    stated = Sighting("iptc", "present", "Found.", "metadata")
    said = verdict.other_service([signed, stated])
    assert said is not None
    assert said.code == "other_service"
    assert "signed provenance of Acme (C2PA, untrusted signer)" in said.sentence
    assert "tampered" not in said.sentence
    assert verdict.other_service([Sighting("aigc", "absent", "None.")]) is None


def test_without_any_mark_nobody_is_told_that_a_file_is_no_ai_product() -> None:
    said = verdict.nothing()
    assert said.basis == ()
    assert "does not mean that the file was made without AI" in said.sentence
