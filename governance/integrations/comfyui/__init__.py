"""A ComfyUI node that asks a governance service for a video and waits until it is released.

Copy or link this folder into `ComfyUI/custom_nodes/`, and set GOVERNANCE_URL and
GOVERNANCE_API_KEY_FILE (or GOVERNANCE_API_KEY) for ComfyUI: a workflow is passed around, so
neither is an input. It needs the standard library alone; frames come with PyAV and PyTorch, which
ComfyUI has.

https://docs.comfy.org/custom-nodes/backend/server_overview
"""

import hashlib
import importlib
import json
import os
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "::1", "localhost")
FINISHED = ("completed", "failed")
TIMEOUT = 60.0  # seconds without an answer
MAX_ANSWER = 1024 * 1024  # bytes
CHUNK = 1024 * 1024  # bytes
SHORTEST, LONGEST = 0.5, 30.0  # seconds between two questions
PATIENCE = 5  # questions in a row that may go unanswered
YES_NO = ["no", "yes", "unknown"]


class GovernanceError(Exception):
    """What the service refused, or why nothing can be asked of it; ComfyUI shows the sentence."""


class GovernedVideo:
    """prompt and frame as elsewhere; project, territories, audience, deep_fake, real_person: what
    policy has to know. The same inputs are the same order, however often the workflow runs: raise
    `take` for another one."""

    CATEGORY = "governance"
    FUNCTION = "generate"
    RETURN_TYPES = ("IMAGE", "STRING", "STRING")
    RETURN_NAMES = ("frames", "path", "generation")
    DESCRIPTION = "Orders a video from the governance service and waits until it is released."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802  ComfyUI's name
        side = {"min": 64, "max": 4096, "step": 8}
        return {
            "required": {
                "prompt": ("STRING", {"multiline": True}),
                "width": ("INT", {"default": 1280, **side}),
                "height": ("INT", {"default": 720, **side}),
                "seconds": ("INT", {"default": 4, "min": 1, "max": 120}),
                "project": ("STRING", {"default": "default"}),
                "territories": ("STRING", {"default": "EU"}),
                "audience": (["public", "internal"], {}),
                "deep_fake": (YES_NO, {"default": "unknown"}),
                "real_person": (YES_NO, {"default": "unknown"}),
            },
            "optional": {
                "model": ("STRING", {"default": "auto"}),
                "take": ("INT", {"default": 1, "min": 1, "max": 9999}),
                "wait_minutes": ("INT", {"default": 60, "min": 1, "max": 10080}),
                "max_frames": ("INT", {"default": 240, "min": 0, "max": 10000}),
            },
        }

    def generate(
        self,
        prompt: str,
        width: int,
        height: int,
        seconds: int,
        project: str,
        territories: str,
        audience: str,
        deep_fake: str,
        real_person: str,
        model: str = "auto",
        take: int = 1,
        wait_minutes: int = 60,
        max_frames: int = 240,
    ) -> tuple[Any, str, str]:
        """Frames (float32, 0 to 1, frame × height × width × 3; None where they cannot be read),
        the file's path, the generation's id. Raises GovernanceError."""
        order = {
            "prompt": prompt,
            "model": model,
            "seconds": str(seconds),
            "size": f"{width}x{height}",
            "governance": {
                "project": project,
                "territories": [code.strip() for code in territories.split(",") if code.strip()],
                "audience": audience,
                "deep_fake": deep_fake,
                "real_person": real_person,
            },
        }
        service = Service()
        video = service.order(order, take)
        video = service.wait(video, wait_minutes * 60.0)
        path = service.download(video, _folder())
        return _frames(path, max_frames), str(path), str(video["id"])


