"""What a report tells of the rule packs: status, levels, and what no rule evaluates."""

from tests.reporting.inputs import PACKS


def flat(pages: list[str]) -> str:
    return " ".join(" ".join(pages).split())


def test_packs_are_told_by_level_also_those_that_do_not_apply() -> None:
    told = {pack.id: pack for pack in PACKS}
    assert list(told) == sorted(told)
    assert set(told["house"].rules) == {"house"}
    assert set(told["eu-ai-act-50"].rules) == {"law", "code"}
    assert told["eu-ai-act-50"].omissions
    assert (told["gb"].status, dict(told["gb"].rules)) == ("none", {})
    assert [pack.id for pack in PACKS if not pack.applies] == ["us-ca-sb1000"]
    assert told["us-ca-sb1000"].note


def test_the_report_names_the_status_of_every_law_and_what_is_left_out(pages: list[str]) -> None:
    text = flat(pages)
    for pack in PACKS:
        assert pack.id in text
    assert "No law" in text and "Unclear; not applied, another pack stands for it" in text
    assert "Provisions that no rule evaluates" in text
    assert text.index("Law: rules that matched") < text.index("House rule: rules that matched")
