"""The media store: a file is there whole, under its digest, for one owner, or it is not there."""

import hashlib
import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.kernel.errors import NotFound, Unavailable
from governance.kernel.media import MediaStore, sha256_file

CONTENT = b"twelve frames of a calm sea"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


def kept(store: MediaStore, owner: str, content: bytes = CONTENT) -> str:
    with store.staging(".mp4") as path:
        path.write_bytes(content)
        return store.keep(path, owner)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_kept_file_is_found_under_the_digest_of_its_bytes(store: MediaStore) -> None:
    assert kept(store, "gen_1") == DIGEST
    assert store.path("gen_1", DIGEST).read_bytes() == CONTENT
    assert sha256_file(store.path("gen_1", DIGEST)) == DIGEST


def test_keeping_the_same_bytes_again_changes_nothing(store: MediaStore, tmp_path: Path) -> None:
    assert kept(store, "gen_1") == kept(store, "gen_1")
    assert files(tmp_path) == [DIGEST]


def test_work_that_fails_leaves_no_file(store: MediaStore, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), store.staging(".mp4") as path:
        path.write_bytes(CONTENT)
        raise RuntimeError("the encoder died")
    assert files(tmp_path) == []


def test_work_in_progress_is_not_seen_as_a_stored_file(store: MediaStore) -> None:
    with store.staging() as path:
        path.write_bytes(CONTENT)
        with pytest.raises(NotFound):
            store.path("gen_1", DIGEST)


def test_a_move_that_fails_leaves_the_store_as_it_was(
    store: MediaStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="No space"):
        kept(store, "gen_1")
    assert files(tmp_path) == []


def test_each_owner_has_its_own_copy(store: MediaStore) -> None:
    kept(store, "gen_1")
    with pytest.raises(NotFound):
        store.path("gen_2", DIGEST)
    kept(store, "gen_2")
    store.remove("gen_1")
    assert store.path("gen_2", DIGEST).read_bytes() == CONTENT


def test_a_removed_file_is_missing_and_says_so(store: MediaStore) -> None:
    kept(store, "gen_1")
    store.remove("gen_1")
    store.remove("gen_1")  # twice is no fault
    with pytest.raises(NotFound) as raised:
        store.path("gen_1", DIGEST)
    assert raised.value.code == "media_missing"


@pytest.mark.parametrize("owner", ["", ".", "..", "gen_1/..", "/etc", "gen 1", "gen_1\n"])
def test_a_name_that_reaches_other_folders_owns_nothing(store: MediaStore, owner: str) -> None:
    kept(store, "gen_1")
    for attempt in (store.remove, lambda name: store.path(name, DIGEST)):
        with pytest.raises(ValueError, match="cannot own files"):
            attempt(owner)
    assert store.path("gen_1", DIGEST).is_file()


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(["gen_1", "gen_2", "gen_3"]), st.booleans()), max_size=9))
def test_what_one_owner_does_never_shows_at_another(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, bool]]
) -> None:
    store = MediaStore(tmp_path_factory.mktemp("media"))
    expected: set[str] = set()
    for owner, is_kept in actions:
        if is_kept:
            kept(store, owner)
            expected.add(owner)
        else:
            store.remove(owner)
            expected.discard(owner)
    assert {owner for owner in ("gen_1", "gen_2", "gen_3") if has(store, owner)} == expected


def has(store: MediaStore, owner: str) -> bool:
    try:
        return store.path(owner, DIGEST).is_file()
    except NotFound:
        return False


def test_no_work_begins_on_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    store = MediaStore(tmp_path, min_free=2**62)
    with pytest.raises(Unavailable) as raised, store.staging():
        raise AssertionError("never reached")
    assert raised.value.code == "disk_full"


def test_what_a_killed_process_left_is_removed_a_day_later(tmp_path: Path) -> None:
    store = MediaStore(tmp_path)
    stale, fresh = tmp_path / "staging" / "tmp_1.mp4", tmp_path / "staging" / "tmp_2.mp4"
    for path in (stale, fresh):
        path.write_bytes(CONTENT)
    yesterday = time.time() - 25 * 3600
    os.utime(stale, (yesterday, yesterday))
    kept(store, "gen_1")
    MediaStore(tmp_path)
    assert files(tmp_path) == sorted([fresh.name, DIGEST])
