"""The README says what the code does: settings, states, commands."""

import re
from pathlib import Path

from governance.kernel.settings import Settings
from governance.lifecycle.documentation import table

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_every_setting_is_documented_once() -> None:
    documented = re.findall(r"^\| `GOVERNANCE_([A-Z0-9_]+)` \|", README, re.MULTILINE)
    assert sorted(documented) == sorted(name.upper() for name in Settings.model_fields)


def test_documented_defaults_are_the_defaults() -> None:
    for name, default in re.findall(r"^\| `GOVERNANCE_([A-Z0-9_]+)` \| `([^`]+)` \|", README, re.M):
        field = Settings.model_fields[name.lower()]
        if name in ("POLICIES_DIR", "REPORT_TEMPLATES_DIR", "PUBLIC_URL"):
            continue
        actual = field.default
        shown = str(actual).lower() if isinstance(actual, bool) else str(actual)
        assert shown.removesuffix(".0") == default, name


def test_the_table_of_states_is_the_table_of_steps() -> None:
    assert table() in README
