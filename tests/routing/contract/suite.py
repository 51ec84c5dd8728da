"""What every provider keeps, told by magic words in the prompt to its vendor's simulator.

A provider's test class takes `Polled` (jobs are asked after) or `Immediate` (the POST's answer is
the media itself) and states its `harness`.
"""

from dataclasses import replace
from pathlib import Path

import av
import pytest
from PIL import Image

from governance.routing import Fault, Job, Order
from governance.routing.account import Account

from .harness import Bench, Stated, finished, through_json

LIMIT = 5_000_000
AT_CREATION = [
    ("[[moderate]]", "refused"),
    ("[[invalid]]", "invalid"),
    ("[[429]]", "throttled"),
    ("[[quota]]", "exhausted"),
    ("[[no-model]]", "gone"),
]
UNANSWERED = ["[[500]]", "[[drop]]", "[[hang]]", "[[garbled]]"]
AFTER_SUBMISSION = [
    ("[[late-moderate]]", "refused"),
    ("[[fail]]", "internal"),
    ("[[odd-status]]", "ambiguous"),
]
DOWNLOADS = [
    ("[[wrong-media]]", "internal"),
    ("[[huge]]", "internal"),
    ("[[redirect]]", "internal"),
    ("[[foreign]]", "internal"),
    ("[[expired]]", "gone"),
    ("[[cut]]", "unavailable"),
]
EVERY_WORD = [
    "",
    *(word for word, _ in AT_CREATION + AFTER_SUBMISSION + DOWNLOADS),
    *UNANSWERED,
    "[[garbage]]",
]
# What an `Immediate` vendor lacks in any case: nothing is asked after.
NEVER_ASKED = frozenset(
    {
        "[[garbage]]",
        "[[poll-500]]",
        *(word for word, _ in AFTER_SUBMISSION),
        "[[redirect]]",
        "[[foreign]]",
        "[[expired]]",
    }
)


