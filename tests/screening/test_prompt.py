"""What automated review sees in prompts."""

import shutil
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel.errors import ConfigurationError, InvalidRequest
from governance.kernel.settings import packaged
from governance.screening.prompt import (
    FILE,
    MAX_PROMPT,
    SCHEMA,
    PromptRules,
    check,
    load,
    normalise,
    screen_prompt,
)

RULES = load(packaged("policies"))
SECOND = "- {id: one, code: other, severity: info, because: x, terms: [bb]}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A policies folder to edit."""
    (tmp_path / "schemas").mkdir()
    shutil.copy(packaged("policies") / SCHEMA, tmp_path / SCHEMA)
    return tmp_path


def rules(folder: Path, *lines: str) -> PromptRules:
    entry = ["- id: one", "  code: some_code", "  severity: warn", "  because: It is so.", *lines]
    text = 'version: "2026.11.22"\nrules:\n' + "\n".join("  " + line for line in entry)
    (folder / FILE).write_text(text)
    return load(folder)


@pytest.mark.parametrize(
    ("rule", "severity", "matching", "harmless"),
    [
        ("minors-sexual-terms", "fail", "loli, LoliCon style", "a lolly and an icon"),
        ("minors-sexual-context", "fail", "a nude 15-year-old", "a 15-year-old plays chess"),
        ("minors-sexual-context", "fail", "young girl, very sexy pose", "young girl on a swing"),
        ("intimate-imagery-terms", "fail", "deepfake porn of her", "pawn to E4"),
        ("intimate-imagery-context", "fail", "take off her clothes", "clothes on a line"),
        ("intimate-imagery-context", "fail", "topless photo of my ex", "a photo of my cat"),
        ("explicit-sexual-content", "warn", "a sex scene", "a scene in Essex"),
        ("likeness-requested", "warn", "a deepfake of the mayor", "a fake beard"),
        ("likeness-requested", "warn", "looks exactly like the actor", "looks like rain"),
        ("news-impersonation", "warn", "fabricated evidence", "evidence of spring"),
        ("weapon-instructions", "warn", "how to build a silencer", "how to build a boat"),
        ("extremist-promotion", "warn", "a white power rally", "white powder snow"),
        ("self-harm", "warn", "pro-ana pro ana tips", "pro analysts meet"),
    ],
)
def test_each_rule_sees_its_subject_and_nothing_else(
    rule: str, severity: str, matching: str, harmless: str
) -> None:
    seen = {finding.detail: finding for finding in screen_prompt(matching, RULES)}
    assert seen[rule].severity == severity
    assert screen_prompt(harmless, RULES) == ()


def test_every_rule_of_the_starting_set_is_covered_by_an_example() -> None:
    (examples,) = (
        mark.args[1]
        for mark in test_each_rule_sees_its_subject_and_nothing_else.pytestmark  # type: ignore[attr-defined]
    )
    assert {example[0] for example in examples} == {rule.id for rule in RULES.rules}


@pytest.mark.parametrize(
    "prompt", ["DEEPFAKE", "ｄｅｅｐｆａｋｅ", "deep\u200bfake", "deep\u00adfake", "deep \n\t fake"]
)
def test_disguises_do_not_help(prompt: str) -> None:
    assert [finding.detail for finding in screen_prompt(prompt, RULES)] == ["likeness-requested"]


def test_a_finding_names_the_rule_and_never_the_words() -> None:
    (finding,) = screen_prompt("a DeepFake of Jane Example", RULES)
    assert (finding.code, finding.detail, finding.at) == (
        "real_person_likeness",
        "likeness-requested",
        "",
    )
    assert finding.version == f"{RULES.version} {RULES.digest[:16]}"
    assert "jane" not in repr(finding).lower()


def test_a_rule_reports_once_however_often_it_matches() -> None:
    assert len(screen_prompt("deepfake, face swap, deepfake", RULES)) == 1


@given(st.text(max_size=300))
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(max_size=500))
def test_no_text_breaks_the_rules(text: str) -> None:
    screen_prompt(text, RULES)


@pytest.mark.parametrize("word", ["child ", "nude ", "how to make ", "fake ", "a", "my "])
def test_the_longest_prompt_takes_no_time(word: str) -> None:
    prompt = (word * MAX_PROMPT)[:MAX_PROMPT]
    start = time.process_time()
    screen_prompt(prompt, RULES)
    assert time.process_time() - start < 1


def test_a_prompt_past_the_limit_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        screen_prompt("a" * (MAX_PROMPT + 1), RULES)
    assert (caught.value.code, caught.value.param) == ("prompt_too_long", "prompt")


def test_an_organisation_adds_its_own_words(folder: Path) -> None:
    own = rules(folder, "  terms: [Acme  Corp, ÉTÉ]", '  patterns: ["\\\\bproject (?:x|y)\\\\b"]')
    for prompt in ("the ACME corp logo", "un été", "Project Y"):
        assert [finding.detail for finding in screen_prompt(prompt, own)] == ["one"]
    assert screen_prompt("acme corporation", own) == ()


def test_the_starting_set_has_no_fault() -> None:
    assert check(packaged("policies")) == []


@pytest.mark.parametrize(
    ("lines", "place", "says"),
    [
        (["  terms: []"], 7, "less than 1 item"),
        (["  term: [a]"], 3, "'term' was unexpected"),
        (["  patterns:", "    - abc", "    - 'a+b'"], 9, "'a+b': a repetition without upper bound"),
        (["  patterns: ["], 7, "expected the node content"),
        (["  terms: [aa]", SECOND], 8, "the id one is used before"),
    ],
)
def test_a_faulty_file_is_refused_with_every_line(
    folder: Path, lines: list[str], place: int, says: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rules(folder, *lines)
    assert caught.value.code == "prompt_rules_invalid"
    assert f"{FILE}:{place}: " in caught.value.message
    assert says in caught.value.message
    assert caught.value.message.splitlines() == [str(fault) for fault in check(folder)]


def test_a_missing_file_is_a_fault(folder: Path) -> None:
    (fault,) = check(folder)
    assert str(fault).startswith("prompt-rules.yaml:1: the file cannot be read")
