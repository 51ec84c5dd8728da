"""Whatever is changed in evidence, verification says so in a sentence; it never fails otherwise."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfWriter

from governance.evidence import bundle, checkpoint, record
from governance.evidence.encoding import encode64, serialise
from governance.evidence.figures import LABELS, figures
from governance.evidence.report import Report, figures_document
from governance.evidence.story import story
from governance.evidence.verify import Verdict, verify_file, verify_files
from governance.kernel.database import Database
from governance.ledger import Ledger, keyring
from tests.evidence.samples import ORIGIN, ROOT, bundle_of, imported, told
from tests.ledger.samples import denied, entries, exported, publish, write

Files = dict[str, bytes]
RECORDS, LEAVES, KEYS = "records.intoto.jsonl", "leaves", "trust/keys.dsse.jsonl"
SCOPE, DISCLOSED = "scope.json", "disclosures.jsonl"


@dataclass(frozen=True)
class Service:
    """A service's evidence: a bundle over its whole log, and the root that its auditors pin."""

    files: Files
    root: str

    def verify(
        self, changed: Mapping[str, bytes | None] | None = None, report: Report | None = None
    ) -> Verdict:
        """The verdict with some files replaced (None: removed)."""
        mixed = {**self.files, **(changed or {})}
        kept = {name: data for name, data in mixed.items() if data is not None}
        return verify_files(kept, self.root, report)

    @property
    def lines(self) -> list[bytes]:
        return self.files[RECORDS].splitlines()


def make(template: Path, folder: Path) -> Service:
    """A generation with a prompt, and a refused call, written through the ledger."""
    shutil.copy(template, folder / "log.sqlite3")
    keys = keyring.load_or_create(folder / "keys", ORIGIN)
    ledger = Ledger(keys)
    database = Database(f"sqlite:///{folder}/log.sqlite3")
    write(database, ledger, *entries("gen_1", imported()), denied("acme"))
    publish(database, ledger, folder)
    files = exported(database, ledger, disclose=True)
    database.close()
    return Service(files, keys.root)


@pytest.fixture(scope="module")
def service(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Service:
    return make(sqlite_template, tmp_path_factory.mktemp("service"))


@pytest.fixture(scope="module")
def other(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Service:
    """Another service with a log of the same name, which tells the same."""
    return make(sqlite_template, tmp_path_factory.mktemp("other"))


@pytest.fixture(scope="module")
def report(service: Service) -> Report:
    """A report over the service's log, as it is opened: attachments and the text of its pages."""
    records = [record.load(line) for line in service.lines]
    scope = {
        "from": "2000-01-01T00:00:00.000000Z",
        "to": "2999-01-01T00:00:00.000000Z",
        "organisation": "acme",
        "project": None,
    }
    values = figures([story(r for r in records if r.stream == "gen_1")], records)
    attached = figures_document(scope, checkpoint.parse(service.files["checkpoint"]), values)
    printed = "\n".join(f"{LABELS[name]} {count}" for name, count in values["counts"].items())
    return Report(bundle.pack(service.files), attached, ("Cover", f"Figures\n{printed}"))


def require_failure(verdict: Verdict, steps: set[str], where: object = "") -> None:
    assert verdict.failure is not None, f"not noticed: {where}"
    assert verdict.failed_step in steps, f"{where}: {verdict.failed_step}"
    message = verdict.failure.message
    assert len(message.split()) > 3 and message.endswith((".", "…")), message
    assert verdict.failure.code
    assert verdict.as_dict()["verified"] is False


def lines(*kept: bytes) -> bytes:
    return b"".join(line + b"\n" for line in kept)


def test_evidence_that_nobody_touched_is_verified(service: Service, report: Report) -> None:
    verdict = service.verify(report=report)
    assert verdict.failure is None, verdict.failure
    assert [step.number for step in verdict.steps] == list(range(1, 12))
    assert verdict.not_checked, "what cannot be checked is said"


# --- Every byte --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        (KEYS, {"root"}),
        ("checkpoint", {"checkpoint"}),
        (LEAVES, {"tree"}),
        (RECORDS, {"records"}),
        (SCOPE, {"records", "stories"}),
        (DISCLOSED, {"disclosures"}),
        ("policy", {"policies"}),
        ("openssl/checkpoint.sig", {"records"}),
        ("openssl/checkpoint.txt", {"records"}),
        ("openssl/record.pae", {"records"}),
        ("openssl/record.sig", {"records"}),
        ("trust/log.pem", {"records"}),
        ("trust/log.vkey", {"records"}),
        ("trust/record.pem", {"records"}),
    ],
)
def test_one_changed_bit_in_any_byte_is_noticed(
    service: Service, name: str, steps: set[str]
) -> None:
    file = next(known for known in service.files if known.startswith(name))
    data = service.files[file]
    assert data
    for position in range(len(data)):
        changed = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        require_failure(service.verify({file: changed}), steps, (file, position))


