"""Sound files are marked in one pass and keep everything that is not sound."""

import struct
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from governance.kernel.errors import InvalidRequest, TooLarge
from governance.marking import sound_wav
from governance.marking.sound import mark_sound, read_sound
from governance.marking.watermark.keys import WatermarkKeys
from governance.marking.watermark.reading import identify
from governance.marking.watermark.sound import SoundWatermark
from tests.marking import samples
from tests.marking.sound import sounds
from tests.marking.sound.sounds import RATE

KEYS = WatermarkKeys(bytes(range(32)))
OURS = 4711
ISSUED = {"acme": np.array([1, 2, OURS], np.uint64)}
WATERMARK = SoundWatermark(KEYS, "acme", OURS)
FORMATS = ["u1", "<i2", "i3", "<i4", "<f4", "<f8"]


@pytest.mark.parametrize("media_type", ["audio/wav", "audio/mpeg"])
def test_label_and_watermark_are_written_and_read_back(tmp_path: Path, media_type: str) -> None:
    make = sounds.wav if media_type == "audio/wav" else sounds.mp3
    source, target = make(tmp_path / "source", sounds.music(5)), tmp_path / "target"
    written = mark_sound(source, target, media_type, language="de-AT zh", watermark=WATERMARK)
    heard = read_sound(target, keys=KEYS)
    assert [label.language for label in written.labels] == ["de", "zh"]
    assert [label.language for label in heard.labels] == ["de", "zh"]
    assert min(label.score for label in heard.labels) > 0.9
    assert written.unmarkable == heard.unmarkable == ""
    assert heard.watermark is not None
    found = identify(heard.watermark, KEYS, ISSUED)
    assert found and found.watermark_id == OURS
    assert len(written.fingerprint) > 4
    assert heard.seconds == pytest.approx(
        5 + sum(each.seconds + 0.4 for each in written.labels), abs=0.1
    )


def test_facts_of_a_label_are_text() -> None:
    source = dict(read_sound.__annotations__)
    assert source["path"] is Path


@pytest.mark.parametrize("kind", FORMATS)
def test_every_sample_format_is_kept_and_the_sound_untouched_behind_the_label(
    tmp_path: Path, kind: str
) -> None:
    if kind == "u1":
        source = _eight_bits(tmp_path / "source.wav")
    else:
        source = sounds.wav(tmp_path / "source.wav", sounds.music(2), kind=kind)
    written = mark_sound(source, tmp_path / "target.wav", "audio/wav", language="en")
    before, after = sounds.decoded(source), sounds.decoded(tmp_path / "target.wav")
    assert _form(source) == _form(tmp_path / "target.wav")
    assert after.shape[1] == before.shape[1] + round((written.labels[0].seconds + 0.4) * RATE)
    assert np.allclose(after[:, -before.shape[1] :], before, atol=1e-6)


def test_only_the_watermark_leaves_the_length_as_it_was(tmp_path: Path) -> None:
    source = sounds.wav(tmp_path / "source.wav", sounds.noise(5), kind="i3")
    written = mark_sound(source, tmp_path / "target.wav", "audio/wav", watermark=WATERMARK)
    assert written.labels == ()
    assert source.stat().st_size == (tmp_path / "target.wav").stat().st_size


def test_other_chunks_of_a_wav_file_stay_and_sizes_are_mended(tmp_path: Path) -> None:
    info = sounds.chunk(b"LIST", b"INFOINAM\x06\0\0\0A song")
    odd = sounds.chunk(b"note", b"seven c")
    fact = sounds.chunk(b"fact", struct.pack("<I", RATE * 5))
    source = sounds.wav(
        tmp_path / "source.wav", sounds.noise(5), kind="<f4", before=fact + info, after=odd
    )
    target = tmp_path / "target.wav"
    mark_sound(source, target, "audio/wav", language="en")
    data = target.read_bytes()
    assert info in data and data.endswith(odd)
    assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8
    frames = sounds.decoded(target).shape[1]
    assert struct.unpack_from("<I", data, data.index(b"fact") + 8)[0] == frames


def test_bytes_behind_the_end_of_a_wav_file_are_not_delivered(tmp_path: Path) -> None:
    source = sounds.wav(tmp_path / "source.wav", sounds.noise(5))
    with source.open("ab") as stream:
        stream.write(b"PK\x03\x04 an archive")
    mark_sound(source, tmp_path / "target.wav", "audio/wav", language="en")
    assert b"an archive" not in (tmp_path / "target.wav").read_bytes()


def test_an_mp3_file_keeps_its_tags_rate_and_bit_rate(tmp_path: Path) -> None:
    source = sounds.mp3(tmp_path / "source.mp3", sounds.music(3), bit_rate=192_000)
    last = b"TAG" + b"Old title".ljust(125, b"\0")
    source.write_bytes(source.read_bytes() + last)
    target = tmp_path / "target.mp3"
    mark_sound(source, target, "audio/mpeg", language="en")
    tag = source.read_bytes()[: source.read_bytes().index(b"\xff\xfb")]
    assert target.read_bytes().startswith(tag) and target.read_bytes().endswith(last)
    with av.open(str(target)) as opened:
        stream = opened.streams.audio[0]
        assert opened.metadata["title"] == "A song"
        assert (stream.rate, stream.channels) == (RATE, 2)
        assert stream.codec_context.bit_rate == pytest.approx(192_000, rel=0.02)
    assert set(tmp_path.iterdir()) == {source, target}


