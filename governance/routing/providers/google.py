"""Google's Gemini API: Omni makes video, image and speech models answer with the media itself.

The official SDK with its retries switched off: `interactions.create` sends a POST five times, and
each is a paid job. An interaction carries our key as a label, but there is no list of interactions
to find it in: a video whose submission was not answered cannot be found again. What a model
answers goes into the spool before anything else happens, and can be found there.
"""

import base64
import binascii
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import httpx

from governance.kernel.errors import ConfigurationError
from governance.routing.account import Account
from governance.routing.answers import (
    JOB_ID,
    read_object,
    sentence,
    while_fetching,
    withhold,
)
from governance.routing.outputs import client as downloading
from governance.routing.outputs import download, require_host, require_media, save
from governance.routing.provider import Fault, FaultKind, Job, Order, Status, truncated
from governance.routing.providers import google_content as content
from governance.routing.providers import google_omni as omni
from governance.routing.providers.google_answers import fault
from governance.routing.spool import Spool

if TYPE_CHECKING:
    from google import genai

TIMEOUT = 300.0  # nothing comes before an image is whole
QUESTION_TIMEOUT = 60.0
USUAL_ADDRESS = "https://generativelanguage.googleapis.com"
HOSTS = ("generativelanguage.googleapis.com", "storage.googleapis.com")
_NOT_YET = frozenset({"PROCESSING", "STATE_UNSPECIFIED"})


