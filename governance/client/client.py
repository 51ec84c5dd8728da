"""A small client of the service's HTTP API. Answers are the decoded JSON objects."""

import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from governance.evidence import checkpoint, manifest, merkle, receipt
from governance.evidence.encoding import decode64
from governance.evidence.errors import EvidenceError

FINISHED = ("completed", "failed")


class GovernanceApiError(Exception):
    """The service refused. status: HTTP; code: the service's stable error code; details: further
    facts, such as `generation` and `receipt` of a request that policy denied."""

    def __init__(
        self, status: int, code: str, message: str, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details or {}


class ApiKey(httpx.Auth):
    """`auth=` for services that present an API key (`gk_…`)."""

    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._key}"
        yield request


class GovernanceClient:
    """One service, one caller. auth: `RequestSigner` or `ApiKey`; timeout: seconds; root: the
    fingerprint of the service's root key, `SHA256:…`, as you were given it, to check receipts.

    Every method raises GovernanceApiError when the service refuses, httpx.HTTPError when it does
    not answer. Nothing is retried: pass an `idempotency_key` and repeat the call.
    """

    def __init__(
        self, base_url: str, *, auth: httpx.Auth, timeout: float = 30.0, root: str = ""
    ) -> None:
        self._http = httpx.Client(base_url=base_url, auth=auth, timeout=timeout)
        self._root = root

    def __enter__(self) -> "GovernanceClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def create_video(
        self,
        prompt: str,
        *,
        model: str = "auto",
        seconds: int = 4,
        size: str = "1280x720",
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str = "",
    ) -> dict[str, Any]:
        """Ask for a clip. size: `WIDTHxHEIGHT`; metadata: also what policy wants to know."""
        body = {
            "prompt": prompt,
            "model": model,
            "seconds": str(seconds),
            "size": size,
            "metadata": dict(metadata or {}),
        }
        return self._call("POST", "/v1/videos", json=body, headers=_once(idempotency_key))

    def create(
        self,
        media: str,
        prompt: str,
        *,
        model: str = "auto",
        seconds: int | None = None,
        size: str = "",
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str = "",
    ) -> dict[str, Any]:
        """Ask for `video`, `image` or `audio`. seconds, size: the service's defaults, unless given;
        otherwise as in `create_video`, and what it answers is read, awaited and fetched alike."""
        body: dict[str, Any] = {"media": media, "prompt": prompt, "model": model}
        body |= {"seconds": str(seconds)} if seconds is not None else {}
        body |= {"size": size} if size else {}
        body["metadata"] = dict(metadata or {})
        headers = _once(idempotency_key)
        return self._call("POST", "/v1/governance/generations", json=body, headers=headers)

    def video(self, video: str) -> dict[str, Any]:
        return self._call("GET", f"/v1/videos/{_id(video)}")

    def wait(self, video: str, *, timeout: float, interval: float = 2.0) -> dict[str, Any]:
        """Poll until the clip is completed or failed. Raises TimeoutError after `timeout` s."""
        deadline = time.monotonic() + timeout
        while (state := self.video(video))["status"] not in FINISHED:
            if time.monotonic() + interval > deadline:
                raise TimeoutError(f"{video} is still {state['status']}")
            time.sleep(interval)
        return state

    def content(self, video: str, target: Path) -> Path:
        """Download a released file to `target`."""
        with self._http.stream("GET", f"/v1/videos/{_id(video)}/content") as response:
            if response.is_error:
                response.read()
                raise _error(response)
            with target.open("wb") as stream:
                for chunk in response.iter_bytes():
                    stream.write(chunk)
        return target

    def list_videos(self, *, after: str = "", limit: int = 20) -> dict[str, Any]:
        params = {"limit": str(limit)} | ({"after": after} if after else {})
        return self._call("GET", "/v1/videos", params=params)

    def delete_video(self, video: str) -> dict[str, Any]:
        return self._call("DELETE", f"/v1/videos/{_id(video)}")

    def preflight(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """What policy would answer to this request; nothing is generated."""
        return self._call("POST", "/v1/governance/preflight", json=dict(request))

    def import_asset(
        self,
        path: Path,
        *,
        source_type: str,
        ingredients: Sequence[str] = (),
        description: str = "",
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str = "",
    ) -> dict[str, Any]:
        """Bring in a finished edit; it is screened, marked and reviewed like any other.

        source_type: the IPTC digital source type; ingredients: ids of the generations in it.
        """
        data = {
            "source_type": source_type,
            "ingredients": ",".join(ingredients),
            "description": description,
            **{f"metadata[{key}]": value for key, value in (metadata or {}).items()},
        }
        with path.open("rb") as stream:
            return self._call(
                "POST",
                "/v1/governance/assets",
                data=data,
                files={"file": (path.name, stream)},
                headers=_once(idempotency_key),
            )

    def decide_review(
        self, review: str, *, decision: str, reason: str, digest: str, comment: str = ""
    ) -> dict[str, Any]:
        """decision: `approve`, `reject` or `return`; digest: sha256 of the file decided on."""
        body = {"decision": decision, "reason": reason, "digest": digest, "comment": comment}
        return self._call("POST", f"/v1/governance/reviews/{_id(review)}/decision", json=body)

    def records(self, generation: str) -> dict[str, Any]:
        """All records of one generation, in order."""
        return self._call("GET", "/v1/governance/records", params={"generation": generation})

    def proof(self, record: str) -> dict[str, Any]:
        """The proof that a record is in the log, for the offline verifier."""
        return self._call("GET", f"/v1/governance/records/{_id(record)}/proof")

    def receipt(self, generation: str, digest: str, target: Path) -> Path:
        """Fetch the receipt of a request, check it, and keep it in `target`.

        digest: `governance.receipt` of the answer to the request, or `receipt` in the details of
        its denial. Raises EvidenceError, and keeps nothing, unless the receipt is the one so named
        and the service's key, under the root that this client was given, signed it.
        """
        kept = self._get(f"/v1/governance/generations/{_id(generation)}/receipt").content
        receipt.verify(kept, digest, self._trusted())
        target.write_bytes(kept)
        return target

    def check_receipt(self, kept: Path) -> int:
        """Ask for the proof that a kept decision is in the log of now; its index there.

        Needs the right to read records. Raises EvidenceError where signature, proof or checkpoint
        do not hold, GovernanceApiError (`not_integrated`) within the first seconds.
        """
        trusted = self._trusted()
        decided = receipt.read(kept.read_bytes(), trusted)[-1]
        proof = self.proof(decided.id)
        note = str(proof["checkpoint"]).encode()
        size = checkpoint.parse(note).size
        head = checkpoint.verify(note, trusted.origin, trusted.log_key(size))
        index, path = int(proof["index"]), [decode64(step, "A hash") for step in proof["path"]]
        merkle.verify_inclusion(index, head.size, bytes.fromhex(decided.leaf), path, head.root)
        return index

    def _trusted(self) -> manifest.Manifest:
        """The service's keys, if they are rooted in the key that was pinned."""
        if not self._root:
            raise EvidenceError(
                "root_missing", "Give the client `root=`, the root fingerprint you were given."
            )
        return manifest.verify(self._get("/v1/governance/keys").content, self._root)

    def _get(self, path: str) -> httpx.Response:
        response = self._http.get(path)
        if response.is_error:
            raise _error(response)
        return response

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        response = self._http.request(method, path, **options)
        if response.is_error:
            raise _error(response)
        answer: dict[str, Any] = response.json()
        return answer


def _id(text: str) -> str:
    return quote(text, safe="")


def _once(idempotency_key: str) -> dict[str, str]:
    return {"Idempotency-Key": idempotency_key} if idempotency_key else {}


def _error(response: httpx.Response) -> GovernanceApiError:
    try:
        error = response.json()["error"]
        return GovernanceApiError(
            response.status_code, error["code"], error["message"], error.get("details")
        )
    except (ValueError, KeyError, TypeError):
        return GovernanceApiError(response.status_code, "http_error", response.reason_phrase)
