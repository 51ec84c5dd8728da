"""A 64-bit id survives noise in its 240 signs; what is no word is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.marking.watermark import code, reading
from governance.marking.watermark.keys import WatermarkKeys
from governance.marking.watermark.reading import Candidate, Reading

KEYS = WatermarkKeys(b"\x07" * 32)
IDS = st.integers(0, 2**64 - 1)
ISSUED = np.random.default_rng(1).integers(0, 2**64, 20_000, np.uint64)


def _signs(watermark_id: int) -> code.Soft:
    words: code.Soft = code.encode(np.array([watermark_id], np.uint64)).astype(np.float32)
    signs: code.Soft = words[0]
    return signs


def _measured(
    watermark_id: int, noise: float, seed: int = 0, organisation: str = "acme"
) -> Reading:
    word = reading.word(KEYS, organisation, watermark_id)
    soft = word + np.random.default_rng(seed).normal(0, noise, code.BITS)
    return Reading((Candidate(soft.astype(np.float32), 5.0, (("turn", "0.00"),)),))


@given(IDS)
@settings(max_examples=30, deadline=None)
def test_every_id_is_read_back(watermark_id: int) -> None:
    assert code.decode(_signs(watermark_id)) == watermark_id


@given(IDS, st.sets(st.integers(0, code.BITS - 1), max_size=7))
@settings(max_examples=30, deadline=None)
def test_any_seven_signs_may_be_wrong(watermark_id: int, wrong: set[int]) -> None:
    soft = _signs(watermark_id)
    soft[list(wrong)] *= -1
    assert code.decode(soft) == watermark_id


@given(IDS, st.sets(st.integers(0, code.BITS - 1), max_size=14))
@settings(max_examples=30, deadline=None)
def test_any_fourteen_signs_may_be_missing(watermark_id: int, missing: set[int]) -> None:
    soft = _signs(watermark_id)
    soft[list(missing)] = 0
    assert code.decode(soft) == watermark_id


def test_noise_as_strong_as_the_signs_is_corrected() -> None:
    noise = np.random.default_rng(5)
    right = sum(
        code.decode(_signs(n) + noise.normal(0, 1, code.BITS).astype(np.float32)) == n
        for n in range(40)
    )
    assert right >= 34


def test_noise_alone_is_hardly_ever_a_word() -> None:
    noise = np.random.default_rng(6).normal(size=(40, code.BITS)).astype(np.float32)
    assert [code.decode(soft) for soft in noise] == [None] * 40


def test_many_ids_give_the_words_that_each_gives_alone() -> None:
    ids = np.array([0, 1, 2**63, 2**64 - 1, 0x0123456789ABCDEF], np.uint64)
    words = code.encode(ids)
    assert words.shape == (5, code.BITS)
    assert set(np.unique(words)) == {-1, 1}
    for watermark_id, word in zip(ids, words, strict=True):
        assert (word == _signs(int(watermark_id))).all()


def test_words_are_far_apart() -> None:
    one_bit_changed = code.encode(np.array([1 << n for n in range(64)], np.uint64))
    assert ((1 - one_bit_changed) // 2).sum(axis=1).min() >= 15


def test_the_code_never_changes() -> None:
    word = np.packbits((1 - code.encode(np.array([0x0123456789ABCDEF], np.uint64))[0]) // 2)
    assert word.tobytes().hex() == "2569c77ca6707a2a7fa72bc84e4a01a0cbb6a647b97b460e7e758db1138e"


def test_the_issued_id_is_found_among_many_and_says_how_the_copy_was_changed() -> None:
    last = int(ISSUED[-1])
    found = reading.identify(_measured(last, 1.0), KEYS, {"other": ISSUED, "acme": ISSUED})
    assert found is not None
    assert (found.watermark_id, found.organisation, found.blind) == (last, "acme", False)
    assert found.geometry == (("turn", "0.00"),)
    assert 9 < found.z < 13


def test_an_id_that_was_not_issued_is_not_mistaken_for_another() -> None:
    measured = _measured(int(ISSUED[0]), 0.5)
    assert reading.identify(measured, KEYS, {"acme": ISSUED[1:]}) is None


@pytest.mark.parametrize("empty", [Reading(), Reading((Candidate(np.zeros(240, np.float32), 0),))])
def test_nothing_measured_is_nothing_found(empty: Reading) -> None:
    assert reading.identify(empty, KEYS, {"acme": np.arange(9, dtype=np.uint64)}) is None
    assert reading.decode_blind(empty, KEYS, ["acme"]) is None


def test_nothing_issued_is_nothing_found() -> None:
    none = np.array([], np.uint64)
    assert reading.identify(_measured(1, 0.1), KEYS, {"acme": none}) is None
    assert reading.identify(_measured(1, 0.1), KEYS, {}) is None


def test_a_clear_mark_is_read_without_any_list() -> None:
    found = reading.decode_blind(_measured(2**64 - 5, 0.6), KEYS, ["other", "acme"])
    assert found is not None
    assert (found.watermark_id, found.organisation, found.blind) == (2**64 - 5, "acme", True)


def test_another_organisation_or_another_secret_reads_nothing() -> None:
    clear = _measured(77, 0.3)
    issued = np.arange(1000, dtype=np.uint64)
    stranger = WatermarkKeys(b"\x08" * 32)
    assert reading.decode_blind(clear, KEYS, ["other"]) is None
    assert reading.decode_blind(clear, stranger, ["acme"]) is None
    assert reading.identify(clear, KEYS, {"other": issued}) is None
    assert reading.identify(clear, stranger, {"acme": issued}) is None
