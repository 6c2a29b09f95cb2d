"""A module compiled against other declarations is refused, and does not crash."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.programs import ROOT

from .conftest import run

TRANSPORT = ROOT / "aiohttp_ws" / "ws" / "listeners" / "frame.pxd"
LAYOUT = re.compile(r"\blayout_([0-9a-f]{8})\b")
USER = """
from aiohttp_ws cimport WSListener

cdef class Listener(WSListener):
    pass
"""


def reached(module: str, found: dict[str, str]) -> dict[str, str]:
    """The declarations that somebody who cimports *module* depends on, without comments."""
    path = ROOT.joinpath(*module.split("."))
    path = path / "__init__.pxd" if path.is_dir() else path.with_suffix(".pxd")
    text = re.sub(r"#.*", "", LAYOUT.sub("", path.read_text()))
    found[module] = " ".join(re.sub(r'""".*?"""', "", text, flags=re.DOTALL).split())
    for other in re.findall(r"from (aiohttp_ws[\w.]*) cimport", text):
        if other not in found:
            reached(other, found)
    return found


def test_the_layout_has_another_name_whenever_a_public_declaration_changes():
    declarations = sorted(reached("aiohttp_ws", {}).items())
    digest = hashlib.sha256(repr(declarations).encode()).hexdigest()[:8]
    (named,) = LAYOUT.findall(TRANSPORT.read_text())
    assert named == digest, (
        f"declarations that users' modules are compiled against have changed: rename"
        f" layout_{named} to layout_{digest} in {TRANSPORT.relative_to(ROOT)}, and build"
    )


@pytest.mark.peer("cc")
def test_a_module_that_was_compiled_against_another_layout_is_refused(
    compiled: Callable[..., Path], python: Path, tmp_path: Path
):
    for path in (ROOT / "aiohttp_ws").rglob("*.pxd"):
        declared = tmp_path / "other" / path.relative_to(ROOT)
        declared.parent.mkdir(parents=True, exist_ok=True)
        declared.write_text(LAYOUT.sub("layout_00000000", path.read_text()))
    source = tmp_path / "listener.pyx"
    source.write_text(USER)
    folder = compiled(source, "-I", tmp_path / "other")
    said = run(python, "-c", "import listener", cwd=folder, status=1)
    assert said.splitlines()[-1] == (
        "ImportError: aiohttp_ws.ws.listeners.frame does not export expected C variable"
        " layout_00000000"
    )