def test_one_changed_bit_in_any_byte_of_the_figures_is_noticed(
    service: Service, report: Report
) -> None:
    """In the dates of the period at least by the sentence, which names the period."""
    data, right = report.figures, service.verify(report=report).steps[-1]
    for position in range(len(data)):
        changed = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        verdict = service.verify(report=Report(report.bundle, changed, report.pages))
        if verdict.failure is None:
            assert verdict.steps[-1].result != right.result, position
        else:
            require_failure(verdict, {"figures"}, position)


def test_one_changed_digit_on_paper_is_noticed(service: Service, report: Report) -> None:
    cover, page = report.pages
    digits = [place for place, letter in enumerate(page) if letter.isdigit()]
    assert len(digits) >= len(LABELS)
    for place in digits:
        forged = page[:place] + str((int(page[place]) + 1) % 10) + page[place + 1 :]
        verdict = service.verify(report=Report(report.bundle, report.figures, (cover, forged)))
        require_failure(verdict, {"figures"}, place)


# --- Whole records and files -------------------------------------------------------------------


def ranges(*indexes: list[int], complete: bool = False) -> bytes:
    return serialise(
        {"complete": complete, "indexes": indexes, "organisation": "acme", "project": None}
    )


@pytest.mark.parametrize("place", range(7))
def test_a_removed_record_is_noticed(service: Service, place: int) -> None:
    left = service.lines[:place] + service.lines[place + 1 :]
    verdict = service.verify({RECORDS: lines(*left)})
    require_failure(verdict, {"records"}, place)


@pytest.mark.parametrize("place", range(5))
def test_a_removed_record_is_noticed_though_the_scope_leaves_it_out(
    service: Service, place: int
) -> None:
    left = service.lines[:place] + service.lines[place + 1 :]
    scope = ranges(*([[0, place - 1]] if place else []), [place + 1, 6])
    verdict = service.verify({RECORDS: lines(*left), SCOPE: scope})
    require_failure(verdict, {"streams"} if place else {"records"}, place)


def test_records_left_out_at_the_end_of_a_stream_are_declared_to_be_out_of_sight(
    service: Service,
) -> None:
    """What no verifier can see in a part of a log, it must not claim to have seen."""
    verdict = service.verify({RECORDS: lines(*service.lines[:5]), SCOPE: ranges([0, 4]),
                                DISCLOSED: b""})  # fmt: skip
    assert verdict.failure is None
    assert any(text.startswith("Completeness beyond the scope") for text in verdict.not_checked)


def test_a_part_of_the_log_never_passes_for_the_whole(service: Service) -> None:
    for claim in ([[0, 5]], [[0, 5], [5, 5]], [[0, 5], [9, 9]], [[3, 2], [0, 6]], [[0, 6], [0, 0]]):
        kept = lines(*service.lines[:6])
        verdict = service.verify({RECORDS: kept, SCOPE: ranges(*claim, complete=True)})
        require_failure(verdict, {"records"}, claim)


def test_a_record_that_the_scope_claims_twice_is_noticed(service: Service) -> None:
    twice = lines(*service.lines[:6], service.lines[5])
    scope = ranges([0, 5], [5, 5], complete=True)
    require_failure(service.verify({RECORDS: twice, SCOPE: scope}), {"records"})


@pytest.mark.parametrize("place", range(6))
def test_swapped_records_are_noticed(service: Service, place: int) -> None:
    swapped = service.lines
    swapped[place], swapped[place + 1] = swapped[place + 1], swapped[place]
    require_failure(service.verify({RECORDS: lines(*swapped)}), {"records"}, place)


