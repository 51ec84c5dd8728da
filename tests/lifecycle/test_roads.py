"""The roads of a generation, from request to release, with real media."""

from tests.lifecycle.conftest import CLIP, Cast


def test_x(cast: Cast) -> None:
    import time
    t = time.time()
    g = cast.ask(CLIP)
    print("ask", time.time() - t)
    s = cast.service.story(g)
    while s.state != "released":
        t = time.time()
        s = cast.service.step(g)
        print(s.state, time.time() - t)
