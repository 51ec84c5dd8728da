"""A copy is fetched from the hosts that an operator allows, and nobody talks us into another."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from governance.detection import fetching
from governance.detection.fetching import allowed, fetch
from governance.kernel import settings as configuration
from governance.kernel.errors import GovernanceError, InvalidRequest
from governance.kernel.settings import Settings
from tests.serving import serving

LIMIT = 10_000
COPY = bytes(range(256)) * 4
PACKED = gzip.compress(bytes(5_000_000))
Host = tuple[str, list[str]]


@pytest.fixture
def host() -> Iterator[Host]:
    answers = {
        "/copy.png": (200, {}, COPY),
        "/moved": (302, {"Location": "/copy.png"}, b""),
        "/large": (200, {}, bytes(LIMIT + 1)),
        "/packed": (200, {"Content-Encoding": "gzip"}, PACKED),
    }
    with serving(answers) as served:
        yield served


def allowing(folder: Path, hosts: str) -> Settings:
    return configuration.load(data_dir=folder, check_hosts=hosts, max_upload=LIMIT)


def refusal(url: str, folder: Path) -> GovernanceError:
    with pytest.raises(GovernanceError) as caught:
        fetch(url, folder / "copy", allowing(folder, "127.0.0.1"))
    return caught.value


def test_a_copy_on_an_allowed_host_is_fetched_as_it_lies_there(host: Host, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    assert fetch(f"{host[0]}/copy.png", target, allowing(tmp_path, "127.0.0.1")) == "127.0.0.1"
    assert target.read_bytes() == COPY


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        ("/moved", "copy_not_found", "answers 302"),
        ("/none", "copy_not_found", "answers 404"),
        ("/large", "media_too_large", "10,000 bytes"),
    ],
)
def test_what_is_no_copy_is_refused_with_a_sentence(
    host: Host, tmp_path: Path, path: str, code: str, words: str
) -> None:
    error = refusal(host[0] + path, tmp_path)
    assert (error.code, words in error.message) == (code, True)
    assert host[1] == [path]  # nobody followed a redirect


def test_a_packed_answer_is_not_unpacked(host: Host, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    fetch(f"{host[0]}/packed", target, allowing(tmp_path, "127.0.0.1"))
    assert target.read_bytes() == PACKED


def test_a_host_that_does_not_answer_is_told_apart_from_one_that_refuses(tmp_path: Path) -> None:
    assert refusal("http://127.0.0.1:1/copy", tmp_path).code == "copy_unavailable"


def test_a_copy_that_trickles_in_ends_after_a_while(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "PATIENCE", -1.0)
    assert refusal(f"{host[0]}/copy.png", tmp_path).code == "copy_unavailable"


@pytest.mark.parametrize(
    "url",
    [
        "https://media.example/copy.mp4",
        "https://MEDIA.example/copy.mp4?token=1",
        "https://media.example:443/copy.mp4",
        "http://127.0.0.1:8080/copy.mp4",
    ],
)
def test_allowed_are_the_listed_hosts_by_https_and_this_machine(url: str, tmp_path: Path) -> None:
    assert allowed(url, allowing(tmp_path, "media.example,127.0.0.1")).host in url.lower()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "copy.mp4",
        "https:///copy.mp4",
        "file:///etc/passwd",
        "ftp://media.example/copy.mp4",
        "http://media.example/copy.mp4",
        "https://media.example:22/copy.mp4",
        "https://media.example:x/copy.mp4",
        "https://media.example./copy.mp4",
        "https://media.example.evil.example/copy.mp4",
        "https://evil.example/media.example",
        "https://evil.example#@media.example/copy.mp4",
        "https://evil.example\\@media.example/copy.mp4",
        "https://somebody@media.example/copy.mp4",
        "https://:secret@media.example/copy.mp4",
        "https://media.example\t/copy.mp4",
        "https://[::1]/copy.mp4",
        "http://[::1]/copy.mp4",
        "https://[media.example/copy.mp4",
        "http://localhost/copy.mp4",
        "http://2130706433/copy.mp4",
        "http://169.254.169.254/latest/meta-data",
        "https://" + "a" * 100_000,
        "https://xn--\x80/",
    ],
)
def test_no_spelling_of_an_address_reaches_another_host(url: str, tmp_path: Path) -> None:
    for hosts in ("media.example,127.0.0.1", ""):
        with pytest.raises(InvalidRequest) as caught:
            allowed(url, allowing(tmp_path, hosts))
        assert caught.value.code == "host_not_allowed"
