"""Users' compiled modules, built and run against the installed package."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.programs import ROOT

from .conftest import run

HERE = Path(__file__).parent
ONLY_SOURCES = shutil.ignore_patterns("*.c", "*.so", "*.pyd", "build", "__pycache__")


@pytest.fixture(scope="module")
def folder(compiled: Callable[[Path], Path]) -> Path:
    built = compiled(HERE / "listeners.pyx")
    shutil.copy2(HERE / "program.py", built)
    return built


@pytest.fixture
def case(folder: Path, python: Path) -> Callable[[str], str]:
    """Run one function of program.py; any warning is an error there."""
    return lambda name: run(python, "-W", "error", "program.py", name, cwd=folder)


def test_every_declaration_that_can_be_cimported_is_in_the_wheel(wheel: Path):
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    declarations = {
        str(path.relative_to(ROOT).as_posix()) for path in (ROOT / "aiohttp_ws").rglob("*.pxd")
    }
    assert "aiohttp_ws/__init__.pxd" in declarations
    assert declarations - names == set()


def test_the_names_of_the_package_are_those_of_its_subpackages(case):
    case("name_the_same")


@pytest.mark.peer("websockets")
def test_a_compiled_server_echoes_to_websockets(case):
    case("serve_websockets")


@pytest.mark.peer("picows")
def test_a_compiled_server_sees_what_lies_behind_a_frame(case):
    case("serve_picows")


@pytest.mark.peer("picows")
def test_a_compiled_client_talks_to_picows_from_memory_of_its_own(case):
    case("call_picows")


@pytest.mark.peer("websockets")
def test_frames_reach_a_compiled_listener_through_the_vtable(case):
    case("pass_python_by")


def test_a_python_class_overrides_a_compiled_listener(case):
    case("override_in_python")


def test_the_example_of_the_guide_builds_and_serves(python: Path, tmp_path: Path):
    example = tmp_path / "example"
    shutil.copytree(ROOT / "examples" / "frames" / "cython", example, ignore=ONLY_SOURCES)
    run(python, "setup.py", "-q", "build_ext", "--inplace", cwd=example)
    shutil.copy2(HERE / "ask_example.py", example)
    run(python, "ask_example.py", cwd=example)  # run() asserts that the program ends with 0.
