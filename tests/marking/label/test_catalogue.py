"""The catalogue of wordings: complete for the packs, drawable, and strict about its form."""

import shutil
from pathlib import Path

import pytest
import yaml

from governance.kernel.errors import ConfigurationError
from governance.marking.label import catalogue
from governance.marking.label.visible import SEPARATOR, place
from tests.marking.label.drawn import wanted

POLICIES = Path(__file__).parents[3] / "policies"
WORDINGS = catalogue.load(POLICIES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(POLICIES / "schemas", tmp_path / "schemas")
    return tmp_path


def write(folder: Path, wordings: str) -> None:
    (folder / "labels.yaml").write_text(f'version: "2026.11.22"\nwordings:\n{wordings}\n', "utf-8")


@pytest.mark.parametrize("wording", WORDINGS, ids=lambda wording: wording.text)
@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (256, 256)])
def test_every_wording_fits_into_every_usual_picture(
    wording: catalogue.Wording, size: tuple[int, int]
) -> None:
    placed = place(wanted(wording.text), *size)
    assert placed.text.replace("\n", " ") == wording.text


def test_the_wordings_of_the_packs_are_in_the_catalogue() -> None:
    known = {wording.text for wording in WORDINGS}
    for path in (POLICIES / "packs").glob("*.yaml"):
        for rule in yaml.safe_load(path.read_text("utf-8"))["rules"]:
            for duty in rule["then"].get("duties", []):
                for text in duty.get("parameters", {}).get("wording", "AI").split(SEPARATOR):
                    assert text in known, f"{path.name} {rule['id']}"


def test_chinese_wordings_name_ai_and_its_making() -> None:
    chinese = [wording.text for wording in WORDINGS if wording.language == "zh-Hans"]
    assert chinese
    for text in chinese:
        assert "AI" in text or "人工智能" in text
        assert "生成" in text or "合成" in text


def test_a_wording_that_cannot_be_drawn_is_refused_with_its_line(folder: Path) -> None:
    write(folder, "  - {text: एआई, language: hi, says: generated, basis: house}")
    (fault,) = catalogue.check(folder)
    assert str(fault).startswith("labels.yaml:3: no shipped font has a glyph for")
    with pytest.raises(ConfigurationError) as caught:
        catalogue.load(folder)
    assert caught.value.code == "labels_invalid"


@pytest.mark.parametrize(
    "entry",
    [
        "{text: A · B, language: en, says: generated, basis: house}",
        "{text: AI, language: English, says: generated, basis: house}",
        "{text: AI, language: en, says: perhaps, basis: house}",
        "{text: AI, language: en, says: generated, basis: hearsay}",
        "{text: AI, language: en, says: generated}",
    ],
)
def test_a_broken_entry_is_refused(folder: Path, entry: str) -> None:
    write(folder, f"  - {entry}")
    (fault,) = catalogue.check(folder)
    assert str(fault).startswith("labels.yaml:3:")


def test_a_missing_file_is_a_fault(folder: Path) -> None:
    assert str(catalogue.check(folder)[0]).startswith("labels.yaml:1: the file cannot be read")