def test_eight_channels_are_marked(tmp_path: Path) -> None:
    channels = np.concatenate([np.roll(sounds.noise(5), 900 * k, axis=1) for k in range(8)])
    source = sounds.wav(tmp_path / "source.wav", channels)
    mark_sound(source, tmp_path / "target.wav", "audio/wav", language="en", watermark=WATERMARK)
    heard = read_sound(tmp_path / "target.wav", keys=KEYS, language="en")
    assert heard.watermark and identify(heard.watermark, KEYS, ISSUED)
    assert heard.labels


@pytest.mark.parametrize(
    ("seconds", "level", "reason"), [(2, 1.0, "too short"), (6, 0.0, "too quiet")]
)
def test_what_carries_no_watermark_is_written_with_the_reason(
    tmp_path: Path, seconds: int, level: float, reason: str
) -> None:
    source = sounds.wav(tmp_path / "source.wav", sounds.noise(seconds) * np.float32(level))
    written = mark_sound(
        source, tmp_path / "target.wav", "audio/wav", language="en", watermark=WATERMARK
    )
    assert reason in written.unmarkable
    assert [each.language for each in read_sound(tmp_path / "target.wav").labels] == ["en"]


def test_the_sound_of_a_video_is_heard_too(tmp_path: Path) -> None:
    clip = samples.video(tmp_path / "clip.mp4", seconds=1, sound=samples.tone(3))
    assert read_sound(clip, keys=KEYS).seconds == pytest.approx(3, abs=0.1)


def test_a_video_without_sound_is_no_error(tmp_path: Path) -> None:
    heard = read_sound(samples.video(tmp_path / "clip.mp4", seconds=1), keys=KEYS)
    assert (heard.seconds, heard.labels, len(heard.fingerprint)) == (0, (), 0)


def test_progress_is_told_and_may_stop(tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    told: list[float] = []

    def progress(seconds: float) -> None:
        told.append(seconds)
        if seconds > 2:
            raise Enough

    source = sounds.wav(tmp_path / "source.wav", sounds.noise(5))
    with pytest.raises(Enough):
        read_sound(source, progress=progress)
    assert told == sorted(told) and told[-1] < 4


def _with_a_nan(path: Path) -> Path:
    sound = sounds.noise(2).copy()
    sound[0, 5000] = np.nan
    return sounds.wav(path, sound, kind="<f4")


def _without_samples(path: Path) -> Path:
    path.write_bytes(b"RIFF" + struct.pack("<I", 4) + b"WAVE")
    return path


def _truncated(path: Path) -> Path:
    sounds.wav(path, sounds.noise(3))
    path.write_bytes(path.read_bytes()[:90_000])
    return path


def _law(path: Path) -> Path:
    sounds.wav(path, sounds.noise(2), rate=8_000)
    data = bytearray(path.read_bytes())
    struct.pack_into("<HHIIHH", data, 20, 6, 1, 8_000, 8_000, 1, 8)
    path.write_bytes(data)
    return path


def _slow(path: Path) -> Path:
    return sounds.wav(path, sounds.noise(2), rate=4_000)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (_with_a_nan, "media_corrupt"),
        (_without_samples, "media_corrupt"),
        (_truncated, "media_corrupt"),
        (_law, "media_unsupported"),
        (_slow, "media_unsupported"),
    ],
)
def test_broken_and_foreign_files_are_refused_with_a_sentence(
    tmp_path: Path, make: Callable[[Path], Path], code: str
) -> None:
    source = make(tmp_path / "source.wav")
    with pytest.raises(InvalidRequest) as refusal:
        mark_sound(source, tmp_path / "target.wav", "audio/wav", language="en")
    assert refusal.value.code == code
    assert refusal.value.message.endswith(".")


def test_noise_that_calls_itself_mp3_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "source.mp3"
    source.write_bytes(np.random.default_rng(1).integers(0, 256, 50_000, np.uint8).tobytes())
    with pytest.raises(InvalidRequest):
        mark_sound(source, tmp_path / "target.mp3", "audio/mpeg", language="en")


def test_a_playlist_is_never_followed(tmp_path: Path) -> None:
    sounds.wav(tmp_path / "secret.wav", sounds.noise(2))
    playlist = tmp_path / "list.wav"
    playlist.write_text("ffconcat version 1.0\nfile secret.wav\n")
    with pytest.raises(InvalidRequest):
        read_sound(playlist)


def test_a_wav_file_that_would_outgrow_its_sizes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sound_wav, "WAV_BYTES", 100_000)
    source = sounds.wav(tmp_path / "source.wav", sounds.noise(5))
    with pytest.raises(TooLarge):
        mark_sound(source, tmp_path / "target.wav", "audio/wav", language="en")


def _eight_bits(path: Path) -> Path:
    levels = np.round(sounds.noise(2) * 127 + 128).clip(0, 255).astype(np.uint8)
    form = struct.pack("<HHIIHH", 1, 1, RATE, RATE, 1, 8)
    body = b"WAVE" + sounds.chunk(b"fmt ", form) + sounds.chunk(b"data", levels.tobytes())
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def _form(path: Path) -> bytes:
    data = path.read_bytes()
    at = data.index(b"fmt ")
    return data[at : at + 24]
