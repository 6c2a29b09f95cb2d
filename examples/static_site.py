"""Serve a folder: ``python examples/static_site.py [FOLDER]``, by default the built docs.

Ranges, ETags, conditional requests and ready-made ``.gz`` files are the library's work.
"""

import os
import sys
from pathlib import Path

from aiohttp_ws import web

DOCS = Path(__file__).parent.parent / "docs" / "_build" / "html"
FOLDER = web.AppKey("FOLDER", Path)


async def index(request: web.Request) -> web.FileResponse:
    return web.FileResponse(request.app[FOLDER] / "index.html")


def application(folder: Path) -> web.Application:
    app = web.Application()
    app[FOLDER] = folder
    app.router.add_get("/", index)
    app.router.add_static("/", folder)
    return app


if __name__ == "__main__":
    site = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS
    if not (site / "index.html").is_file():
        sys.exit(f"{site} has no index.html; run 'make docs' first, or name another folder")
    web.run_app(application(site), host="127.0.0.1", port=int(os.environ.get("PORT", "8080")))
