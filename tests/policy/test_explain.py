"""A decision told in sentences: everything in it is said, in words that people use."""

import re
from typing import Any

import orjson
import pytest
from hypothesis import given, settings

from governance.policy import Authorization, Policy, as_body, decide
from governance.policy.explain import sentences
from tests.policy.samples import BASE, changed, inputs

WAIVER = "wvr_" + "1" * 32
CONSENT = "cns_" + "2" * 32
VIDEO = changed(
    BASE,
    {
        "media": "video",
        "seconds": 8,
        "purpose": "final",
        "audience": "public",
        "territories": ["BR", "EU"],
        "declared": {"deep_fake": "yes", "real_person": "yes", "consent": True},
        "consent": "valid",
        "quote": {"amount": "25.00", "currency": "USD", "cents": 2500},
    },
)
REQUEST = {
    "declaration": {"consent": CONSENT},
    "principal": {"mandate": ["a" * 64, "b" * 64]},
}


def told(policy: Policy, *changes: dict[str, Any], request: dict[str, Any] | None = None) -> str:
    allowed = Authorization(True, ("agent.generation.create",), ("role:agent",), "allowed")
    body = as_body(decide(policy, changed(VIDEO, *changes)), allowed)
    return "\n".join(sentences(body, request, policy.territories.known))


def test_it_says_who_asked_what_for_which_use(policy: Policy) -> None:
    text = told(policy)
    assert "The agent agt_00000000000000000000000000000001 asked on 24 December 2026" in text
    assert "to generate a video of 8 seconds, 1280 by 720 pixels," in text
    assert "a final result for the public" in text
    assert "Where it is shown: Brazil and European Union." in text
    assert "25.00 USD" in text
    assert "usr_00000000000000000000000000000002 answers for it." in text
    assert "by the role agent." in text


def test_it_says_what_came_of_it_and_why(policy: Policy) -> None:
    lines = told(policy).splitlines()
    answer = lines.index(
        "It was permitted on condition that people look at the result before its release."
    )
    assert "asks for people to look at the result: " in lines[answer + 1]
    assert any(line.startswith("The law (AI Act Art. 50(4)") for line in lines)
    assert any(line.startswith("Required: 2 people approve the finished file (") for line in lines)
    assert any("is only observed here and changed nothing" in line for line in lines)


def test_a_refusal_comes_before_everything_else_that_applied(policy: Policy) -> None:
    lines = told(policy, {"consent": "withdrawn"}).splitlines()
    assert lines[lines.index("It was refused.") + 1].startswith("The house rule (House rule 1)")


def test_it_says_for_what_nothing_was_assessed_or_searched(policy: Policy) -> None:
    text = told(policy, {"stage": "output", "not_checked": ["faces", "speech"]})
    assert "For Brazil no rules are known here, so nothing was assessed for it." in text
    assert "Nothing in the file was searched for faces or speech." in text
    assert "the finished file was looked at" in text


def test_it_says_what_a_waiver_lifted(policy: Policy) -> None:
    text = told(policy, {"waivers": [{"rule": "house-review-public-video", "waiver": WAIVER}]})
    assert f"was lifted by the waiver {WAIVER} and changed nothing" in text


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("valid", "covers this use"),
        ("expired", "has expired"),
        ("withdrawn", "was withdrawn"),
        ("out_of_scope", "does not cover this use"),
        ("missing", "is not in the register"),
    ],
)
def test_it_names_the_consent_and_what_it_is_worth(policy: Policy, state: str, words: str) -> None:
    assert f"The consent {CONSENT} {words}." in told(policy, {"consent": state}, request=REQUEST)


def test_it_names_the_mandate(policy: Policy) -> None:
    assert "a mandate of 2 steps" in told(policy, request=REQUEST)


def test_it_says_what_nobody_has_said(policy: Policy) -> None:
    text = told(policy, {"declared": {"deep_fake": "unknown", "real_person": "unknown"}})
    assert (
        "Nobody has said whether it is a deep fake or whether it shows an identifiable person; "
        "the stricter answer counts." in text
    )


@given(inputs)
@settings(max_examples=60, deadline=None)
def test_every_decision_can_be_told_without_jargon(policy: Policy, facts: dict[str, Any]) -> None:
    body = orjson.loads(orjson.dumps(as_body(decide(policy, facts))))
    lines = sentences(body)
    rules = {rule["because"] for rule in body["rules"]}
    assert all(any(because in line for line in lines) for because in rules)
    assert len([line for line in lines if line.startswith(("Required: ", "Only observed"))]) == len(
        body["duties"]
    )
    for line in lines:
        assert line[0].isupper() or line.startswith(("usr_", "agt_"))
        assert line.endswith(".")
        said = re.sub(r"\([^()]*(\([^()]*\)[^()]*)*\)", "", line)  # citations and names of rules
        assert not re.search(r"[{}\[\]]|None|True|False|\b[a-z]+\.[a-z]+_", said), line


def test_a_decision_of_the_time_before_consents_and_waivers_can_be_told(policy: Policy) -> None:
    body = as_body(decide(policy, VIDEO))
    old = {
        name: value
        for name, value in body["input"].items()
        if name not in ("consent", "waivers", "not_checked")
    }
    assert "It was permitted" in "\n".join(sentences({**body, "input": old}))
