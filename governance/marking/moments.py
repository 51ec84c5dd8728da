"""Single pictures of a video, as displayed."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from governance.kernel.errors import InvalidRequest
from governance.marking.frames import decoded, open_video, picture_of, quarter_turns
from governance.marking.stills import BROKEN


def moments_of(path: Path, seconds: Sequence[float]) -> Iterator[Image.Image]:
    """The picture that stands at each moment (rising, from the start); the last one after the end.

    Raises InvalidRequest (`media_corrupt`).
    """
    due = list(seconds)
    last: Image.Image | None = None
    try:
        with open_video(path) as container:
            for at, frame in decoded(container, picture_of(container)):
                if not due:
                    return
                if at + 1e-6 < due[0]:
                    continue
                turned = np.rot90(frame.to_ndarray(format="rgb24"), quarter_turns(frame))
                last = Image.fromarray(np.ascontiguousarray(turned))
                while due and at + 1e-6 >= due[0]:
                    due.pop(0)
                    yield last
    except BROKEN as error:
        raise InvalidRequest(
            "media_corrupt", f"The picture cannot be decoded to its end: {str(error)[:150]}."
        ) from error
    if last is not None:
        yield from (last for _ in due)
