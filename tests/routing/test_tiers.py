"""The table that says what `draft` and `final` mean: data that people edit, checked when loaded."""

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from governance.kernel.errors import ConfigurationError
from governance.routing import tiers

from .builders import DRAFT, FINAL, POLICIES, TIERS, request


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "schemas").mkdir()
    shutil.copy(POLICIES / "tiers.yaml", tmp_path)
    shutil.copy(POLICIES / "schemas" / "tiers.schema.json", tmp_path / "schemas")
    return tmp_path


def test_the_shipped_table_has_no_fault_and_maps_draft_and_final() -> None:
    table = tiers.load(POLICIES)

    assert tiers.check(POLICIES) == []
    assert (table.meaning("commodity"), table.meaning("premium")) == ("draft", "final")
    assert table.objection("commodity", request(model="draft")) is None
    assert table.objection("premium", request(model="final")) is None


@pytest.mark.parametrize("sector", ["finance", "government", "health"])
def test_the_shipped_table_has_no_commodity_finals_in_regulated_sectors(sector: str) -> None:
    table = tiers.load(POLICIES)

    assert table.objection("commodity", request(sector=sector))
    assert table.objection("commodity", request(sector=sector, purpose="intermediate")) is None
    assert table.objection("premium", request(sector=sector)) is None


def test_auto_takes_any_tier_with_the_weights_of_its_purpose() -> None:
    assert TIERS.objection("commodity", request()) is None
    assert TIERS.objection("premium", request()) is None
    assert TIERS.weights(request(purpose="final")) == FINAL.weights
    assert TIERS.weights(request(purpose="intermediate")) == DRAFT.weights


def test_a_sector_may_read_a_word_in_its_own_way() -> None:
    strict = tiers.Sector({"draft": FINAL}, (), "Drafts are shown to clients here.")
    table = tiers.Tiers({"draft": DRAFT, "final": FINAL}, {"film": strict})

    asked = request(model="draft", sector="film")
    assert table.objection("premium", asked) is None
    assert table.objection("commodity", asked)
    assert table.weights(asked) == FINAL.weights
    assert table.weights(request(model="draft")) == DRAFT.weights


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('quality: "0.2"', 'quality: "0.3"', "do not add up to 1"),
        ("tiers: [premium]", "tiers: [gold]", "gold"),
        ("tiers: [premium]", "tiers: []", "less than 1"),
        ("  health:", "  astrology:", "astrology"),
        ("    because: Advice and offers on money are made by models of the upper tier.\n", "", ""),
        ('cost: "0.15"', "cost: 0.15", "in quotes"),
    ],
)
def test_a_fault_in_the_file_is_named(folder: Path, old: str, new: str, words: str) -> None:
    path = folder / "tiers.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))

    with pytest.raises(ConfigurationError, match=r"tiers\.yaml:\d+:") as fault:
        tiers.load(folder)

    assert fault.value.code == "tiers_invalid"
    assert words in fault.value.message


def test_a_sector_may_demand_where_its_files_are_processed_and_how_the_vendor_marks_them(
    folder: Path,
) -> None:
    path = folder / "tiers.yaml"
    demands = "  health:\n    processed_in: [EU, GB]\n    vendor_marks: [c2pa]\n"
    path.write_text(path.read_text().replace("  health:\n", demands, 1))

    demanded = tiers.load(folder).sector(request(sector="health"))

    assert (demanded.processed_in, demanded.vendor_marks) == (("EU", "GB"), ("c2pa",))


def test_the_weights_of_the_shipped_words_add_up() -> None:
    for name in ("draft", "final"):
        assert sum(tiers.load(POLICIES).weights(request(model=name)).values()) == Decimal(1)