class Contract(Stated):
    """What holds for vendors of either kind."""

    def test_an_order_ends_in_media_that_plays_for_one_post(
        self, bench: Bench, tmp_path: Path
    ) -> None:
        order = self.harness.order()

        job, raw = bench.provider.submit(order)
        status = finished(bench.provider, job)
        bench.provider.fetch(job, tmp_path / "media", LIMIT)

        assert (status.state, status.progress, status.fault) == ("succeeded", 100, None)
        assert (job.kind, job.provider, job.model) == (order.media, self.harness.name, order.model)
        assert 0 < len(job.id) <= 300
        assert raw
        require_plays(tmp_path / "media", order)
        assert bench.posts(order) == 1

    def test_a_job_is_carried_on_after_a_restart(self, bench: Bench, tmp_path: Path) -> None:
        job = through_json(bench.submit())

        another = bench.another()

        assert finished(another, job).state == "succeeded"
        another.fetch(job, tmp_path / "media", LIMIT)
        assert (tmp_path / "media").stat().st_size > 0

    def test_media_that_was_fetched_can_be_fetched_again(
        self, bench: Bench, tmp_path: Path
    ) -> None:
        job = bench.submit()
        finished(bench.provider, job)

        for name in ("first", "second"):
            bench.provider.fetch(job, tmp_path / name, LIMIT)

        assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()

    @pytest.mark.parametrize(("magic", "kind"), AT_CREATION)
    def test_an_order_that_is_not_taken_is_told_apart_and_posted_once(
        self, bench: Bench, magic: str, kind: str
    ) -> None:
        order = self.harness.order(magic)

        with pytest.raises(Fault) as fault:
            bench.provider.submit(order)

        assert fault.value.kind == kind
        assert bench.posts(order) == 1

    @pytest.mark.parametrize("magic", ["[[429]]"])
    def test_a_throttled_order_says_how_long_to_wait(self, bench: Bench, magic: str) -> None:
        with pytest.raises(Fault) as fault:
            bench.submit(magic)

        assert fault.value.retry_after == 7

    @pytest.mark.parametrize("magic", UNANSWERED)
    def test_an_order_without_an_answer_is_ambiguous_and_posted_once(
        self, bench: Bench, magic: str
    ) -> None:
        order = self.harness.order(magic)
        provider = bench.another(timeout=0.5) if magic == "[[hang]]" else bench.provider

        with pytest.raises(Fault) as fault:
            provider.submit(order)

        assert fault.value.kind == "ambiguous"
        assert bench.posts(order) == 1

    def test_an_order_that_never_reached_the_vendor_spent_nothing(self, bench: Bench) -> None:
        order = self.harness.order()

        with pytest.raises(Fault) as fault:
            bench.nobody().submit(order)

        assert fault.value.kind == "unavailable"
        assert bench.posts(order) == 0

    @pytest.mark.parametrize("magic", ["[[auth]]"])
    def test_a_wrong_key_is_told_without_the_key(self, bench: Bench, magic: str) -> None:
        stranger = bench.another(key="stranger-very-secret")

        with pytest.raises(Fault) as fault:
            stranger.submit(self.harness.order(magic))

        assert fault.value.kind == "auth"
        assert "very-secret" not in fault.value.raw + fault.value.message + repr(stranger)

    def test_what_the_vendor_does_not_make_is_not_ordered(self, bench: Bench) -> None:
        for change in self.harness.cannot:
            order = self.harness.order(**change)

            with pytest.raises(Fault) as fault:
                bench.provider.submit(order)

            assert fault.value.kind == "invalid"
            assert bench.posts(order) == 0

    def test_what_was_ordered_is_found_again_exactly_where_the_vendor_can(
        self, bench: Bench
    ) -> None:
        order = self.harness.order()
        job, _ = bench.provider.submit(order)

        another = bench.another()
        found = another.recover(order.key)

        assert another.recoverable == (found is not None) == self.harness.recoverable
        if found is not None:
            assert replace(found, model=job.model) == job
            assert found.model in (job.model, "")  # not every vendor tells the model
        assert another.recover(self.harness.order().key) is None

    @pytest.mark.parametrize("magic", EVERY_WORD)
    def test_no_answer_repeats_the_prompt_or_the_key(self, bench: Bench, magic: str) -> None:
        provider = bench.another(timeout=0.5) if magic == "[[hang]]" else bench.provider
        order = self.harness.order(prompt=f'Rosa says "hm"\nto Žofie, Ro\\sa {magic}')
        try:
            job, raw = provider.submit(order)
            status = provider.poll(job)
            said = raw + status.raw + status.message
        except Fault as fault:
            said = fault.raw + fault.message

        assert "Ro" not in said
        assert "ofie" not in said
        for secret in self.harness.account(bench.vendor, bench.vendor.key).secrets:
            assert secret not in said + repr(provider)

    def test_a_job_that_the_vendor_does_not_know_has_failed(self, bench: Bench) -> None:
        lost = Job(self.harness.lost, self.harness.media, self.harness.name, self.harness.model)

        status = bench.provider.poll(lost)

        assert (status.state, status.fault) == ("failed", "gone")
        assert not bench.provider.cancel(lost)

    def test_a_folder_that_is_missing_is_not_the_vendors_fault(
        self, bench: Bench, tmp_path: Path
    ) -> None:
        job = bench.submit()
        finished(bench.provider, job)

        with pytest.raises(FileNotFoundError):
            bench.provider.fetch(job, tmp_path / "missing" / "media", LIMIT)

    def test_without_an_account_it_is_not_configured(self, bench: Bench) -> None:
        assert bench.provider.configured()
        assert not bench.another(account=Account()).configured()

    def test_an_account_without_credentials_is_not_configured(self, bench: Bench) -> None:
        account = self.harness.account(bench.vendor, bench.vendor.key)
        if account.secrets:
            bare = replace(account, key=Account().key, secret=Account().secret)

            assert not bench.another(account=bare).configured()


