"""Sphinx: ``make docs``. A warning is an error."""

from typing import Any

import aiohttp_ws

project = "aiohttp_ws"
author = "The aiohttp_ws authors"
copyright = author
version = release = aiohttp_ws.__version__

extensions = ["sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
templates_path: list[str] = []

# Types stand in the signatures; members come in the order of the source.
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True, "show-inheritance": True}
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = "aiohttp_ws"
html_static_path = ["_static"]
html_css_files = ["code.css"]
html_theme_options = {"navigation_with_keys": True}

# Classes that two APIs have, and signatures name without a module.
TWICE = {"Request", "Response"}


def name_the_api(app: Any, doctree: Any) -> None:
    """Lead these names to the class of the API that the page is about."""
    for node in doctree.findall(lambda node: node.tagname == "pending_xref"):
        if node.get("reftarget") in TWICE:
            of_messages = (node.get("py:module") or "").startswith("aiohttp_ws.websockets")
            home = "aiohttp_ws.websockets.http11" if of_messages else "aiohttp_ws.web"
            node["reftarget"] = f"{home}.{node['reftarget']}"


def setup(app: Any) -> None:
    app.connect("doctree-read", name_the_api)
