"""What the demonstration prints: acts, steps with their time, facts indented below."""

import textwrap
import time
from pathlib import Path

WIDTH = 96


class Screen:
    """Prints as things happen; times are seconds since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def act(self, title: str) -> None:
        print(f"\n{title}", flush=True)

    def step(self, text: str, *, good: bool = True) -> None:
        mark = "✓" if good else "✗"
        print(f"  {mark} {text:<{WIDTH - 11}} {self.seconds:5.1f} s", flush=True)

    def fact(self, text: str) -> None:
        """A sentence of the service's own, below the step that it belongs to."""
        print(textwrap.fill(text, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6))

    def said(self, text: str) -> None:
        """What another program printed, as it is."""
        print(f"{text.rstrip()}\n", flush=True)

    def entry(self, name: str, text: str) -> None:
        """A line of the closing list."""
        print(f"  {name:<20} {text}")


def size(file: Path) -> str:
    return f"{file.stat().st_size // 1024:>4} kB"
