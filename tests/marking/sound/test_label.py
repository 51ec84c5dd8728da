"""The spoken label: in the right language, as loud as the sound, heard again, and not imagined."""

from pathlib import Path

import numpy as np
import pyloudnorm
import pytest

from governance.kernel.errors import ConfigurationError
from governance.marking.label import audible
from governance.marking.label.loudness import loudness
from tests.marking.sound import sounds
from tests.marking.sound.sounds import RATE, Floats

UNION = {"bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "ga", "hr"} | {
    "hu",
    "it",
    "lt",
    "lv",
    "mt",
    "nl",
    "pl",
    "pt",
    "ro",
    "sk",
    "sl",
    "sv",
}


def labelled(languages: tuple[str, ...], sound: Floats, rate: int = RATE) -> Floats:
    speech, _ = audible.announcement(languages, sound, rate)
    return np.concatenate([speech, sound], axis=1)


def heard(sound: Floats, *languages: str, rate: int = RATE) -> tuple[audible.Sighting, ...]:
    mono = sounds.filtered(("aresample", str(audible.RATE)))  # what a reader hands over
    track = sound.mean(axis=0, keepdims=True)
    if rate != audible.RATE:
        places = np.arange(0, track.shape[1] - 1, rate / audible.RATE)
        track = mono(track, rate)
        track = np.interp(places, np.arange(track.shape[1]), track[0])[None].astype(np.float32)
    return audible.find(track[0], languages)


def test_every_official_language_of_the_union_is_spoken_and_more() -> None:
    assert UNION | {"zh", "ja", "ko", "hi"} == set(audible.texts())


def test_a_recording_lies_beside_each_text_with_nothing_left_over() -> None:
    assert {path.stem for path in audible.SPEECH.glob("*.flac")} == set(audible.texts())
    assert sum(path.stat().st_size for path in audible.SPEECH.iterdir()) < 1_500_000


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("de-AT", "de"),
        ("pt-BR", "pt"),
        ("ZH_Hans-CN", "zh"),
        ("en", "en"),
        ("sw", "en"),
        ("", "en"),
    ],
)
def test_the_nearest_language_is_spoken_else_english(asked: str, spoken: str) -> None:
    assert audible.resolve(asked) == spoken


def test_several_tags_are_spoken_once_each_in_order() -> None:
    assert audible.resolve_all("en zh de-AT en-GB") == ("en", "zh", "de")


def test_chinas_wording_and_pace_are_kept() -> None:
    text = audible.texts()["zh"]
    assert ("人工智能" in text or "AI" in text) and ("生成" in text or "合成" in text)
    pace = len(text.rstrip("。")) / (len(audible.spoken("zh", 16_000)) / 16_000) * 60
    assert 120 <= pace <= 160


@pytest.mark.parametrize("language", sorted(audible.texts()))
def test_each_language_is_heard_again_behind_a_codec(language: str) -> None:
    delivered = sounds.through("libmp3lame", "mp3", 64_000)(
        labelled((language,), sounds.noise(1)), RATE
    )
    (sighting,) = heard(delivered)
    assert sighting.language == language
    assert sighting.score > 0.9
    assert sighting.at < 0.1


@pytest.mark.parametrize("codec", [("aac", "mp4", 48_000), ("libopus", "ogg", 32_000)])
def test_a_quieter_copy_in_another_codec_still_says_it(codec: tuple[str, str, int]) -> None:
    delivered = sounds.through(*codec)(labelled(("en",), sounds.music(3)) * np.float32(0.1), RATE)
    (sighting,) = heard(delivered, "en")
    assert sighting.score > 0.8


def test_two_languages_are_heard_one_after_the_other() -> None:
    first, second = heard(labelled(("en", "zh"), sounds.music(3)))
    assert (first.language, second.language) == ("en", "zh")
    assert second.at == pytest.approx(first.at + first.seconds + audible.PAUSE, abs=0.05)


@pytest.mark.parametrize("kind", sounds.KINDS)
def test_sound_without_a_label_says_nothing(kind: str) -> None:
    assert heard(sounds.KINDS[kind]()) == ()


def test_another_language_is_not_the_one_asked_for() -> None:
    assert heard(labelled(("cs",), sounds.noise(3)), "sk") == ()


def test_a_sentence_that_only_begins_alike_is_refused() -> None:
    sound = labelled(("en",), sounds.noise(8))
    other = audible.spoken("en", RATE)[::-1]
    sound[0, RATE : RATE + len(other)] = other
    assert heard(sound, "en") == ()


def test_a_label_in_the_middle_is_not_at_the_beginning() -> None:
    sound = np.concatenate([sounds.noise(3), labelled(("en",), sounds.noise(3))], axis=1)
    assert heard(sound, "en") == ()


@pytest.mark.parametrize("level", [0.3, 1.0])
def test_the_label_is_as_loud_as_the_sound(level: float) -> None:
    sound = sounds.speech() * np.float32(level)
    speech, _ = audible.announcement(("en",), sound, RATE)
    wanted, got = loudness(sound, RATE), loudness(speech, RATE)
    assert wanted is not None and got == pytest.approx(wanted, abs=0.5)


@pytest.mark.parametrize(
    ("sound", "wanted"),
    [
        (np.zeros((2, RATE), np.float32), -23),
        (sounds.noise(0.2), -23),
        (sounds.noise(2) * np.float32(0.01), -30),
        (sounds.noise(2) * np.float32(9), -14),
    ],
)
def test_extremes_of_loudness_are_bounded(sound: Floats, wanted: float) -> None:
    speech, _ = audible.announcement(("en",), sound, RATE)
    got = loudness(speech, RATE)
    assert got == pytest.approx(wanted, abs=1)
    assert np.abs(speech).max() <= audible.PEAK + 1e-3


def test_of_eight_channels_the_first_two_speak() -> None:
    speech, _ = audible.announcement(("en",), np.zeros((8, RATE), np.float32), RATE)
    assert speech[0].any() and np.array_equal(speech[0], speech[1])
    assert not speech[2:].any()


@pytest.mark.parametrize("kind", sounds.KINDS)
def test_loudness_agrees_with_another_implementation(kind: str) -> None:
    sound = sounds.KINDS[kind](4)
    ours = loudness(sound, RATE)
    theirs = pyloudnorm.Meter(RATE).integrated_loudness(sound.T.astype(np.float64))
    assert ours == pytest.approx(theirs, abs=0.2)


def test_a_damaged_recording_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "en.flac").write_bytes(b"fLaC")
    monkeypatch.setattr(audible, "SPEECH", tmp_path)
    audible.spoken.cache_clear()
    with pytest.raises(ConfigurationError, match=r"en\.flac"):
        audible.spoken("en", 12_345)
