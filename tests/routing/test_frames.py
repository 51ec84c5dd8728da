"""A frame in the words of vendors."""

import pytest

from governance.routing.frames import aspect_ratio, resolution

KNOWN = ("1:1", "16:9", "9:16", "4:3", "21:9")


@pytest.mark.parametrize(
    ("frame", "ratio"),
    [
        ((1920, 1080), "16:9"),
        ((854, 480), "16:9"),
        ((720, 1280), "9:16"),
        ((512, 512), "1:1"),
        ((832, 480), None),
        ((0, 0), None),
        ((1280, 0), None),
    ],
)
def test_a_ratio_is_named_if_it_is_nearly_that(frame: tuple[int, int], ratio: str | None) -> None:
    assert aspect_ratio(*frame, KNOWN) == ratio


def test_a_resolution_is_named_by_the_shorter_side() -> None:
    sizes = {720: "720p"}

    assert [resolution(1280, 720, sizes), resolution(720, 1280, sizes)] == ["720p", "720p"]
    assert resolution(1280, 700, sizes) is None
