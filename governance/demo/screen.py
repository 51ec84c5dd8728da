"""What the demonstration prints: acts, steps with their time, facts indented below."""

import time


class Screen:
    """Prints as things happen; times are seconds since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def act(self, title: str) -> None:
        print(f"\n{title}", flush=True)

    def step(self, text: str, mark: str = "✓") -> None:
        print(f"  {mark} {text:<84} {self.seconds:5.1f} s", flush=True)

    def fact(self, text: str) -> None:
        print(f"      {text}", flush=True)
