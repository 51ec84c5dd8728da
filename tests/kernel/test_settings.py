"""Settings: from the environment, every fault on a line of its own, nothing unsafe starts."""

from pathlib import Path

import pytest

from governance.kernel import settings
from governance.kernel.errors import ConfigurationError


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(f"GOVERNANCE_{name.upper()}", raising=False)


def faults(**overrides: object) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        settings.load(**overrides)
    assert raised.value.code == "settings_invalid"
    return raised.value.message.splitlines()


def test_the_environment_sets_what_the_command_line_leaves_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOVERNANCE_PORT", "9000")
    monkeypatch.setenv("GOVERNANCE_ORGANISATION", "studio")
    chosen = settings.load(port=9001)
    assert (chosen.port, chosen.organisation) == (9001, "studio")


def test_every_fault_has_its_line_and_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOVERNANCE_PORT", "eighty")
    monkeypatch.setenv("GOVERNANCE_ENGINE", "perhaps")
    monkeypatch.setenv("GOVERNANCE_ORGANISATION", "My Studio")
    lines = faults(lease=0)
    assert sorted(line.split(":")[0] for line in lines) == [
        "GOVERNANCE_ENGINE",
        "GOVERNANCE_LEASE",
        "GOVERNANCE_ORGANISATION",
        "GOVERNANCE_PORT",
    ]
    assert all(line.endswith(".") for line in lines)


def test_a_fault_never_shows_the_value_which_may_be_a_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOVERNANCE_DATABASE_URL", "mysql://governance:hunter2@db/governance")
    (line,) = faults()
    assert "hunter2" not in line
    assert "postgresql+psycopg://" in line


@pytest.mark.parametrize(
    "overrides",
    [
        {"port": 70_000},
        {"lease": "inf"},
        {"poll_interval": "nan"},
        {"session_idle": -1},
        {"review_expiry": 1e300},
        {"engine_threads": 0},
        {"max_upload": 0},
        {"min_free_disk": -1},
        {"checkpoint_interval": 60},
        {"organisation": ""},
        {"organisation": "a/b"},
        {"log_origin": "two words"},
        {"database_url": "sqlite://"},
        {"database_url": "postgresql://db/governance"},
        {"public_url": "governance.example"},
        {"public_url": "https://governance.example/path"},
        {"public_url": "https://user:secret@governance.example"},
        {"providers": {"kling": {"base_url": "videos.example/v1"}}},
        {"unknown_setting": 1},
    ],
    ids=str,
)
def test_a_value_that_cannot_work_is_refused(overrides: dict[str, object]) -> None:
    assert len(faults(**overrides)) == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.7", "governance.example"])
def test_an_address_that_others_can_reach_needs_tls_before_it(host: str) -> None:
    assert "GOVERNANCE_PUBLIC_URL must be the https:// address" in faults(host=host)[0]
    assert faults(host=host, public_url="http://governance.example")
    assert settings.load(host=host, public_url="https://governance.example").host == host


def test_an_address_of_another_machine_without_tls_is_refused() -> None:
    (line,) = faults(public_url="http://governance.example")
    assert "https://" in line
    assert settings.load(public_url="http://localhost:8000").authority == "localhost:8000"


def test_callers_sign_for_the_public_address() -> None:
    proxied = settings.load(public_url="https://Governance.example/")
    assert proxied.base_url == "https://Governance.example"
    assert proxied.authority == "governance.example"
    assert settings.load(port=8123).authority == "127.0.0.1:8123"
    assert settings.load(host="::1").base_url == "http://[::1]:8000"


def test_settings_cannot_change_while_the_service_runs() -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.load().port = 1  # type: ignore[misc]


def test_secrets_are_not_shown() -> None:
    assert "hunter2" not in repr(settings.load(providers={"kling": {"key": "hunter2"}}))


def test_the_database_lies_in_the_data_folder_unless_named(tmp_path: Path) -> None:
    inside = f"sqlite:///{tmp_path}/governance.sqlite3"
    assert settings.load(data_dir=tmp_path).database == inside
    named = "postgresql+psycopg://db/governance"
    assert settings.load(data_dir=tmp_path, database_url=named).database == named


def test_the_folders_that_people_edit_are_there() -> None:
    chosen = settings.load()
    assert (chosen.policies_dir / "packs").is_dir()
    assert (chosen.report_templates_dir / "report.html").is_file()
