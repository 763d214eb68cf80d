"""The browser's pages: the built web application, served by the engine itself.

`/api` and `/ws` come first; any other path without a file behind it gets `index.html`, so that deep links work. The
content security policy lets the page talk to this origin and to nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import Scope

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Pages(StaticFiles):
    """Static files with `index.html` for every path that is a page of the application."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, html=False, check_dir=False)
        self._index = folder / "index.html"

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Give the file, or the application."""
        try:
            response = await super().get_response(path, scope) if path not in ("", ".") else self._application()
        except HTTPException as missing:
            last = path.rsplit("/", 1)[-1]
            if missing.status_code != 404 or "." in last or path.startswith(("api/", "ws/")):
                raise
            response = self._application()
        response.headers["content-security-policy"] = POLICY
        response.headers["x-content-type-options"] = "nosniff"
        response.headers["referrer-policy"] = "no-referrer"
        # Built assets carry a hash of their content in their names; the page itself must be asked for again.
        hashed = path.startswith("assets/")
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return response

    def _application(self) -> Response:
        if not self._index.is_file():
            raise HTTPException(404)
        return FileResponse(self._index, media_type="text/html")
