"""A folder in an S3 bucket: `s3://bucket/prefix`, on AWS or at any server that speaks its protocol.

Credentials, region and address come from the environment as with the vendor's own tools:
`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL`
(with `AWS_ALLOW_HTTP` for one without TLS), or from the role of the machine. Needs the extra `s3`.

https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from obstore.exceptions import BaseError
from obstore.store import S3Store

from governance.client.places import Entry, PlaceMissing, PlaceUnavailable

RETRIES = 2
PATIENCE = timedelta(seconds=30)  # of one call, retries included
CHUNK = 8 * 1024 * 1024  # bytes


class Bucket:
    """The files below a prefix. Objects appear whole: S3 shows none that is still written."""

    def __init__(self, url: str) -> None:
        """Raises ValueError for an address that is none, or an environment that is not whole."""
        self._url = url.rstrip("/")
        try:
            self._store = S3Store.from_url(
                self._url, retry_config={"max_retries": RETRIES, "retry_timeout": PATIENCE}
            )
        except BaseError as error:
            raise ValueError(f"{url}: {_sentence(error)}") from None

    def __str__(self) -> str:
        return self._url

    def entries(self, folder: str = "") -> list[Entry]:
        with self._answering():
            found = self._store.list_with_delimiter(folder or None)["objects"]
        return [
            Entry(
                one["path"].rpartition("/")[2],
                f"{one['size']} {one['e_tag']}",
                one["last_modified"].timestamp(),
            )
            for one in found
            if one["path"]  # none has the place itself, as consoles make folders
        ]

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="governance-watch-") as folder:
            path = Path(folder) / name.rpartition("/")[2]
            with self._answering(), path.open("wb") as stream:
                for chunk in self._store.get(name).stream(min_chunk_size=CHUNK):
                    stream.write(chunk)
            yield path

    def read(self, name: str, limit: int) -> bytes | None:
        try:
            with self._answering():
                answer = self._store.get(name)
                return bytes(answer.bytes()) if answer.meta["size"] <= limit else bytes(limit + 1)
        except PlaceMissing:
            return None

    def write(self, name: str, content: bytes) -> None:
        with self._answering():
            self._store.put(name, content)

    def move(self, name: str, to: str) -> None:
        with self._answering():
            self._store.rename(name, to)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise PlaceMissing(_sentence(error)) from None
        except BaseError as error:
            raise PlaceUnavailable(f"{self._url}: {_sentence(error)}") from None


def _sentence(error: Exception) -> str:
    """The first line, without the trace of the library's own classes behind it."""
    return str(error).splitlines()[0][:300]
