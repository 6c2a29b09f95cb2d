"""Sphinx: ``make docs``. A warning is an error."""

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
autodoc_default_options = {"members": True, "show-inheritance": True}
python_maximum_signature_line_length = 88

html_theme = "alabaster"
html_theme_options = {
    "description": "An aiohttp-style HTTP framework in which WebSockets come first",
    "fixed_sidebar": True,
    "page_width": "1160px",
    "sidebar_width": "250px",
}