class Google:
    """One account. key: an API key; base_url: without a version, empty for the vendor's own.

    spool: where images and speech lie until they are fetched; timeout: seconds without a byte.
    Raises ConfigurationError (`provider_url_invalid`).
    """

    name = "google"
    recoverable = True

    def __init__(self, account: Account, spool: Spool, timeout: float = TIMEOUT) -> None:
        if account.base_url and not account.base_url.startswith(("https://", "http://")):
            raise ConfigurationError(
                "provider_url_invalid", "The address of the Gemini API must be an http(s) URL."
            )
        self._account = account
        self._address = account.base_url or USUAL_ADDRESS
        self._spool = spool
        self._timeout = timeout

    def configured(self) -> bool:
        return bool(self._account.key.get_secret_value())

    def submit(self, order: Order) -> tuple[Job, str]:
        return self._start(order) if order.media == "video" else self._make(order)

    def poll(self, job: Job) -> Status:
        if job.kind != "video":
            return self._kept(job)
        try:
            body = self._interaction(job)
        except Fault as lost:
            is_lost = lost.kind == "gone"
            return Status("failed" if is_lost else "running", 0, lost.kind, lost.message, lost.raw)
        return omni.status(job.id, body)

    def fetch(self, job: Job, target: Path, limit: int) -> None:
        try:
            if job.kind == "video":
                self._fetch_video(job, target, limit)
            else:
                self._fetch_kept(job, target, limit)
        except Fault as fault:
            target.unlink(missing_ok=True)
            raise while_fetching(fault) from None
        except BaseException:
            target.unlink(missing_ok=True)
            raise

    def cancel(self, job: Job) -> bool:
        if job.kind != "video":
            return False
        try:
            text = self._ask(lambda: self._raw(self._orders).cancel(job.id), "unavailable")
        except Fault:
            return False
        return read_object(text).get("status") == "cancelled"

    def recover(self, key: str) -> Job | None:
        """An image or speech that arrived before we stopped, whose model is not told; no video."""
        media = self._spool.media(key)
        return Job(key, media, self.name, "") if media else None

    def _start(self, order: Order) -> tuple[Job, str]:
        wanted = omni.interaction(order)
        client = self._orders
        text = self._ask(lambda: self._raw(client).create(**wanted), "ambiguous", order.prompt)
        raw = withhold(text, (*self._account.secrets, order.prompt))
        job_id = read_object(text).get("id")
        if not isinstance(job_id, str) or not JOB_ID.fullmatch(job_id):
            raise Fault("ambiguous", sentence("ambiguous"), raw)
        return Job(job_id, order.media, self.name, order.model), truncated(raw)

    def _make(self, order: Order) -> tuple[Job, str]:
        wanted = content.question(order)
        job = Job(order.key, order.media, self.name, order.model)
        if self._spool.has(order.key):  # paid for already
            return job, ""
        client = self._orders
        try:
            answer = client.models.generate_content(**wanted)
        except Exception as error:  # noqa: BLE001  whatever it was, the order may have been taken
            raise fault(error, "ambiguous", self._account.secrets, order.prompt) from None
        self._spool.put(order.key, content.media_of(answer, order.media))
        return job, truncated(content.telling(answer))

    def _kept(self, job: Job) -> Status:
        if self._spool.has(job.id):
            return Status("succeeded", 100)
        return Status("failed", 0, "gone", sentence("gone"))

    def _fetch_kept(self, job: Job, target: Path, limit: int) -> None:
        if not self._spool.has(job.id):
            raise Fault("gone", sentence("gone"))
        if self._spool.take(job.id, target) > limit:
            raise Fault("internal", f"The vendor's file is larger than {limit} bytes.")
        require_media(target, job.kind)

    def _fetch_video(self, job: Job, target: Path, limit: int) -> None:
        video = omni.video_of(self._interaction(job))
        if video is None:
            raise Fault("unavailable", "The vendor has no finished video for this job.")
        uri = video.get("uri")
        if not isinstance(uri, str):
            save(iter([_decoded(video.get("data"))]), target, limit)
            require_media(target, "video")
            return
        require_host(uri, HOSTS, self._address)
        self._require_ready(uri)
        place = self._place(self._reached(omni.content_address(uri)))
        headers = self._headers(place)
        download(place, target, limit, "video", HOSTS, self._address, self._account, headers)

    def _require_ready(self, uri: str) -> None:
        """A file can still be in the making when its interaction is done."""
        name = omni.file_name(uri)
        try:
            state = self._questions.files.get(name=name).state if name else None
        except Exception:  # noqa: BLE001  the download itself will say what is wrong
            return
        if state is not None and state.value in _NOT_YET:
            raise Fault("unavailable", "The vendor is still writing the file.")

    def _place(self, uri: str) -> str:
        """Where the file lies: the vendor may send us on to a store of its own, once."""
        try:
            with (
                downloading(self._account, QUESTION_TIMEOUT) as client,
                client.stream("GET", uri, headers=self._headers(uri)) as answer,
            ):
                place = uri
                if answer.has_redirect_location:
                    place = _joined(uri, answer.headers["location"])
        except httpx.HTTPError:
            raise Fault("unavailable", sentence("unavailable")) from None
        require_host(place, HOSTS, self._address)
        return self._reached(place)

    def _reached(self, uri: str) -> str:
        """A file at the vendor's own address by way of the gateway that we order through, if there
        is one: our key is the gateway's, and opens nothing anywhere else."""
        asked, own = urlsplit(uri), urlsplit(self._address)
        if (asked.scheme, asked.hostname) != ("https", HOSTS[0]):
            return uri
        path = f"{own.path.rstrip('/')}{asked.path}"
        return asked._replace(scheme=own.scheme, netloc=own.netloc, path=path).geturl()

    def _headers(self, url: str) -> dict[str, str]:
        """Our key, for the address that we order from and for no other."""
        asked, own = urlsplit(url), urlsplit(self._address)
        if (asked.scheme, asked.netloc) != (own.scheme, own.netloc):
            return {}
        return {"x-goog-api-key": self._account.key.get_secret_value()}

    def _interaction(self, job: Job) -> dict[str, Any]:
        return read_object(self._ask(lambda: self._raw(self._questions).get(job.id), "unavailable"))

    def _ask(self, call: Callable[[], Any], otherwise: FaultKind, prompt: str = "") -> str:
        """The text of the answer to one call. Raises Fault."""
        secrets = self._account.secrets
        try:
            response = call().http_response
        except Exception as error:  # noqa: BLE001  whatever it was, the order may have been taken
            raise fault(error, otherwise, secrets, prompt) from None
        if response.status_code != 200:  # a redirect, which is not followed
            raise Fault(
                otherwise,
                sentence(otherwise, f"HTTP {response.status_code}"),
                withhold(response.text, (*secrets, prompt)),
            )
        return str(response.text)

    def _raw(self, client: "genai.Client") -> Any:
        return client.interactions.with_raw_response

    @cached_property
    def _orders(self) -> "genai.Client":
        from governance.routing.providers import google_sdk

        return google_sdk.developer(self._account, self._timeout, keep_alive=0)

    @cached_property
    def _questions(self) -> "genai.Client":
        from governance.routing.providers import google_sdk

        timeout = min(self._timeout, QUESTION_TIMEOUT)
        return google_sdk.developer(self._account, timeout, keep_alive=64)


def _joined(uri: str, location: str) -> str:
    """Raises Fault (`internal`)."""
    try:
        return urljoin(uri, location)
    except ValueError:
        raise Fault("internal", "The vendor's file has moved to an address that is none.") from None


def _decoded(data: object) -> bytes:
    try:
        return base64.b64decode(str(data), validate=True)
    except binascii.Error:
        raise Fault("internal", "The vendor's file is unreadable.") from None