class Polled(Contract):
    """What holds where the POST's answer names a job, which is asked after."""

    def test_a_job_runs_until_the_vendor_has_finished(self, tmp_path: Path) -> None:
        with self.harness.simulator(delay=60.0) as slow:
            bench = Bench(self.harness, slow, tmp_path)
            job = bench.submit()

            status = bench.provider.poll(job)
            with pytest.raises(Fault):
                bench.provider.fetch(job, tmp_path / "media", LIMIT)

        assert (status.state, status.fault) == ("running", None)
        assert 0 <= status.progress < 100
        assert not (tmp_path / "media").exists()

    def test_a_running_job_is_carried_on_after_a_restart(self, tmp_path: Path) -> None:
        with self.harness.simulator(delay=0.4) as slow:
            bench = Bench(self.harness, slow, tmp_path)
            order = self.harness.order()
            job, _ = bench.provider.submit(order)
            before = bench.provider.poll(job)

            after = finished(bench.another(), through_json(job))

            assert (before.state, after.state) == ("running", "succeeded")
            assert bench.posts(order) == 1

    @pytest.mark.parametrize("magic", UNANSWERED)
    def test_an_order_without_an_answer_is_found_again_where_the_vendor_can(
        self, bench: Bench, tmp_path: Path, magic: str
    ) -> None:
        order = self.harness.order(magic)
        with pytest.raises(Fault):
            bench.another(timeout=0.5).submit(order)

        job = bench.another().recover(order.key)

        assert (job is not None) == self.harness.recoverable
        if job is not None:
            assert finished(bench.provider, job).state == "succeeded"
            bench.provider.fetch(job, tmp_path / "media", LIMIT)
            require_plays(tmp_path / "media", order)
        assert bench.posts(order) == 1

    @pytest.mark.parametrize(("magic", "kind"), AFTER_SUBMISSION)
    def test_a_job_that_fails_says_why(self, bench: Bench, magic: str, kind: str) -> None:
        status = finished(bench.provider, bench.submit(magic))

        assert (status.state, status.fault) == ("failed", kind)
        assert status.message
        assert status.raw

    @pytest.mark.parametrize("magic", ["[[garbage]]"])
    def test_an_answer_that_is_unreadable_leaves_the_job_running(
        self, bench: Bench, magic: str
    ) -> None:
        status = bench.provider.poll(bench.submit(magic))

        assert (status.state, status.fault) == ("running", "internal")

    @pytest.mark.parametrize("magic", ["[[poll-500]]"])
    def test_a_server_error_leaves_the_job_running(self, bench: Bench, magic: str) -> None:
        job = bench.submit(magic)

        for _ in range(2):
            status = bench.provider.poll(job)
            assert (status.state, status.fault) == ("running", "unavailable")
        assert finished(bench.provider, job).state == "succeeded"

    def test_a_vendor_that_does_not_answer_leaves_the_job_running(self, tmp_path: Path) -> None:
        with self.harness.simulator(delay=0.0) as closing:
            bench = Bench(self.harness, closing, tmp_path)
            job = bench.submit()

        status = bench.provider.poll(job)

        assert (status.state, status.fault) == ("running", "unavailable")
        with pytest.raises(Fault) as fault:
            bench.provider.fetch(job, tmp_path / "media", LIMIT)
        assert fault.value.kind == "unavailable"

    @pytest.mark.parametrize("magic", ["[[auth]]"])
    def test_a_key_that_was_withdrawn_leaves_the_job_running(
        self, bench: Bench, magic: str
    ) -> None:
        job = bench.submit(magic)

        status = bench.another(key="withdrawn-very-secret").poll(job)

        assert (status.state, status.fault) == ("running", "auth")
        assert "very-secret" not in status.raw + status.message

    @pytest.mark.parametrize("magic", ["[[late-429]]", "[[late-402]]"])
    def test_a_vendor_that_has_no_time_for_a_finished_job_loses_nothing(
        self, bench: Bench, tmp_path: Path, magic: str
    ) -> None:
        job = bench.submit(magic)
        finished(bench.provider, job)

        with pytest.raises(Fault) as fault:
            bench.provider.fetch(job, tmp_path / "media", LIMIT)
        assert fault.value.kind == "unavailable"
        assert list(tmp_path.iterdir()) == []
        bench.provider.fetch(job, tmp_path / "media", LIMIT)

        assert (tmp_path / "media").stat().st_size > 0

    @pytest.mark.parametrize("magic", ["[[auth]]"])
    def test_a_key_that_was_withdrawn_loses_nothing_that_is_finished(
        self, bench: Bench, tmp_path: Path, magic: str
    ) -> None:
        job = bench.submit(magic)
        finished(bench.provider, job)

        with pytest.raises(Fault) as fault:
            bench.another(key="withdrawn-very-secret").fetch(job, tmp_path / "media", LIMIT)

        assert fault.value.kind == "unavailable"
        assert "very-secret" not in fault.value.raw + fault.value.message
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(("magic", "kind"), DOWNLOADS)
    def test_a_file_that_is_not_what_was_ordered_is_not_kept(
        self, bench: Bench, tmp_path: Path, magic: str, kind: str
    ) -> None:
        job = bench.submit(magic)
        finished(bench.provider, job)

        with pytest.raises(Fault) as fault:
            bench.provider.fetch(job, tmp_path / "media", LIMIT)

        assert fault.value.kind == kind
        assert list(tmp_path.iterdir()) == []
        assert bench.trapped() == 0

    @pytest.mark.parametrize("magic", ["[[expired-once]]"])
    def test_an_address_that_has_expired_is_asked_for_again(
        self, bench: Bench, tmp_path: Path, magic: str
    ) -> None:
        job = bench.submit(magic)
        finished(bench.provider, job)

        bench.provider.fetch(job, tmp_path / "media", LIMIT)

        assert (tmp_path / "media").stat().st_size > 0

    def test_a_cancellation_is_true_exactly_where_the_vendor_stops(self, tmp_path: Path) -> None:
        with self.harness.simulator(delay=60.0) as slow:
            bench = Bench(self.harness, slow, tmp_path)
            job = bench.submit()

            cancelled = bench.provider.cancel(job)
            status = bench.provider.poll(job)

        assert cancelled == self.harness.cancels
        assert status.state == ("failed" if cancelled else "running")

    def test_a_vendor_that_does_not_answer_has_not_cancelled(self, tmp_path: Path) -> None:
        with self.harness.simulator(delay=0.0) as closing:
            bench = Bench(self.harness, closing, tmp_path)
            job = bench.submit()

        assert not bench.provider.cancel(job)


