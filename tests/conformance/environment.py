"""The suite's own environment: it runs on Python 2.7 only.

A virtual environment for 2.7 can be made from Python 3 by the last ``virtualenv`` that knew
2.7; that tool gets an environment of its own too, so that nothing leaks into ours.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
ENVIRONMENT = ROOT / ".venv-autobahn"
LAST_VIRTUALENV_FOR_2_7 = "virtualenv<20.22"
NO_PYTHON_2_7 = (
    "the Autobahn test suite needs Python 2.7 and none was found "
    "(looked on PATH and in ~/.pyenv/versions): install one, e.g. with pyenv install 2.7.18"
)


def wstest() -> Path:
    """Return the suite's program, installing it at first use.

    Raises ``SystemExit`` when there is no Python 2.7.
    """
    requirements = HERE / "requirements.txt"
    program = ENVIRONMENT / "suite" / "bin" / "wstest"
    stamp = ENVIRONMENT / "installed"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if program.exists() and stamp.exists() and stamp.read_text() == wanted:
        return program
    python = find_python_2_7()
    print(f"installing the Autobahn test suite into {ENVIRONMENT.name} ({python})", flush=True)
    tool = ENVIRONMENT / "tool"
    run(sys.executable, "-m", "venv", tool)
    run(tool / "bin/python", "-m", "pip", "install", "-q", LAST_VIRTUALENV_FOR_2_7)
    run(tool / "bin/python", "-m", "virtualenv", "-q", "-p", python, ENVIRONMENT / "suite")
    run(ENVIRONMENT / "suite/bin/python", "-m", "pip", "install", "-q", "-r", requirements)
    stamp.write_text(wanted)
    return program


def find_python_2_7() -> str:
    found = subprocess.run(
        [ROOT / ".ci" / "find-python", "2.7"], capture_output=True, text=True, check=False
    )
    if found.returncode:
        raise SystemExit(f"error: {NO_PYTHON_2_7}")
    return found.stdout.strip()


def run(*command: str | Path) -> None:
    """Run a command quietly; show what it said only when it failed."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{done.stdout}\nerror: {' '.join(map(str, command))} failed")
