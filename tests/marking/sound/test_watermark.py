"""The watermark in sound is found after what happens to sound, and nowhere else."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from governance.marking.watermark.keys import WatermarkKeys
from governance.marking.watermark.reading import Found, decode_blind, identify
from governance.marking.watermark.sound import SoundWatermark
from governance.marking.watermark.sound_read import SoundReader
from tests.marking.sound import sounds
from tests.marking.sound.sounds import RATE, Floats

KEYS = WatermarkKeys(bytes(range(32)))
OURS = 0x0123_4567_89AB_CDEF
OTHERS = np.random.default_rng(0).integers(0, 2**63, 10_000).astype(np.uint64)
ISSUED = {"acme": np.append(OTHERS, np.uint64(OURS))}

SURVIVED: dict[str, Callable[[Floats, int], Floats]] = {
    "nothing": lambda samples, rate: samples,
    "mp3 at 64 kbit/s": sounds.through("libmp3lame", "mp3", 64_000),
    "AAC at 64 kbit/s": sounds.through("aac", "mp4", 64_000),
    "Opus at 32 kbit/s": sounds.through("libopus", "ogg", 32_000),
    "a sample rate of 16 kHz": sounds.filtered(("aresample", "16000")),
    "a low-pass at 8 kHz": sounds.filtered(("lowpass", "f=8000")),
    "one channel, a tenth as loud": lambda samples, rate: (
        samples.mean(axis=0, keepdims=True) * np.float32(0.1)
    ),
    "a cut at both ends": lambda samples, rate: samples[:, rate * 2 + 777 : rate * 7],
    "hiss 30 dB below": lambda samples, rate: samples + _hiss(samples, 0.03),
}
FASTER: dict[str, Callable[[Floats, int], Floats]] = {
    "1.25 times faster": sounds.filtered(("atempo", "1.25")),
    "1.25 times slower": sounds.filtered(("atempo", "0.8")),
    "1.25 times faster and higher": sounds.faster(1.25),
    "a semitone higher": sounds.faster(2 ** (1 / 12)),
    "30 to 29.97 frames a second": sounds.faster(1.001),
}


def _hiss(samples: Floats, share: float) -> Floats:
    hiss: Floats = np.random.default_rng(9).standard_normal(samples.shape).astype(np.float32)
    return hiss * np.float32(samples.std() * share)


@cache
def marked(kind: str) -> Floats:
    return SoundWatermark(KEYS, "acme", OURS).apply(sounds.KINDS[kind](), RATE)


def read(samples: Floats, rate: int = RATE, keys: WatermarkKeys = KEYS) -> SoundReader:
    reader = SoundReader(keys)
    for start in range(0, samples.shape[1], 10_000):
        reader.feed(samples[:, start : start + 10_000], rate)
    return reader


def found(samples: Floats, rate: int = RATE) -> Found | None:
    return identify(read(samples, rate).reading(), KEYS, ISSUED)


@pytest.mark.parametrize("change", SURVIVED)
@pytest.mark.parametrize("kind", ["music", "speech", "noise"])
def test_the_id_is_found_after(kind: str, change: str) -> None:
    seen = found(SURVIVED[change](marked(kind), RATE))
    assert seen is not None
    assert (seen.watermark_id, seen.organisation) == (OURS, "acme")


@pytest.mark.parametrize("change", FASTER)
def test_the_id_is_found_at_another_speed(change: str) -> None:
    seen = found(FASTER[change](marked("music"), RATE))
    assert seen is not None
    assert seen.watermark_id == OURS


def test_the_speed_of_a_copy_is_told() -> None:
    changed = found(FASTER["1.25 times faster and higher"](marked("noise"), RATE))
    assert changed and dict(changed.geometry)["pitch"] == "changed"
    assert float(dict(changed.geometry)["speed"]) == pytest.approx(1.25, abs=0.005)
    assert found(marked("noise")).geometry == (("speed", "1"), ("pitch", "kept"))  # type: ignore[union-attr]


def test_a_steady_chord_carries_the_mark_through_a_codec() -> None:
    seen = found(SURVIVED["AAC at 64 kbit/s"](marked("tones"), RATE))
    assert seen and seen.watermark_id == OURS


def test_the_id_is_read_without_a_list_of_ids() -> None:
    seen = decode_blind(read(marked("music")).reading(), KEYS, ["other", "acme"])
    assert seen and (seen.watermark_id, seen.organisation, seen.blind) == (OURS, "acme", True)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 48_000, 96_000])
def test_every_sample_rate_carries_it(rate: int) -> None:
    sound = SoundWatermark(KEYS, "acme", OURS).apply(sounds.noise(6, rate), rate)
    seen = found(sound, rate)
    assert seen and seen.watermark_id == OURS


def test_eight_channels_carry_it_and_so_does_each_of_them() -> None:
    channels = np.concatenate([np.roll(sounds.noise(6), 1000 * k, axis=1) for k in range(8)])
    sound = SoundWatermark(KEYS, "acme", OURS).apply(channels, RATE)
    assert sound.shape == channels.shape
    for part in (sound, sound[3:4]):
        seen = found(part)
        assert seen and seen.watermark_id == OURS


def test_four_seconds_are_enough() -> None:
    sound = SoundWatermark(KEYS, "acme", OURS).apply(sounds.music(4), RATE)
    seen = found(SURVIVED["mp3 at 64 kbit/s"](sound, RATE))
    assert seen and seen.watermark_id == OURS


@pytest.mark.parametrize("kind", sounds.KINDS)
def test_unmarked_sound_says_nothing(kind: str) -> None:
    reading = read(sounds.KINDS[kind](3)).reading()
    assert identify(reading, KEYS, ISSUED) is None
    assert decode_blind(reading, KEYS, ["acme"]) is None


def test_another_secret_finds_nothing() -> None:
    stranger = WatermarkKeys(b"s" * 32)
    reading = read(marked("music"), keys=stranger).reading()
    assert identify(reading, stranger, ISSUED) is None


def test_another_organisation_finds_nothing() -> None:
    assert identify(read(marked("music")).reading(), KEYS, {"other": ISSUED["acme"]}) is None


@pytest.mark.parametrize("kind", sounds.KINDS)
def test_the_mark_lies_far_below_the_sound(kind: str) -> None:
    sound = sounds.KINDS[kind]()
    change = marked(kind) - sound
    assert 10 * np.log10(np.square(change).mean() / np.square(sound).mean()) < -22


def test_digital_silence_stays_silent() -> None:
    sound = sounds.music().copy()
    sound[:, RATE * 3 : RATE * 5] = 0
    written = SoundWatermark(KEYS, "acme", OURS).apply(sound, RATE)
    assert not written[:, round(RATE * 3.05) : round(RATE * 4.95)].any()


def test_a_stream_in_pieces_gives_the_same_as_the_whole() -> None:
    sound = sounds.music()
    writer = SoundWatermark(KEYS, "acme", OURS).writer(RATE, 2)
    pieces = [writer.feed(piece) for piece in np.array_split(sound, 37, axis=1)]
    whole = np.concatenate([*pieces, writer.finish()], axis=1)
    assert whole.shape == sound.shape
    assert np.allclose(whole, marked("music"), atol=1e-6)


@pytest.mark.parametrize(
    ("sound", "reason"),
    [
        (sounds.music(3), "too short"),
        (np.zeros((1, RATE * 8), np.float32), "too quiet"),
        (sounds.noise() * np.float32(0.001), "too quiet"),
    ],
)
def test_what_carries_no_mark_says_why(sound: Floats, reason: str) -> None:
    writer = SoundWatermark(KEYS, "acme", OURS).writer(RATE, len(sound))
    writer.feed(sound)
    writer.finish()
    assert reason in writer.shortfall()


def test_what_cannot_be_read_says_why() -> None:
    short, silent = read(sounds.music(1)), read(np.zeros((1, RATE * 8), np.float32))
    assert short.reading().candidates == silent.reading().candidates == ()
    assert "too short" in short.shortfall()
    assert "too quiet" in silent.shortfall()
    assert not SoundReader(KEYS).reading().candidates


def test_a_mark_late_in_a_long_sound_is_found() -> None:
    before = np.tile(sounds.noise(6)[:, ::-1], 11)
    seen = found(np.concatenate([before, marked("music").mean(axis=0, keepdims=True)], axis=1))
    assert seen and seen.watermark_id == OURS