@pytest.mark.parametrize("place", range(7))
def test_a_repeated_record_is_noticed(service: Service, place: int) -> None:
    repeated = [*service.lines[: place + 1], *service.lines[place:]]
    require_failure(service.verify({RECORDS: lines(*repeated)}), {"records"}, place)
    replaced = service.lines
    replaced[place] = service.lines[place - 1]
    require_failure(service.verify({RECORDS: lines(*replaced)}), {"records"}, place)


@pytest.mark.parametrize("length", [0, 1, 100, -1, -2, -100])
def test_truncated_records_are_noticed(service: Service, length: int) -> None:
    verdict = service.verify({RECORDS: service.files[RECORDS][:length]})
    require_failure(verdict, {"records"}, length)


def test_leaf_hashes_whose_bytes_were_shifted_from_one_to_the_next_are_noticed(
    service: Service,
) -> None:
    """Concatenated they are the same bytes, so they would give the same root."""
    first, second, *rest = service.files[LEAVES].split()
    shifted = lines(first[:-2], first[-2:] + second, *rest)
    require_failure(service.verify({LEAVES: shifted}), {"tree"})


def test_an_empty_line_among_the_records_is_noticed(service: Service) -> None:
    for data in (b"\n" + service.files[RECORDS], service.files[RECORDS] + b"\n"):
        require_failure(service.verify({RECORDS: data}), {"records"})


@pytest.mark.parametrize(
    "respell",
    [
        lambda text: text.replace('"sig":"', '"sig":" '),
        lambda text: text.replace('=="}', '"}'),
        lambda text: text.replace('=="}', '==="}'),
        lambda text: text.replace("+", "-").replace("/", "_"),
        lambda text: json.dumps(json.loads(text)),
        lambda text: text.replace('{"keyid"', '{"keyid":"","keyid"'),
        lambda text: text + " ",
    ],
)
def test_a_record_in_another_spelling_is_noticed(
    service: Service, respell: Callable[[str], str]
) -> None:
    respelt = [respell(line.decode()).encode() for line in service.lines]
    assert respelt != service.lines
    require_failure(service.verify({RECORDS: lines(*respelt)}), {"records"})


def test_a_record_of_another_log_is_noticed(service: Service, other: Service) -> None:
    mixed = [*service.lines[:3], other.lines[3], *service.lines[4:]]
    verdict = service.verify({RECORDS: lines(*mixed)})
    require_failure(verdict, {"records"})
    assert verdict.failure is not None and verdict.failure.code == "record_foreign"


def test_a_record_that_the_right_key_signed_later_is_not_in_the_log() -> None:
    log = told(imported())
    files = bundle_of(log[:5])
    verdict = verify_files(files | {RECORDS: lines(*(r.line for r in log))}, ROOT.keyid)
    require_failure(verdict, {"records"})
    assert verdict.failure is not None and verdict.failure.code == "record_foreign"


@pytest.mark.parametrize("name", [KEYS, "checkpoint", LEAVES, RECORDS, SCOPE, DISCLOSED])
def test_a_missing_file_is_named(service: Service, name: str) -> None:
    verdict = service.verify({name: None})
    assert verdict.failure is not None and name in verdict.failure.message


def test_what_is_no_evidence_is_named(service: Service) -> None:
    known = service.verify().not_checked
    assert any(text.startswith("README.md: no part") for text in known)
    verdict = service.verify({"invoice.pdf": b"%PDF-"})
    assert any(text.startswith("README.md, invoice.pdf: no part") for text in verdict.not_checked)


def test_a_missing_policy_document_is_noticed(service: Service) -> None:
    (name,) = (known for known in service.files if known.startswith("policy/"))
    require_failure(service.verify({name: None}), {"policies"})


@pytest.mark.parametrize("name", ["checkpoint", LEAVES, RECORDS, KEYS])
def test_a_file_of_another_service_is_noticed(service: Service, other: Service, name: str) -> None:
    verdict = service.verify({name: other.files[name]})
    require_failure(verdict, {"root", "checkpoint", "tree", "records"})


def test_another_services_evidence_is_not_this_ones(service: Service, other: Service) -> None:
    assert verify_files(other.files, other.root).failure is None
    for root in (service.root, "", "SHA256:", other.root.lower()):
        verdict = verify_files(other.files, root)
        require_failure(verdict, {"root"}, root)
        assert verdict.failure is not None and verdict.failure.code == "root_mismatch"


