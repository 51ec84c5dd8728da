"""An organisation's own accounts with vendors: set, used, forgotten, and never shown."""

from typing import Any

import pytest
from sqlmodel import select

from governance.routing.tables import ProviderAccount
from tests.api.site import Site, refusal

ACCOUNTS = "/v1/governance/accounts"
SECRET = "sk-a-secret-of-ours"


def shown(site: Site, provider: str) -> dict[str, Any]:
    listed = site["admin"].get(ACCOUNTS).json()["data"]
    (found,) = [account for account in listed if account["provider"] == provider]
    return dict(found)


def test_an_account_is_used_from_then_on_and_its_secrets_are_nowhere(site: Site) -> None:
    assert shown(site, "kling") == {
        "provider": "kling",
        "object": "account",
        "own": False,
        "configured": False,
    }
    with site.recorded("account.changed"):
        answer = site["admin"].put(f"{ACCOUNTS}/kling", json={"key": SECRET})
    assert answer.status_code == 200
    assert SECRET not in answer.text
    assert (shown(site, "kling")["own"], shown(site, "kling")["configured"]) == (True, True)
    with site.service.context.database.read() as session:
        assert SECRET.encode() not in session.exec(select(ProviderAccount.sealed)).one()
    records = site["officer"].get("/v1/governance/records", params={"event": "account.changed"})
    assert SECRET not in records.text
    with site.recorded("account.changed"):
        assert site["admin"].delete(f"{ACCOUNTS}/kling").status_code == 200
    assert not shown(site, "kling")["configured"]
    refusal(site["admin"].delete(f"{ACCOUNTS}/kling"), 404, "account_unknown")


def test_the_operators_account_serves_whoever_has_none(site: Site) -> None:
    assert shown(site, "openai-videos")["configured"]
    assert not shown(site, "openai-videos")["own"]


@pytest.mark.parametrize(
    "url",
    [
        "http://vendor.example/v1",
        "ftp://vendor.example",
        "https://user:pass@vendor.example",
        "https://vendor.example/v1?key=1",
        "vendor.example",
        "https://[",
        "https://vendor.example:99999",
        "https://:pass@vendor.example",
    ],
)
def test_a_key_never_crosses_the_network_in_the_clear(site: Site, url: str) -> None:
    body = {"key": SECRET, "base_url": url}
    with site.recorded():
        answer = site["admin"].put(f"{ACCOUNTS}/kling", json=body)
    assert refusal(answer, 400, "account_invalid")["param"] == "base_url"
    assert SECRET not in answer.text


@pytest.mark.parametrize("url", ["https://10.0.0.8:8188", "https://169.254.169.254/latest"])
def test_an_account_leads_nowhere_into_the_network_around_us(site: Site, url: str) -> None:
    with site.recorded():
        answer = site["admin"].put(f"{ACCOUNTS}/comfyui", json={"base_url": url})
    assert refusal(answer, 400, "account_address_private")["param"] == "base_url"


def test_what_is_no_account_is_refused(site: Site) -> None:
    refusal(site["admin"].put(f"{ACCOUNTS}/nobody", json={"key": SECRET}), 404, "provider_unknown")
    refusal(site["admin"].put(f"{ACCOUNTS}/kling", json={}), 400, "account_invalid")
    refusal(site["admin"].put(f"{ACCOUNTS}/kling", json={"key": "a\nb"}), 400, "account_invalid")


def test_only_an_administrator_sets_one(site: Site) -> None:
    for caller in ("agent", "producer", "officer"):
        answer = site[caller].put(f"{ACCOUNTS}/kling", json={"key": SECRET})
        assert answer.status_code == 403, caller
