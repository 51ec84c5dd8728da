"""The demonstration: one command plays the whole story and leaves evidence that holds."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from governance.cli import main
from governance.demo.orders import RELEASED
from governance.detection import statement
from governance.evidence import bundle
from governance.evidence.record import Record, load
from governance.evidence.verify import verify_file
from governance.marking.probe import inspect
from tests.performance import HOUSE, Played

FILES = ("coast.mp4", "street.mp4", "portrait.mp4", "poster.png", "crowd.wav")


def records(played: Played) -> list[Record]:
    """Everything that was on record at the end."""
    files = bundle.unpack((played.folder / "evidence.zip").read_bytes())
    return [load(line) for line in files["records.intoto.jsonl"].splitlines()]


def principal(record: Record) -> dict[str, Any]:
    """Who acted, where a record says it in whole."""
    found = record.body.get("principal")
    return found if isinstance(found, dict) else {}


def test_it_ends_in_time(played: Played) -> None:
    assert (played.status, played.err) == (0, "")
    assert played.cpu < 60  # 20 when this was written; the clock would measure the neighbours


def test_it_shows_every_kind_of_ending(played: Played) -> None:
    for ending in ("denied by rule", "denied by mandate", "denied by role", "unknown", "released"):
        assert ending in played.out
    assert "The order of the train was sent 1 time;" in played.out
    assert played.out.count("→ released") == len(FILES)
    assert "Robin Falk approves → released" in played.out  # two people where policy asks for two
    assert "poster     nothing asks for a person → released" in played.out


def test_the_auditor_believes_the_report_and_finds_the_forgery(played: Played) -> None:
    before, _, after = played.out.partition("9  One bit is flipped")
    assert "VERIFIED. Everything above holds." in before
    assert "✓ the report verifies" in before
    assert "NOT VERIFIED" not in before
    assert "NOT VERIFIED: " in after
    assert "✓ the forgery is found" in after


def test_it_explains_a_denial_in_sentences(played: Played) -> None:
    told = " ".join(played.out.split())
    assert "asked on" in told
    assert "It was refused. The house rule (House rule 1) applied and forbids it:" in told
    assert "more sentences: governance policies explain gen_" in told


def test_a_sub_agent_acts_until_the_person_at_the_beginning_is_suspended(played: Played) -> None:
    (asked,) = [record for record in records(played) if "mandate" in principal(record)]
    person, agent, sub_agent = principal(asked)["chain"]
    assert principal(asked)["id"] == sub_agent != agent
    assert person == principal(asked)["accountable"]
    assert "colour-agent, two hops from her: next request → 403 accountable_suspended" in played.out
    assert "The person who gave the mandate is suspended." in played.out


def test_a_kill_switch_is_thrown_and_lifted(played: Played) -> None:
    changes = [record.body for record in records(played) if record.event == "switch.changed"]
    assert [change["action"] for change in changes] == ["thrown", "lifted"]
    assert "fetching its clip → 403 stopped" in played.out


def test_the_log_holds_the_receipt_that_the_sub_agent_kept(played: Played) -> None:
    kept = (played.folder / "coast.receipt.jsonl").read_bytes()
    verdict = verify_file(played.folder / "report.pdf", played.root, [kept])
    assert verdict.failure is None
    assert verdict.steps[-1].name == "receipts"
    assert "✓ the report verifies, and the log holds what the agent kept" in played.out


def test_it_says_what_to_look_at_and_fits_the_terminal(played: Played) -> None:
    assert "report.pdf           open this first" in played.out
    assert f"--root {played.root}" in played.out
    pasted = (str(HOUSE), str(played.folder))  # folders may be longer than any line
    lines = [line for line in played.out.splitlines() if not any(name in line for name in pasted)]
    assert max(map(len, lines)) <= 100


def test_its_report_and_its_evidence_verify(played: Played) -> None:
    for name in ("report.pdf", "evidence.zip"):
        assert verify_file(played.folder / name, played.root).failure is None
    assert verify_file(played.folder / "evidence-forged.zip", played.root).failure is not None


def test_the_files_are_exactly_those_whose_hand_over_is_on_record(played: Played) -> None:
    events = [record for record in records(played) if record.event == "asset.delivered"]
    delivered = {dict(record.subjects)["delivered"] for record in events}
    files = [played.folder / name for name in FILES]
    assert {hashlib.sha256(file.read_bytes()).hexdigest() for file in files} == delivered
    assert tuple(order.file for order in RELEASED) == FILES


def test_the_clips_play_as_long_as_was_asked(played: Played) -> None:
    for order in RELEASED:
        if order.media == "video":
            seconds = inspect(played.folder / order.file).seconds
            assert seconds == pytest.approx(order.seconds, abs=0.1)


def test_it_tells_which_marks_each_released_file_carries(played: Played) -> None:
    told = {
        name: line for line in played.out.splitlines() for name in FILES if f"✓ {name} " in line
    }
    for name in FILES:
        assert "watermark, C2PA, XMP" in told[name]
        assert told[name].count("label") == (name != "coast.mp4")
        assert told[name].count("AIGC") == (name in ("street.mp4", "poster.png"))


def test_a_stripped_copy_at_half_the_size_leads_back_to_its_record(played: Played) -> None:
    portrait, copy = (played.folder / name for name in ("portrait.mp4", "portrait-copy.mp4"))
    assert inspect(copy).width * 2 == inspect(portrait).width
    document = (played.folder / "portrait-copy.json").read_bytes()
    found = statement.verify(document, played.root)
    assert found["file"]["sha256"] == hashlib.sha256(copy.read_bytes()).hexdigest()
    assert found["verdict"]["basis"] == ["watermark", "fingerprint"]
    assert found["releases"][0]["sha256"] == hashlib.sha256(portrait.read_bytes()).hexdigest()
    assert "Still there: watermark, fingerprint. Gone: C2PA, XMP." in " ".join(played.out.split())


def test_of_a_strangers_picture_it_says_nothing(played: Played) -> None:
    assert "detect stranger.png       → nothing" in played.out
    assert "That does not mean that the file was made without AI." in played.out


def test_what_the_copy_has_kept_is_on_record(played: Played) -> None:
    (check,) = [record.body for record in records(played) if record.event == "marks.checked"]
    states = {mark["kind"]: mark["state"] for mark in check["marks"]}
    assert (check["match"], check["lost"]) == ("watermark", ["mark.signed_metadata"])
    assert (states["label"], states["watermark"], states["c2pa"]) == (
        "present",
        "present",
        "absent",
    )


def test_no_key_of_its_cast_is_printed(played: Played) -> None:
    for key in played.folder.rglob("*.pem"):
        secret = re.sub(r"-----[A-Z ]+-----|\s", "", key.read_text())
        assert secret not in played.out


def test_it_never_plays_over_earlier_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.pdf").write_bytes(b"somebody's report")
    assert main(["demo", "--out", str(tmp_path)]) == 1
    assert "is not empty; name a new folder" in capsys.readouterr().err
    assert (tmp_path / "report.pdf").read_bytes() == b"somebody's report"