def test_a_disclosure_belongs_to_its_record_once(service: Service) -> None:
    (line,) = service.files[DISCLOSED].splitlines()
    elsewhere = {**json.loads(line), "record": record.load(service.lines[1]).id}
    for forged in (lines(line, line), lines(serialise(elsewhere)), lines(b"[]"), lines(b"{}")):
        require_failure(service.verify({DISCLOSED: forged}), {"disclosures"}, forged)


@pytest.mark.parametrize("change", [{"organisation": "beta"}, {"project": "another"}])
def test_evidence_under_another_name_is_noticed(service: Service, change: dict[str, str]) -> None:
    scope = serialise({**json.loads(service.files[SCOPE]), **change})
    require_failure(service.verify({SCOPE: scope}), {"stories"})


def test_a_signature_of_nothing_is_no_signature(service: Service) -> None:
    empty = [
        line.replace(json.loads(line)["signatures"][0]["sig"].encode(), encode64(b"").encode())
        for line in service.lines
    ]
    require_failure(service.verify({RECORDS: lines(*empty)}), {"records"})


# --- Files as they come ------------------------------------------------------------------------


@pytest.fixture
def packed(service: Service, tmp_path: Path) -> Path:
    path = tmp_path / "evidence.zip"
    path.write_bytes(bundle.pack(service.files))
    return path


def test_a_bundle_that_was_cut_off_anywhere_is_noticed(service: Service, packed: Path) -> None:
    data = packed.read_bytes()
    for length in range(0, len(data), 61):
        packed.write_bytes(data[:length])
        require_failure(verify_file(packed, service.root), {"open"}, length)


@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.data())
def test_a_bundle_with_changed_bytes_is_refused_or_unchanged_in_what_it_says(
    service: Service, packed: Path, data: st.DataObject
) -> None:
    """A changed date or comment of the zip itself says nothing; it may pass."""
    original = bundle.pack(service.files)
    place = data.draw(st.integers(0, len(original) - 1))
    value = data.draw(st.integers(1, 255))
    changed = original[:place] + bytes([original[place] ^ value]) + original[place + 1 :]
    packed.write_bytes(changed)
    verdict = verify_file(packed, service.root)
    if verdict.failure is None:
        unpacked = bundle.unpack(changed)
        decisive = (KEYS, "checkpoint", LEAVES, RECORDS, SCOPE, DISCLOSED)
        assert all(unpacked[name] == service.files[name] for name in decisive)


def test_a_bundle_that_holds_a_file_twice_is_refused(service: Service, packed: Path) -> None:
    with zipfile.ZipFile(packed, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("checkpoint", service.files["checkpoint"])
    require_failure(verify_file(packed, service.root), {"open"})


def test_a_bundle_that_would_fill_the_memory_is_refused(
    service: Service, packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "MAX_BYTES", 1000)
    require_failure(verify_file(packed, service.root), {"open"})
    monkeypatch.undo()
    monkeypatch.setattr(bundle, "MAX_FILES", 3)
    require_failure(verify_file(packed, service.root), {"open"})


def test_a_file_that_is_not_there_is_no_accident(service: Service, tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        verdict = verify_file(path, service.root)
        require_failure(verdict, {"open"})
        assert verdict.failure is not None and verdict.failure.code == "file_unreadable"


def pdf(*attachments: tuple[str, bytes]) -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    for name, data in attachments:
        writer.add_attachment(name, data)
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


def test_a_pdf_without_its_evidence_is_no_report(
    service: Service, report: Report, tmp_path: Path
) -> None:
    evidence, attached = ("evidence.zip", report.bundle), ("figures.json", report.figures)
    path = tmp_path / "report.pdf"
    for kept in ((), (evidence,), (attached,), (evidence, evidence, attached)):
        path.write_bytes(pdf(*kept))
        verdict = verify_file(path, service.root)
        require_failure(verdict, {"open"})
        assert verdict.failure is not None and verdict.failure.code == "report_without_evidence"


def test_a_pdf_whose_pages_print_nothing_fails_at_its_figures(
    service: Service, report: Report, tmp_path: Path
) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf(("evidence.zip", report.bundle), ("figures.json", report.figures)))
    require_failure(verify_file(path, service.root), {"figures"})
