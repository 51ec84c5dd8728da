"""What is this file, and did this service release it? Real files, a real log, real marks."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from governance.detection import statement
from governance.detection.detect import detect
from governance.detection.findings import Detection
from governance.evidence import checkpoint, merkle
from governance.kernel.errors import InvalidRequest
from governance.marking.context import MarkContext
from governance.marking.credentials.authority import load_or_create
from governance.marking.credentials.manifest_read import manifest_facts
from governance.marking.credentials.native import NOBODY
from governance.marking.probe import inspect
from governance.marking.write import mark
from tests.detection.conftest import Press, textured
from tests.marking import samples


def states(found: Detection) -> dict[str, str]:
    return {sighting.kind: sighting.state for sighting in found.sightings}


def told(found: Detection, press: Press) -> str:
    """Everything that leaves the house."""
    settings = press.context.settings
    origin = press.context.ledger.keyring.manifest.origin
    return json.dumps(statement.statement(found, settings.base_url, origin))


def signed(press: Press, source: Path, record: str, *, by: Path | None = None) -> Path:
    """A file with metadata and a manifest that names a record; by: another signer's keys.

    The manifest is registered for the record, as if we had written it.
    """
    authority = load_or_create(by) if by else press.context.authority
    context = MarkContext(record, "https://elsewhere.example", samples.GENERATED, authority)
    path = source.with_stem("signed")
    asset = inspect(source)
    mark(asset, path, (), context)
    press.register(record, manifest=manifest_facts(path, asset.media_type, NOBODY).manifest)
    return path


def picture(folder: Path, seed: int = 7) -> Path:
    path = folder / "picture.png"
    Image.fromarray(textured(seed)).save(path)
    return path


@pytest.fixture(scope="module")
def known(opened_press: Press) -> Detection:
    """What is found of a released picture of which only the watermark is left."""
    return detect(opened_press.context, opened_press.marked(opened_press.released))


class TestReleased:
    def test_the_delivered_bytes_are_known_exactly(self, press: Press) -> None:
        found = detect(press.context, press.delivered(press.released))
        assert found.is_found
        assert (found.verdict.code, found.verdict.basis[0]) == ("released", "digest")
        assert [release.generation for release in found.releases] == [press.released]

    def test_a_copy_without_metadata_is_known_by_its_watermark(
        self, press: Press, tmp_path: Path
    ) -> None:
        copy = tmp_path / "copy.jpg"
        with Image.open(press.marked(press.released)) as image:
            image.resize((400, 225)).save(copy, quality=70)
        found = detect(press.context, copy)
        assert (found.verdict.code, found.verdict.basis) == ("released", ("watermark",))
        (release,) = found.releases
        assert release.generation == press.released
        assert release.basis == ("watermark",)
        assert states(found)["digest"] == states(found)["c2pa"] == "absent"

    def test_the_release_is_proven_to_be_in_the_log(self, known: Detection) -> None:
        proof = known.releases[0].proof
        assert proof is not None
        head = checkpoint.parse(proof.checkpoint.encode())
        path = [base64.b64decode(step) for step in proof.path]
        merkle.verify_inclusion(proof.index, head.size, bytes.fromhex(proof.leaf), path, head.root)

    def test_a_recalled_file_is_called_so(self, press: Press) -> None:
        found = detect(press.context, press.marked(press.recalled))
        assert found.verdict.code == "recalled"
        assert found.releases[0].recalled_at > found.releases[0].released_at

    def test_nothing_is_told_of_prompts_people_projects_and_prices(
        self, press: Press, known: Detection
    ) -> None:
        story = press.house.service.story(press.released)
        text = told(known, press)
        secrets = [story.request["project"], story.request["principal"]["id"], "prompt", "price"]
        assert [secret for secret in secrets if secret in text] == []


class TestDrafts:
    def test_of_a_draft_is_told_that_it_is_marked_and_not_released(self, press: Press) -> None:
        found = detect(press.context, press.marked(press.draft))
        assert found.verdict.code == "unreleased"
        assert found.releases == ()
        text = told(found, press)
        assert press.draft not in text
        assert press.house.service.story(press.draft).request["project"] not in text

    def test_nobody_learns_that_a_draft_looks_alike(self, press: Press) -> None:
        found = detect(press.context, press.alike(press.draft, seed=11))
        assert found.verdict.code == "nothing"
        assert found.candidates == ()


class TestCandidates:
    def test_a_likeness_is_a_candidate(self, press: Press) -> None:
        found = detect(press.context, press.alike(press.released, seed=12))
        assert not found.is_found
        assert (found.verdict.code, found.verdict.basis) == ("candidate", ("fingerprint",))
        (candidate,) = found.candidates
        assert candidate.release.generation == press.released
        assert candidate.score > 50
        assert found.releases == ()

    def test_a_file_of_nobodys_is_nothing_known(self, press: Press, tmp_path: Path) -> None:
        found = detect(press.context, picture(tmp_path, 99))
        assert found.verdict.code == "nothing"
        assert states(found)["vendor"] == "not_checked"
        checked = {kind: state for kind, state in states(found).items() if state != "not_checked"}
        assert checked.keys() == {"digest", "c2pa", "iptc", "aigc", "watermark", "fingerprint"}
        assert set(checked.values()) == {"absent"}

    def test_a_flat_picture_has_no_fingerprint_and_that_is_said(
        self, press: Press, tmp_path: Path
    ) -> None:
        path = tmp_path / "flat.png"
        Image.new("RGB", (320, 180), (90, 90, 90)).save(path)
        assert states(detect(press.context, path))["fingerprint"] == "not_checked"

    def test_a_sound_too_short_for_a_watermark_is_not_called_unmarked(
        self, press: Press, tmp_path: Path
    ) -> None:
        found = detect(press.context, samples.wav(tmp_path / "short.wav"))
        watermark = next(s for s in found.sightings if s.kind == "watermark")
        assert watermark.state == "not_checked"
        assert watermark.detail


class TestMetadata:
    def test_our_own_signature_leads_to_the_record(self, press: Press, tmp_path: Path) -> None:
        found = detect(press.context, signed(press, picture(tmp_path), press.released))
        assert (found.verdict.code, found.verdict.basis) == ("released", ("metadata",))

    def test_a_foreign_signature_that_names_our_record_proves_nothing(
        self, press: Press, tmp_path: Path
    ) -> None:
        path = signed(press, picture(tmp_path), press.released, by=tmp_path / "keys")
        found = detect(press.context, path)
        assert found.verdict.code == "claimed"
        assert press.released in found.verdict.sentence
        assert found.releases == ()

    def test_a_file_of_another_service_is_called_that_and_not_tampered(
        self, press: Press, tmp_path: Path
    ) -> None:
        path = signed(press, picture(tmp_path), f"gen_{'0' * 32}", by=tmp_path / "keys")
        found = detect(press.context, path)
        assert found.verdict.code == "other_service"
        assert "untrusted signer" in found.verdict.sentence
        assert "tampered" not in told(found, press)

    def test_a_file_changed_after_signing_is_told_so(self, press: Press, tmp_path: Path) -> None:
        path = signed(press, samples.wav(tmp_path / "sound.wav"), press.released)
        data = bytearray(path.read_bytes())
        data[data.index(b"data") + 100] ^= 1
        path.write_bytes(data)
        found = detect(press.context, path)
        facts = dict(next(s.facts for s in found.sightings if s.kind == "c2pa"))
        assert facts["trust"] == "does not fit the file"
        assert found.verdict.code == "claimed"


class TestProgress:
    @pytest.fixture
    def clip(self, tmp_path: Path) -> Iterator[Path]:
        yield samples.video(tmp_path / "clip.mp4", seconds=2.0, sound=samples.tone())

    def test_it_goes_on_from_nothing_to_all(self, press: Press, clip: Path) -> None:
        shares: list[float] = []
        found = detect(press.context, clip, shares.append)
        assert shares == sorted(shares)
        assert shares[-1] == 1.0
        assert found.seconds == pytest.approx(2.0, abs=0.1)

    def test_whoever_is_told_may_stop_it(self, press: Press, clip: Path) -> None:
        class Enough(Exception): ...

        def stop(share: float) -> None:
            raise Enough

        with pytest.raises(Enough):
            detect(press.context, clip, stop)

    def test_of_a_long_file_the_beginning_is_looked_at_and_that_is_said(
        self, press: Press, clip: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("governance.detection.looking.MAX_SECONDS", 0.5)
        found = detect(press.context, clip)
        assert found.seconds == pytest.approx(0.5, abs=0.1)
        watermark = next(s for s in found.sightings if s.kind == "watermark")
        assert "Looked at: the first" in watermark.detail

    def test_patience_ends_and_that_is_said(self, press: Press, clip: Path) -> None:
        found = detect(press.context, clip, patience=-1.0)
        assert found.seconds == 0.0
        assert statement.statement(found, "", "")["file"]["seconds_examined"] == "0.000"

    def test_a_sound_that_takes_too_long_is_not_called_unmarked(
        self, press: Press, tmp_path: Path
    ) -> None:
        found = detect(press.context, samples.wav(tmp_path / "long.wav"), patience=-1.0)
        watermark = next(s for s in found.sightings if s.kind == "watermark")
        assert watermark.state == "not_checked"
        assert "too long" in watermark.detail


def test_what_cannot_be_marked_is_refused_with_advice(press: Press, tmp_path: Path) -> None:
    path = tmp_path / "text.png"
    path.write_text("no picture")
    with pytest.raises(InvalidRequest) as refusal:
        detect(press.context, path)
    assert refusal.value.code == "media_unsupported"


def test_how_many_files_there_are_is_told_as_a_power_of_ten_only(known: Detection) -> None:
    assert str(known.trials).strip("0") == "1"
