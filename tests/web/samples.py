"""Small media files to review, made by real codecs."""

import wave
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

WIDTH, HEIGHT, RATE, SECONDS = 640, 360, 24, 3
SOUND_RATE = 48_000


def picture(moment: float) -> NDArray[np.uint8]:
    """A boat on water in the evening, `moment` from 0 to 1, with its label; RGB."""
    depth = np.linspace(0, 1, HEIGHT)[:, None]
    sky = np.array([244, 190, 140]) * depth + np.array([40, 70, 110]) * (1 - depth)
    image = Image.fromarray(np.repeat(sky[:, None, :], WIDTH, axis=1).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 230, WIDTH, HEIGHT), fill=(38, 72, 92))
    for row in range(240, HEIGHT, 14):
        draw.line((0, row, WIDTH, row), fill=(58, 96, 116))
    left = 120 + int(300 * moment)
    draw.polygon(
        [(left, 236), (left + 110, 236), (left + 88, 262), (left + 22, 262)], (245, 240, 230)
    )
    draw.polygon([(left + 55, 150), (left + 55, 228), (left + 104, 228)], fill=(245, 240, 230))
    draw.rectangle((WIDTH - 152, 14, WIDTH - 14, 42), fill=(0, 0, 0))
    draw.text((WIDTH - 142, 18), "AI GENERATED", fill=(255, 255, 255), font_size=18)
    return np.asarray(image)


def tone(seconds: float) -> NDArray[np.float32]:
    time = np.arange(int(SOUND_RATE * seconds), dtype=np.float32) / SOUND_RATE
    return (0.1 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


def make_all(folder: Path) -> Path:
    """`clip.mp4`, `still.png` and `voice.wav`; returns the folder."""
    video(folder / "clip.mp4")
    image(folder / "still.png")
    audio(folder / "voice.wav")
    return folder


def video(path: Path) -> None:
    """H.264 and AAC in an mp4, as browsers play it."""
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        pictures = container.add_stream("libx264", rate=RATE)
        pictures.width, pictures.height, pictures.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = container.add_stream("aac", rate=SOUND_RATE, layout="mono")
        for index in range(RATE * SECONDS):
            frame = av.VideoFrame.from_ndarray(picture(index / RATE / SECONDS), format="rgb24")
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode())
        samples = av.AudioFrame.from_ndarray(tone(SECONDS)[None, :], format="flt", layout="mono")
        samples.sample_rate = SOUND_RATE
        container.mux(sound.encode(samples))
        container.mux(sound.encode())


def image(path: Path) -> None:
    Image.fromarray(picture(0.4)).save(path)


def audio(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SOUND_RATE)
        file.writeframes((tone(SECONDS) * 32767).astype("<i2").tobytes())
