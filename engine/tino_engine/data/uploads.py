"""Files that a page hands to the engine piece by piece, because it knows their content and not their path.

They lie below `data/uploads` until the engine starts anew; an import takes their path like any other.
"""

from __future__ import annotations

import base64
import binascii
import errno
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tino_engine.contracts import UploadReply
from tino_engine.errors import TinoError
from tino_engine.identifiers import new_id

if TYPE_CHECKING:
    from tino_engine.contracts import UploadRequest

LARGEST = 4_000_000_000
"""Bytes of one file."""


class Uploads:
    """The uploads since the engine started."""

    def __init__(self, folder: Path) -> None:
        """Take the folder that is theirs alone."""
        self._folder = folder

    def clear(self) -> None:
        """Remove what an earlier engine was given."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def holds(self, path: str) -> bool:
        """Whether a path is that of an upload."""
        return Path(path).is_relative_to(self._folder) and ".." not in Path(path).parts

    def take(self, request: UploadRequest) -> UploadReply:
        """Append a piece. Raises `upload_unknown` for one that does not follow what is there, `request_invalid`, `disk_full`."""
        try:
            data = base64.b64decode(request.data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise TinoError("request_invalid", field="data", reason="data is not base64") from error
        upload = request.upload or new_id("upl")
        name = re.split(r"[/\\]", request.name)[-1].replace("\0", "").lstrip(".") or "file"
        path = self._folder / upload / name
        there = path.stat().st_size if path.is_file() else 0
        if request.offset != there or (request.upload is not None and not path.is_file()):
            raise TinoError("upload_unknown", name=name)
        if there + len(data) > LARGEST:
            raise TinoError("request_too_large", field="data", limit=LARGEST)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                file.write(data)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise TinoError("disk_full", path=path) from error
            raise
        return UploadReply(upload=upload, path=str(path), bytes=there + len(data))
