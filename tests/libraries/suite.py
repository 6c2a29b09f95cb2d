"""Runs the tests of a package: on the real libraries, and on this package under their names."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path

from tests.libraries.environment import LIBRARIES, SETTINGS, Environment

__all__ = ("Outcomes", "run_suite")

PLUGINS = Path(__file__).parent / "plugins"
PROGRAMS = Path(__file__).parent / "programs"
# Seconds: of one test, and of a suite.
TEST_TIMEOUT = 60
SUITE_TIMEOUT = 900

Outcomes = dict[str, str]


def run_suite(environment: Environment, *, ours: bool, only: list[str] | None = None) -> Outcomes:
    """From a test's id to ``passed``, ``failed`` or ``skipped``.

    :param ours: run it on this package, not on the real library.
    :param only: ids of tests; without it the whole suite runs.
    """
    package = environment.package
    folder = environment.sources() if package.tests else PROGRAMS
    kind = "ours" if ours else "real"
    log = LIBRARIES / "logs" / f"{package.name}-{kind}{'-again' if only else ''}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        results = Path(temporary) / "outcomes"
        variables = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV_"))},
            **package.variables,
            "OUTCOMES": str(results),
            "PYTHONPATH": os.pathsep.join([str(PLUGINS), *package.path_entries(folder)]),
            "PATH": f"{environment.python.parent}{os.pathsep}{os.environ['PATH']}",
        }
        loaded = ["-p", "outcomes_of_tests"]
        if ours:
            # As a user does it: these come first, before plugins that import aiohttp.
            loaded = [x for peer in package.peers for x in ("-p", f"aiohttp_ws.as_{peer}")] + loaded
        else:
            loaded += ["-p", "no:aiohttp_ws.pytest_plugin"]
        command = [str(environment.python), "-m", "pytest", *loaded, "-p", "no:cacheprovider"]
        command += ["-o", "asyncio_default_fixture_loop_scope=function"]
        command += ["-o", "addopts=", "--timeout", str(package.timeout), "-q", "-ra", "--tb=short"]
        command += [] if package.tests else ["-c", str(SETTINGS)]
        command += ["--rootdir", ".", "--confcutdir", ".", "--continue-on-collection-errors"]
        command += ["--basetemp", f"{temporary}/tests", *package.arguments]
        if only:
            command += only
        else:
            command += package.tests or [package.program]
            command += [f"--deselect={test}" for test in package.left_out if "::" in test]
            command += [f"--ignore={test}" for test in package.left_out if "::" not in test]
        with log.open("w") as output:
            output.write(" ".join(command) + "\n")
            output.flush()
            suite = subprocess.Popen(
                command,
                cwd=folder / package.folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                suite.wait(SUITE_TIMEOUT)
            except subprocess.TimeoutExpired:
                output.write(f"\nstopped after {SUITE_TIMEOUT} s\n")
            finally:
                # Servers that its tests left running go with it.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(suite.pid, signal.SIGKILL)
                suite.wait()
        if not results.exists():
            return {}
        return dict(json.loads(line) for line in results.read_text().splitlines())