class Immediate(Contract):
    """What holds where the POST's answer is the media, which we keep until it is fetched."""

    @pytest.mark.parametrize("magic", ["[[cut]]"])
    def test_an_answer_that_breaks_off_is_ambiguous(self, bench: Bench, magic: str) -> None:
        order = self.harness.order(magic)

        with pytest.raises(Fault) as fault:
            bench.provider.submit(order)

        assert fault.value.kind == "ambiguous"
        assert bench.provider.recover(order.key) is None

    def test_an_answer_that_was_lost_cannot_be_asked_for_again(self, bench: Bench) -> None:
        order = self.harness.order("[[drop]]")
        with pytest.raises(Fault):
            bench.provider.submit(order)

        assert bench.another().recover(order.key) is None

    def test_a_job_is_done_when_the_vendor_has_answered(self, bench: Bench) -> None:
        assert bench.provider.poll(bench.submit()).state == "succeeded"

    @pytest.mark.parametrize("magic", ["[[huge]]"])
    def test_an_answer_that_is_too_large_may_have_been_charged(
        self, bench: Bench, tmp_path: Path, magic: str
    ) -> None:
        """Unless it is read to its end: then we know what was bought."""
        try:
            job = bench.submit(magic)
        except Fault as refused:
            assert refused.kind == "ambiguous"
            return
        with pytest.raises(Fault) as fault:
            bench.provider.fetch(job, tmp_path / "media", LIMIT)

        assert fault.value.kind == "internal"
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("magic", ["[[wrong-media]]"])
    def test_an_answer_that_is_not_what_was_ordered_is_not_kept(
        self, bench: Bench, tmp_path: Path, magic: str
    ) -> None:
        with pytest.raises(Fault) as fault:
            job = bench.submit(magic)
            bench.provider.fetch(job, tmp_path / "media", LIMIT)

        assert fault.value.kind == "internal"
        assert list(tmp_path.iterdir()) == []

    def test_media_larger_than_we_take_is_not_kept(self, bench: Bench, tmp_path: Path) -> None:
        job = bench.submit()

        with pytest.raises(Fault) as fault:
            bench.provider.fetch(job, tmp_path / "media", limit=100)

        assert fault.value.kind == "internal"
        assert list(tmp_path.iterdir()) == []

    def test_what_is_done_cannot_be_cancelled(self, bench: Bench) -> None:
        assert not bench.provider.cancel(bench.submit())


def require_plays(path: Path, order: Order) -> None:
    """Decode every frame and sample: the medium, the shape and the length that were ordered."""
    if order.media == "image":
        with Image.open(path) as image:
            image.load()
            require_shape(image.width, image.height, order)
        return
    with av.open(str(path)) as container:
        duration = float(container.duration or 0) / av.time_base
        kinds = {frame.__class__.__name__ for frame in container.decode()}
        if order.media == "video":
            picture = container.streams.video[0]
            require_shape(picture.width, picture.height, order)
            assert duration == pytest.approx(order.seconds, abs=0.5)
    assert ("VideoFrame" if order.media == "video" else "AudioFrame") in kinds
    assert duration > 0


def require_shape(width: int, height: int, order: Order) -> None:
    assert width / height == pytest.approx(order.width / order.height, rel=0.03)
