"""A folder of files as a resource; no request leaves the folder."""

from __future__ import annotations

import asyncio
import hashlib
import html
import os
import stat
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from yarl import URL

from .. import hdrs
from ..argument_types import PathLike
from .exceptions import HTTPForbidden, HTTPNotFound
from .file_types import accepted_encodings
from .fileresponse import FileResponse
from .folder import Folder
from .interfaces import ExpectHandler
from .match_info import UrlMappingMatchInfo
from .open_files import OpenFile, open_file, open_file_cached
from .paths import decode_parameter, encode_parameter, safe_path
from .resources import NO_MATCH, NO_METHODS, PrefixResource, Resolved
from .response import Response
from .routes import AbstractRoute, ResourceRoute

if TYPE_CHECKING:
    from .request import Request
    from .stream_response import StreamResponse

__all__ = ("StaticResource",)

INDEX_PAGE: Final = """<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<title>{title}</title>
</head>
<body>
<h1>{title}</h1>
<ul>
{lines}
</ul>
</body>
</html>
"""


class StaticResource(PrefixResource):
    """Serves the files of *directory* under *prefix*.

    :param name: the name under which ``app.router[name]`` finds it.
    :param chunk_size: see :class:`FileResponse`.
    :param show_index: answer for a folder with a list of its files instead of 403.
    :param follow_symlinks: serve what links inside the folder point to outside of it.
        Anyone who can make a link there can then publish any file the server can read.
    :param append_version: let :meth:`url_for` add a hash of the file by default.
    :raises ValueError: *directory* is not a folder.
    """

    VERSION_KEY: Final = "v"

    def __init__(
        self,
        prefix: str,
        directory: PathLike,
        *,
        name: str | None = None,
        expect_handler: ExpectHandler | None = None,
        chunk_size: int = 256 * 1024,
        show_index: bool = False,
        follow_symlinks: bool = False,
        append_version: bool = False,
    ) -> None:
        super().__init__(prefix, name=name)
        try:
            self._directory = Path(directory).expanduser().resolve(strict=True)
        except FileNotFoundError:
            raise ValueError(f"{str(directory)!r} does not exist") from None
        if not self._directory.is_dir():
            raise ValueError(f"{str(directory)!r} is not a directory")
        self._chunk_size = chunk_size
        self._show_index = show_index
        self._follow_symlinks = follow_symlinks
        self._files = Folder(str(self._directory), follow_symlinks)
        self._append_version = append_version
        self._expect_handler = expect_handler
        self._versions: dict[str, tuple[int, int, str]] = {}
        self._routes: dict[str, ResourceRoute] = {
            method: ResourceRoute(method, self._handle, self, expect_handler=expect_handler)
            for method in (hdrs.METH_GET, hdrs.METH_HEAD)
        }

    def set_options_route(self, handler: Any) -> None:
        """Add a handler for OPTIONS.

        :raises RuntimeError: there is one already.
        """
        if hdrs.METH_OPTIONS in self._routes:
            raise RuntimeError("a handler for OPTIONS was set already")
        self._routes[hdrs.METH_OPTIONS] = ResourceRoute(
            hdrs.METH_OPTIONS, handler, self, expect_handler=self._expect_handler
        )

    def __len__(self) -> int:
        return len(self._routes)

    def __iter__(self) -> Iterator[AbstractRoute]:
        return iter(list(self._routes.values()))

    def get_info(self) -> dict[str, Any]:
        return {"directory": self._directory, "prefix": self._prefix, "routes": self._routes}

    def __repr__(self) -> str:
        name = f"'{self.name}' " if self.name is not None else ""
        return f"<StaticResource {name}{self._prefix} -> {self._directory!r}>"

    # --------------------------------------------------------------------------- URLs

    def url_for(  # type: ignore[override]
        self, *, filename: PathLike, append_version: bool | None = None
    ) -> URL:
        """Build the URL of a file.

        :param filename: the file, relative to the folder.
        :param append_version: add ``?v=`` and a hash of the content, so that the URL changes
            when the file does; the resource's own setting by default. A file that cannot be
            served gets none.
        """
        if append_version is None:
            append_version = self._append_version
        filename = os.fspath(filename).replace(os.sep, "/").lstrip("/")
        url = URL.build(path=f"{self._prefix}/{encode_parameter(filename)}", encoded=True)
        if append_version:
            version = self._version_of(filename)
            if version is not None:
                return url.with_query({self.VERSION_KEY: version})
        return url

    def _version_of(self, filename: str) -> str | None:
        try:
            path = self._locate(filename)
            info = os.stat(path)
            if not stat.S_ISREG(info.st_mode):
                return None
            known = self._versions.get(path)
            if known is None or known[:2] != (info.st_mtime_ns, info.st_size):
                digest = hashlib.sha256()
                with open(path, "rb", opener=self._files.open) as file:
                    info = os.fstat(file.fileno())
                    while chunk := file.read(self._chunk_size):
                        digest.update(chunk)
                version = urlsafe_b64encode(digest.digest()).decode()
                known = self._versions[path] = (info.st_mtime_ns, info.st_size, version)
        except (OSError, HTTPNotFound):
            return None
        return known[2]

    # ----------------------------------------------------------------------- requests

    def find(self, request: Request, path: str) -> Resolved:
        prefix = safe_path(self._prefix)
        if not path.startswith(prefix) or path[len(prefix) : len(prefix) + 1] not in ("/", ""):
            return NO_MATCH
        route = self._routes.get(request.method)
        if route is None:
            return None, self._routes.keys()
        filename = decode_parameter(path[len(prefix) + 1 :])
        if ".." in filename and ".." in filename.split("/"):
            return NO_MATCH
        return UrlMappingMatchInfo({"filename": filename}, route), NO_METHODS

    async def _handle(self, request: Request) -> StreamResponse:
        filename = request.match_info["filename"]
        accepted = accepted_encodings(request.headers.get(hdrs.ACCEPT_ENCODING, ""))
        if not filename.endswith("/"):
            path = self._joined(self._parts_of(filename))
            # The kernel refuses links in it: where there are some, it takes more to judge them.
            opened = open_file_cached(path, accepted, follow_links=False)
            if opened is not None:
                return self._response_of(path, opened)
        loop = asyncio.get_running_loop()
        # All that may block is done in one visit to another thread: each costs as much as
        # the rest of a small file's way.
        return await loop.run_in_executor(None, self._response_for, filename, accepted)

    def _response_of(self, path: str, opened: OpenFile) -> FileResponse:
        response = FileResponse(path, chunk_size=self._chunk_size)
        response._opened = opened
        return response

    def _response_for(self, filename: str, accepted: frozenset[str]) -> StreamResponse:
        path = self._locate(filename)
        try:
            opened = open_file(path, accepted, self._files.open)
        except IsADirectoryError:
            if not self._show_index:
                raise HTTPForbidden from None
            return self._index_of(path, filename)
        except PermissionError:
            raise HTTPForbidden from None
        except (OSError, ValueError):
            raise HTTPNotFound from None
        if filename.endswith("/"):
            raise HTTPNotFound  # the name of a folder
        return self._response_of(path, opened)

    def _parts_of(self, filename: str) -> list[str]:
        """Cut *filename* into names below the folder; raise 404 where it may mean another place."""
        parts = (filename.replace("\\", "/") if os.sep == "\\" else filename).split("/")
        # An absolute name would replace the folder, ".." leave it; a drive or a stream of a
        # file has a colon on Windows.
        if ".." in parts or "\0" in filename or filename.startswith("/"):
            raise HTTPNotFound
        if os.name == "nt" and ":" in filename:
            raise HTTPNotFound
        return [part for part in parts if part not in ("", ".")]

    def _joined(self, parts: list[str]) -> str:
        return os.path.join(self._files.root, *parts)

    def _locate(self, filename: str) -> str:
        """Return the path that *filename* means; raise 404 for one outside of the folder."""
        path = self._files.root
        linked = os.name == "nt"  # which has more kinds of links than islink() knows
        for part in self._parts_of(filename):
            path = os.path.join(path, part)
            linked = linked or os.path.islink(path)
        if linked:
            path = os.path.realpath(path)
            if not self._follow_symlinks and not self._files.holds(path):
                raise HTTPNotFound
        return path

    def _index_of(self, folder: str, filename: str) -> Response:
        inner = "/".join(part for part in filename.split("/") if part not in ("", "."))
        inner += "/" if inner else ""
        try:
            names = self._names_in(folder)
        except PermissionError:
            raise HTTPForbidden from None
        except OSError:
            raise HTTPNotFound from None
        lines = []
        for name in names:
            href = f"{self._prefix}/{encode_parameter(inner + name)}"
            lines.append(f'<li><a href="{html.escape(href)}">{_shown(name)}</a></li>')
        page = INDEX_PAGE.format(title=_shown(f"Index of /{inner}"), lines="\n".join(lines))
        return Response(text=page, content_type="text/html")

    def _names_in(self, folder: str) -> list[str]:
        """What *folder* holds, in order; folders with a slash."""
        if os.scandir not in os.supports_fd:
            with os.scandir(folder) as entries:
                return _sorted_names(entries)
        fd = self._files.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with os.scandir(fd) as entries:
                return _sorted_names(entries)
        finally:
            os.close(fd)


def _sorted_names(entries: Iterator[os.DirEntry[str]]) -> list[str]:
    names = sorted((entry.name, _is_folder(entry)) for entry in entries)
    return [name + "/" if is_folder else name for name, is_folder in names]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # such as a link to itself


def _shown(name: str) -> str:
    """*name* as text of a page; bytes that are not UTF-8 become question marks in a diamond."""
    return html.escape(name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
