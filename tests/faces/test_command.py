"""``python -m aiohttp_ws as-aiohttp``: programs that know nothing of this package."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SHOW = """
import json, sys
import aiohttp
import beside
main = sys.modules["__main__"]
print(json.dumps({
    "argv": sys.argv, "path": sys.path[0], "name": __name__, "main": main.__dict__ is globals(),
    "file": __file__, "module": aiohttp.__name__, "package": __package__,
    "plain": beside.VALUE,
}))
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "show.py").write_text(SHOW)
    (tmp_path / "inner" / "beside.py").write_text("VALUE = 'beside'")
    (tmp_path / "beside.py").write_text("VALUE = 'here'")
    (tmp_path / "zipped").mkdir()
    (tmp_path / "zipped" / "__main__.py").write_text(SHOW)
    (tmp_path / "zipped" / "beside.py").write_text("VALUE = 'zipped'")
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ["inner/show.py"],
        ["inner/show.py", "-m", "--port", "80"],
        ["-m", "inner.show", "one"],
        ["zipped", "one"],
        ["-m", "zipped"],
    ],
    ids=" ".join,
)
def test_a_program_sees_what_python_shows_it(arguments: list[str], folder: Path):
    by_python = run(folder, *arguments)
    by_us = run(folder, "-m", "aiohttp_ws", "as-aiohttp", *arguments)
    assert by_us.returncode == by_python.returncode == 0, by_us.stderr + by_python.stderr
    ours, pythons = json.loads(by_us.stdout), json.loads(by_python.stdout)
    assert ours.pop("module") == "aiohttp_ws.faces"
    assert pythons.pop("module") == "aiohttp"
    # Which paths are absolute differs between releases of Python.
    for said in (ours, pythons):
        said["file"] = str(folder / said["file"])
        said["argv"][0] = str(folder / said["argv"][0])
        said["package"] = said["package"] or None
    assert ours == pythons


@pytest.mark.parametrize(
    ("end", "status"), [("raise SystemExit(3)", 3), ("1 / 0", 1), ("", 0), ("exit('no')", 1)]
)
def test_the_exit_status_is_the_programs(end: str, status: int, folder: Path):
    (folder / "ends.py").write_text(end)
    done = run(folder, "-m", "aiohttp_ws", "as-aiohttp", "ends.py")
    assert done.returncode == status
    assert done.stderr.count("Traceback") == ("ZeroDivisionError" in done.stderr)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "PROGRAM [ARGS] or -m MODULE [ARGS] has to follow"),
        (["-m"], "PROGRAM [ARGS] or -m MODULE [ARGS] has to follow"),
        (["--fast", "inner/show.py"], "PROGRAM [ARGS] or -m MODULE [ARGS] has to follow"),
        (["nothing.py"], "there is no file 'nothing.py'"),
        (["-m", "nothing.there"], "there is no module 'nothing.there'"),
    ],
)
def test_a_wrong_command_line_is_answered_with_one_line(
    arguments: list[str], said: str, folder: Path
):
    done = run(folder, "-m", "aiohttp_ws", "as-aiohttp", *arguments)
    assert done.returncode == 2
    assert done.stderr == f"python -m aiohttp_ws as-aiohttp: {said}\n"


def test_both_names_are_had_by_one_calling_the_other(folder: Path):
    (folder / "both.py").write_text(
        "import aiohttp, websockets; print(aiohttp.__name__, websockets.__name__)"
    )
    done = run(
        folder, *["-m", "aiohttp_ws", "as-aiohttp", "-m", "aiohttp_ws", "as-websockets", "both.py"]
    )
    assert done.stdout.split() == ["aiohttp_ws.faces", "aiohttp_ws.websockets"], done.stderr


def test_a_program_is_run_without_the_client_of_the_command_line(folder: Path):
    (folder / "loaded.py").write_text("import sys; print(*sys.modules)")
    done = run(folder, *["-m", "aiohttp_ws", "as-aiohttp", "loaded.py"])
    assert {"aiohttp_ws.websockets", "aiohttp_ws.web"} & set(done.stdout.split()) == set()


def test_aiohttp_web_is_run_as_a_module(folder: Path):
    (folder / "served.py").write_text(
        "from aiohttp import web\n"
        "def factory(arguments):\n"
        "    print(web.__name__, arguments)\n"
        "    raise SystemExit(7)\n"
    )
    command = "-m aiohttp_ws as-aiohttp -m aiohttp.web served:factory one two"
    done = run(folder, *command.split())
    assert done.returncode == 7, done.stderr
    assert done.stdout.split(maxsplit=1) == ["aiohttp_ws.faces.web", "['one', 'two']\n"]