class Service:
    """The service that the environment names. Follows no redirect: it would carry the key away.

    Raises GovernanceError.
    """

    def __init__(self) -> None:
        self._url = os.environ.get("GOVERNANCE_URL", "").rstrip("/")
        self._key = _key()
        address = urlsplit(self._url)
        is_safe = address.scheme == "https" or (
            address.scheme == "http" and address.hostname in LOOPBACK
        )
        if not is_safe or not self._key:
            raise GovernanceError(
                "Set GOVERNANCE_URL to the service's https:// address and GOVERNANCE_API_KEY_FILE "
                "to the file with its API key, then restart ComfyUI."
            )
        self._http = urllib.request.build_opener(_NoRedirects)

    def order(self, order: dict[str, Any], take: int) -> dict[str, Any]:
        """Ask for a video; the same order is never made twice."""
        said = json.dumps([order, take], sort_keys=True).encode()
        key = f"comfyui-{hashlib.sha256(said).hexdigest()}"
        body = json.dumps(order).encode()
        return self._json("POST", "/v1/videos", body, {"Idempotency-Key": key})

    def wait(self, video: dict[str, Any], patience: float) -> dict[str, Any]:
        """Until it is released; a person may have to look at it first."""
        deadline, misses, pause = time.monotonic() + patience, 0, SHORTEST
        while video["status"] not in FINISHED:
            if time.monotonic() > deadline:
                raise GovernanceError(
                    f"{video['id']} is still {video['governance']['state']}. Queue the workflow "
                    "again to go on waiting; nothing is ordered twice."
                )
            _pause(pause)
            pause = min(LONGEST, pause * 1.2)
            try:
                video, misses = self._json("GET", f"/v1/videos/{video['id']}"), 0
            except _Unanswered:
                misses += 1
                if misses >= PATIENCE:
                    raise
                _pause(2.0**misses)
        if video["status"] == "failed":
            error = video["error"]
            raise GovernanceError(
                f"{video['id']}: {error['code']}: {error['message']} Raise `take` to order again."
            )
        return video

    def download(self, video: dict[str, Any], folder: Path) -> Path:
        """The released file, checked against the digest that the service names."""
        target = folder / f"{video['id']}.mp4"
        draft = target.with_suffix(".part")
        digest = hashlib.sha256()
        with (
            self._open("GET", f"/v1/videos/{video['id']}/content") as answer,
            draft.open("wb") as stream,
        ):
            while chunk := answer.read(CHUNK):
                digest.update(chunk)
                stream.write(chunk)
        if digest.hexdigest() != video["governance"]["digest"]:
            draft.unlink()
            raise GovernanceError(f"{video['id']}: the file arrived incomplete; try again.")
        draft.replace(target)
        return target

    def _json(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        with self._open(method, path, body, headers) as answer:
            read: dict[str, Any] = json.loads(answer.read(MAX_ANSWER))
            return read

    def _open(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> IO[bytes]:
        sent = {"Authorization": f"Bearer {self._key}", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        request = urllib.request.Request(  # noqa: S310  the scheme was checked
            self._url + path, data=body, headers=sent, method=method
        )
        try:
            opened: IO[bytes] = self._http.open(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            raise _refusal(error) from None
        except OSError as error:
            raise _Unanswered(f"{self._url} does not answer ({error}).") from None
        return opened


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class _Unanswered(GovernanceError):
    """No answer, or one that says to try again."""


def _refusal(error: urllib.error.HTTPError) -> GovernanceError:
    kind = _Unanswered if error.code == 429 or error.code >= 500 else GovernanceError
    with error:
        try:
            told = json.loads(error.read(MAX_ANSWER))["error"]
            return kind(f"{told['code']}: {told['message']}")
        except (ValueError, KeyError, TypeError):
            return kind(f"The service answers {error.code}.")


def _key() -> str:
    path = os.environ.get("GOVERNANCE_API_KEY_FILE")
    return Path(path).read_text().strip() if path else os.environ.get("GOVERNANCE_API_KEY", "")


def _folder() -> Path:
    """ComfyUI's output folder; outside it one for passing files."""
    paths = _optional("folder_paths")
    root = Path(paths.get_output_directory() if paths else tempfile.gettempdir())
    folder = root / "governance"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _pause(seconds: float) -> None:
    """Sleep, unless the person at ComfyUI has interrupted the workflow."""
    management = _optional("comfy.model_management")
    if management:
        management.throw_exception_if_processing_interrupted()
    time.sleep(seconds)


def _frames(path: Path, limit: int) -> Any:
    """The first frames as ComfyUI's IMAGE; as a NumPy array where there is no PyTorch."""
    av, numpy, torch = _optional("av"), _optional("numpy"), _optional("torch")
    if not (av and numpy and limit):
        return None
    found = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            found.append(frame.to_ndarray(format="rgb24"))
            if len(found) == limit:
                break
    frames = numpy.stack(found).astype(numpy.float32) / 255.0
    return torch.from_numpy(frames) if torch else frames


def _optional(name: str) -> Any:
    """A module that only some installations have, or None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


NODE_CLASS_MAPPINGS = {"GovernedVideo": GovernedVideo}
NODE_DISPLAY_NAME_MAPPINGS = {"GovernedVideo": "Governed video"}
