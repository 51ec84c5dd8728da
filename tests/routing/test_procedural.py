"""The generator without a model makes real, playable media, the same each time it is asked."""

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from governance.domain import Media
from governance.routing import procedural

from .clips import Clip, decode

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Render a small file; the path of it."""

    def render(
        media: Media = "video", prompt: str = "a fox", take: str = "gen_1", **size: int
    ) -> Path:
        size = {"seconds": 1, "width": 640, "height": 360} | size
        target = tmp_path / f"{len(list(tmp_path.iterdir()))}.media"
        procedural.render(target, procedural.recipe(media, prompt, take, **size))
        return target

    return render


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """Two seconds of 360p."""
    target = tmp_path_factory.mktemp("clip") / "clip.mp4"
    recipe = procedural.recipe("video", "a fox", "gen_1", seconds=2, width=640, height=360)
    procedural.render(target, recipe)
    return decode(target)


class TestAClip:
    def test_is_h264_with_aac_of_the_length_and_size_that_was_asked_for(self, clip: Clip) -> None:
        assert clip.codecs == ("h264", "aac")
        assert clip.frames.shape == (48, 360, 640)
        assert clip.video_seconds == pytest.approx(2.0, abs=0.01)
        assert clip.audio_seconds == pytest.approx(2.0, abs=0.05)

    def test_is_never_black_white_or_flat(self, clip: Clip) -> None:
        means = clip.frames.mean(axis=(1, 2))
        spreads = clip.frames.std(axis=(1, 2))

        assert 40 < means.min() <= means.max() < 225
        assert spreads.min() > 15

    def test_is_never_frozen(self, clip: Clip) -> None:
        half = len(clip.frames) // 2
        apart = np.abs(clip.frames[half:].astype(int) - clip.frames[:half]).mean(axis=(1, 2))

        assert apart.min() > 1.0

    def test_can_be_heard_and_does_not_clip(self, clip: Clip) -> None:
        assert clip.samples.shape[0] == 2
        assert float(np.sqrt((clip.samples**2).mean())) > 0.02
        assert float(np.abs(clip.samples).max()) < 0.8

    def test_can_be_played_while_it_loads(self, make: Make) -> None:
        data = make().read_bytes()

        assert data[4:8] == b"ftyp"
        assert data.index(b"moov") < data.index(b"mdat")

    @pytest.mark.parametrize(("width", "height"), [(360, 640), (1920, 1080)])
    def test_may_have_any_shape_up_to_1080p(self, make: Make, width: int, height: int) -> None:
        frames = decode(make(width=width, height=height)).frames

        assert frames.shape == (24, height, width)
        assert frames.std(axis=(1, 2)).min() > 15

    def test_of_the_same_recipe_is_the_same_to_the_last_pixel(self, make: Make) -> None:
        first, second = decode(make()), decode(make())

        assert np.array_equal(first.frames, second.frames)
        assert np.array_equal(first.samples, second.samples)

    @pytest.mark.parametrize("changes", [{"prompt": "a castle"}, {"take": "gen_2"}])
    def test_of_another_prompt_or_take_looks_and_sounds_different(
        self, make: Make, clip: Clip, changes: dict[str, str]
    ) -> None:
        other = decode(make(**changes))

        apart = np.abs(other.frames[0].astype(int) - clip.frames[0])
        count = min(other.samples.shape[1], clip.samples.shape[1])
        assert apart.mean() > 5
        assert not np.allclose(other.samples[:, :count], clip.samples[:, :count], atol=0.01)


class TestARecipe:
    def test_does_not_tell_which_prompt_it_was(self) -> None:
        recipe = procedural.recipe("audio", "a fox", "gen_1", seconds=1)

        assert recipe.palette < 2**16
        assert recipe.terrain == procedural.recipe("audio", "a hen", "gen_1", seconds=1).terrain


class TestAnImage:
    def test_is_a_png_of_the_size_that_was_asked_for(self, make: Make) -> None:
        with Image.open(make("image", width=800, height=600)) as image:
            assert image.format == "PNG"
            assert image.size == (800, 600)
            assert np.asarray(image).std() > 15

    def test_of_the_same_recipe_has_the_same_bytes(self, make: Make) -> None:
        assert make("image").read_bytes() == make("image").read_bytes()


class TestASound:
    def test_is_a_stereo_wav_of_the_length_that_was_asked_for(self, make: Make) -> None:
        with wave.open(str(make("audio", seconds=7))) as sound:
            assert sound.getparams()[:4] == (2, 2, 48_000, 7 * 48_000)

    def test_differs_by_prompt(self, make: Make) -> None:
        assert make("audio").read_bytes() != make("audio", prompt="a castle").read_bytes()
