"""Style, scripts and fonts, under addresses that change with their content."""

import hashlib
import mimetypes
from pathlib import Path

from fastapi.responses import FileResponse

from governance.kernel.errors import NotFound

_ROOT = Path(__file__).parent / "static"
_MEDIA_TYPES = {".woff2": "font/woff2", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOR_EVER = "public, max-age=31536000, immutable"


class Assets:
    """The files as they were at start; whatever is not among them is not served."""

    def __init__(self) -> None:
        self._files = {
            path.relative_to(_ROOT).as_posix(): path
            for path in sorted(_ROOT.rglob("*"))
            if path.is_file()
        }
        total = hashlib.sha256()
        for name, path in self._files.items():
            total.update(name.encode() + path.read_bytes())
        self.version = total.hexdigest()[:12]

    def url(self, name: str) -> str:
        return f"/static/{self.version}/{name}"

    def response(self, version: str, name: str) -> FileResponse:
        """Raises NotFound (`page_unknown`)."""
        path = self._files.get(name)
        if path is None:
            raise NotFound("page_unknown", "There is no such page.")
        media_type = _MEDIA_TYPES.get(path.suffix) or mimetypes.guess_type(name)[0]
        caching = _FOR_EVER if version == self.version else "no-cache"
        return FileResponse(path, media_type=media_type, headers={"Cache-Control": caching})
