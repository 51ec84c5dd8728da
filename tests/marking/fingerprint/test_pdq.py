"""PDQ as published, and what turning a picture does to its hash."""

import numpy as np
import pytest

from governance.marking.fingerprint import pdq
from governance.marking.fingerprint.index import MIN_VARIETY
from tests.marking.fingerprint.pictures import Luma, scene, waves

# Of `waves`, by the reference implementation (the C++ of pdqhash 0.2.8): size, hash, quality.
REFERENCE = [
    (64, 64, "b825a92f8e7855a8046d28e79f8928c39d5c54ca2d5cd4ab56025755abfbaaad", 100),
    (200, 111, "21fd4f691c210b694ca12b6954a30969aa7508fbabc3a9565dd8fc86ff1807f6", 100),
    (320, 180, "b51525666f968d761f95baa5b44d509f48f8671838780f18c068fc18f3fbfc08", 100),
    (511, 300, "707f01ff3fffc1e00ce0e7e034e046a0e8a0ff6000e0fe203fffca203ff7ca20", 100),
    (33, 47, "c75286970c3479e715e1a2a315d66227acacd7715aaf8f7045ac28b1575f8a8b", 71),
]
# Published with the algorithm: a photograph of a bridge, turned and mirrored in pixels.
BRIDGE = {
    (False, False, False): "d8f8f0cce0f4a84f0e370a22028f67f0b36e2ed596623e1d33e6b39c4e9c9b22",
    (True, False, True): "38a50efd71c83f429013d68d0ffffc52e34e0e15ada952a9d29684214aa9e5af",
    (False, True, True): "2dadda64b5a142e5d362209057da895ae63b8c7fc277b4b766b319361f893188",
    (True, True, False): "a5f0a457248995e8c9065c275aaa54d8b61ba4bdf8fcfc0387c32f8b0bfc4f05",
    (False, False, True): "d8f80f31e0f417b00e37f5dd028f980fb36ed12a9662c1e233e64c634e9c64dd",
    (False, True, False): "0dad259bb1a1bd18d362576556da32a1e63b7380c2374b4866b3c6c91b89ce77",
    (True, False, False): "f0a5e10271dcc0bd9c5309720fff018de34ef1e8ada9a956d2967ade1ea91a50",
    (True, True, True): "69f05aa8a4996a17c146a2da5aaaab07b61b5b60f8fc07fc83c3d0740bfcb0fa",
}


def read(text: str) -> pdq.Hash:
    return np.frombuffer(bytes.fromhex(text), np.uint8)


def hashed(luma: Luma) -> pdq.Hash:
    return pdq.hash64(pdq.picture64(pdq.shrink(luma)))


@pytest.mark.parametrize(("width", "height", "expected", "quality"), REFERENCE)
def test_hash_and_quality_are_those_of_the_reference(
    width: int, height: int, expected: str, quality: int
) -> None:
    small = pdq.picture64(pdq.shrink(waves(width, height)))
    assert pdq.hash64(small).tobytes().hex() == expected
    assert pdq.quality(small) == quality


def test_the_published_hashes_of_a_turned_photograph_follow_from_that_of_the_upright_one() -> None:
    upright = read(BRIDGE[(False, False, False)])
    turned = dict(zip(pdq.DIHEDRAL, pdq.dihedral(upright), strict=True))
    for how, published in BRIDGE.items():
        assert pdq.distance(turned[how], read(published)) <= 26, how


@pytest.mark.parametrize(
    ("how", "place"),
    [
        (lambda luma: luma, (False, False, False)),
        (lambda luma: luma[:, ::-1], (False, True, False)),
        (lambda luma: luma[::-1], (False, False, True)),
        (lambda luma: luma[::-1, ::-1], (False, True, True)),
        (lambda luma: luma.T, (True, False, False)),
    ],
)
def test_a_turned_picture_has_the_turned_hash(how, place) -> None:  # type: ignore[no-untyped-def]
    luma = scene(3)
    expected = pdq.dihedral(hashed(luma))[pdq.DIHEDRAL.index(place)]
    assert pdq.distance(hashed(np.ascontiguousarray(how(luma))), expected) <= 40


def test_a_large_picture_is_shrunk_first_and_keeps_its_hash() -> None:
    large = scene(5).repeat(6, axis=0).repeat(6, axis=1)
    assert max(pdq.shrink(large).shape) < 512
    assert pdq.distance(hashed(large), hashed(scene(5))) <= 24


def test_unrelated_pictures_differ_in_about_half_of_the_bits() -> None:
    hashes = np.stack([hashed(scene(seed)) for seed in range(12)])
    apart = pdq.distance(hashes[:, None], hashes[None])[np.triu_indices(12, 1)]
    assert 120 < apart.mean() < 136
    assert apart.min() > 90


def test_a_flat_picture_has_no_quality() -> None:
    assert pdq.quality(pdq.picture64(np.full((100, 100), 90, np.float32))) == 0


def test_a_lone_box_on_blank_paper_has_a_hash_of_little_variety() -> None:
    for top, left in ((60, 80), (20, 200), (110, 30)):
        paper = np.full((180, 320), 230, np.uint8)
        paper[top : top + 40, left : left + 90] = 30
        assert pdq.variety(hashed(paper)) < MIN_VARIETY
    assert min(pdq.variety(hashed(scene(seed))) for seed in range(12)) >= MIN_VARIETY
