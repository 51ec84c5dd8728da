"""Time stamps in manifests, from an authority over real HTTP."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from governance.kernel import clock
from governance.kernel.errors import ConfigurationError
from governance.kernel.settings import load as load_settings
from governance.marking.context import MarkContext
from governance.marking.credentials import timestamps
from governance.marking.credentials.authority import Authority
from governance.marking.credentials.configured import load
from governance.marking.credentials.manifest_read import read_manifest
from governance.marking.credentials.native import Trust
from governance.simulators.tsa import NAME, SimulatedTsa
from tests.marking.credentials.conftest import Sign


@pytest.fixture(scope="module")
def tsa() -> Iterator[SimulatedTsa]:
    with SimulatedTsa() as running:
        yield running


def stamped(context: MarkContext, tsa: SimulatedTsa, path: str = "/") -> MarkContext:
    authority = replace(
        context.authority, stamp_anchors=tsa.authority.root_pem, time_stamps=tsa.url + path
    )
    return replace(context, authority=authority)


def time_stamp(path: Path, trust: Trust | str) -> str:
    mark = read_manifest(path, "image/png", trust)
    assert mark.state == "present"
    return dict(mark.facts)["time_stamp"]


def test_without_an_authority_the_mark_says_that_none_is_configured(
    signed: Sign, authority: Authority
) -> None:
    path, mark = signed()
    assert dict(mark.facts)["time_stamp"] == "none: not configured"
    assert time_stamp(path, authority.trust) == "none: not in the manifest"


def test_the_time_and_the_name_of_the_authority_are_read_back(
    signed: Sign, context: MarkContext, tsa: SimulatedTsa
) -> None:
    context = stamped(context, tsa)
    path, mark = signed(context=context)
    assert dict(mark.facts)["time_stamp"] == "RFC 3161, by 127.0.0.1"
    kind, moment, name = time_stamp(path, context.authority.trust).split(", ")
    assert (kind, name) == ("RFC 3161", NAME)
    assert abs(clock.parse(moment) - clock.now()) < timedelta(minutes=1)


def test_a_time_stamp_by_an_authority_that_is_not_trusted_says_so(
    signed: Sign, context: MarkContext, tsa: SimulatedTsa
) -> None:
    path, _ = signed(context=stamped(context, tsa))
    said = time_stamp(path, context.authority.ca_pem)
    assert said.startswith("untrusted: RFC 3161, ")


def test_a_root_of_signers_is_none_of_time_stamps_nor_the_other_way_round(
    signed: Sign, context: MarkContext, tsa: SimulatedTsa
) -> None:
    path, _ = signed(context=stamped(context, tsa))
    swapped = Trust(signers=tsa.authority.root_pem, stamps=context.authority.ca_pem)
    mark = read_manifest(path, "image/png", swapped)
    assert mark.detail == "Intact; the signer is not under the given trust anchors."
    assert dict(mark.facts)["validation"] == "Valid"
    assert dict(mark.facts)["time_stamp"].startswith("untrusted: RFC 3161")


@pytest.mark.parametrize("fault", ["/refuse", "/wrong", "/garbled", "/fail"])
def test_without_a_usable_answer_the_manifest_is_signed_without(
    signed: Sign, context: MarkContext, tsa: SimulatedTsa, fault: str
) -> None:
    context = stamped(context, tsa, fault)
    path, mark = signed(context=context)
    assert dict(mark.facts)["time_stamp"] == "none: authority unreachable"
    assert time_stamp(path, context.authority.trust) == "none: not in the manifest"


def test_an_authority_that_is_down_stops_nothing(signed: Sign, context: MarkContext) -> None:
    authority = replace(context.authority, time_stamps="http://127.0.0.1:1/")
    path, mark = signed(context=replace(context, authority=authority))
    assert dict(mark.facts)["time_stamp"] == "none: authority unreachable"
    assert time_stamp(path, authority.trust) == "none: not in the manifest"


def test_an_authority_that_does_not_answer_costs_bounded_time(
    signed: Sign, context: MarkContext, tsa: SimulatedTsa, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timestamps, "PATIENCE", 0.2)
    began = time.monotonic()
    _, mark = signed(context=stamped(context, tsa, "/hang"))
    assert dict(mark.facts)["time_stamp"] == "none: authority unreachable"
    assert time.monotonic() - began < 3


def test_an_endless_answer_is_cut_off(tsa: SimulatedTsa, monkeypatch: pytest.MonkeyPatch) -> None:
    assert timestamps.request(tsa.url + "/garbled", b"query") == b"not a time stamp"
    monkeypatch.setattr(timestamps, "MAX_BYTES", 4)
    assert timestamps.request(tsa.url + "/garbled", b"query") == b""


@pytest.mark.parametrize("address", ["http://tsa.example/", "ftp://tsa.example/", "tsa.example"])
def test_the_address_must_be_https_or_local(address: str) -> None:
    with pytest.raises(ConfigurationError):
        load_settings(c2pa_tsa_url=address, c2pa_tsa_trust=Path("root.pem"))
    for accepted in ("https://tsa.example/stamp", "http://127.0.0.1:8318/"):
        load_settings(c2pa_tsa_url=accepted, c2pa_tsa_trust=Path("root.pem"))


def test_an_authority_needs_its_root_or_nobody_could_check() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(c2pa_tsa_url="https://tsa.example/stamp")
    assert "GOVERNANCE_C2PA_TSA_TRUST" in caught.value.message


def test_the_settings_reach_whoever_signs(tmp_path: Path, tsa: SimulatedTsa) -> None:
    root = tmp_path / "root.pem"
    root.write_text(tsa.authority.root_pem)
    settings = load_settings(data_dir=tmp_path, c2pa_tsa_url=tsa.url + "/", c2pa_tsa_trust=root)
    authority = load(settings)
    assert authority.time_stamps == tsa.url + "/"
    assert authority.trust.stamps == tsa.authority.root_pem
    assert tsa.authority.root_pem not in authority.trust.signers
