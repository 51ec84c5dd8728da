"""The spool: who keeps its answers there, and how long."""

from pathlib import Path

from governance.routing.providers.google import Google
from governance.routing.providers.openai import OpenAI
from governance.routing.spool import ANSWERED, Spool, is_answered


def test_the_adapters_that_are_answered_with_media_are_known_by_name() -> None:
    assert set(ANSWERED) == {Google.name, OpenAI.name}


def test_a_video_is_never_the_answer_to_its_order() -> None:
    assert is_answered("google", "image")
    assert not is_answered("google", "video")
    assert not is_answered("kling", "image")


def test_what_was_removed_is_gone_and_may_be_removed_again(tmp_path: Path) -> None:
    spool = Spool.of(tmp_path)
    spool.put("gen_1", b"media")
    spool.remove("gen_1")
    spool.remove("gen_1")
    assert not Spool.of(tmp_path).has("gen_1")
