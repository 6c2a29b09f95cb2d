"""Run the compiled modules' tests under AddressSanitizer and UndefinedBehaviorSanitizer.

    PYTHON .ci/sanitize.py [pytest arguments]

A copy of the sources in build/sanitize is compiled there, so that neither the modules in place
nor anyone's build is touched. PYTHON needs what the tests need; ``make sanitize`` sees to that.

Leaks are not looked for here: an interpreter keeps too much until its end for LeakSanitizer to tell
ours apart. tests/ws/test_leaks.py and ``make soak`` do that.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TREE = ROOT / "build" / "sanitize"
RECIPE = TREE / "build" / "recipe"
COPIED = [
    *("aiohttp_ws", "tests", "examples", "benchmarks", "docs", ".ci"),
    *("Makefile", "MANIFEST.in", "setup.py", "pyproject.toml", "LICENSE"),
    *(path.name for path in ROOT.glob("*.rst")),
]
# What is tested: the packages that are compiled, and those that run on them. Not what mostly starts
# interpreters or compilers, nor other people's programs: slow, and no new way through our C.
TESTED = [
    *(
        "tests/wire",
        "tests/net",
        "tests/ws",
        "tests/web",
        "tests/client",
        "tests/frames",
        "tests/websockets",
        # Of what every API promises, what ends, loses or crosses connections.
        "tests/contract/test_closing.py",
        "tests/contract/test_delivery.py",
        "tests/contract/test_leftovers.py",
        "tests/contract/test_limits.py",
        "tests/contract/test_lost_transports.py",
        "tests/contract/test_readers.py",
        "tests/contract/test_threads.py",
    ),
    "--ignore=tests/web/test_run_app.py",
]
# What is undefined ends the run: a report that only scrolls by is not read. No check is left
# out; -O1 keeps the stacks true and the run within minutes.
FLAGS = (
    "-fsanitize=address,undefined -fno-sanitize-recover=undefined -O1 -g -fno-omit-frame-pointer"
)
LIBRARIES = ("libasan", "libubsan")
OPTIONS = {
    # Python's own allocator would hide where a block ends.
    "PYTHONMALLOC": "malloc",
    # An abort, since pytest then says in which test.
    "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:allocator_may_return_null=1"
    ":strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:abort_on_error=1",
}
# Each must be caught before the tests' silence means anything.
PLANTED = {
    "heap-buffer-overflow": "char *p = malloc(n); p[n] = 1; kept = p; return p[n];",
    "heap-use-after-free": "char *p = malloc(n); kept = p; free(p); return kept[0];",
    "runtime error: signed integer overflow": "return 2147483647 + n;",
    "runtime error: null pointer passed": "memcpy(kept, &n, n - 8); return 0;",
}


def main() -> int:
    if sys.platform != "linux":
        print("make sanitize works on Linux only: it preloads gcc's sanitizers (LD_PRELOAD)")
        return 1
    compiler = os.environ.get("CC") or "gcc"
    if not (version := gcc_version(compiler)):
        print(f"make sanitize needs gcc (apt-get install gcc), and {compiler!r} is not; set CC")
        return 1
    libraries = [library(compiler, name) for name in LIBRARIES]
    if None in libraries:
        print(f"{compiler} lacks {' or '.join(LIBRARIES)} (Fedora: dnf install them)")
        return 1
    preload = {"LD_PRELOAD": " ".join(filter(None, libraries)), **OPTIONS}

    prepare(f"{sys.version} {compiler} {version} {FLAGS}")
    print("compiling in build/sanitize", flush=True)
    jobs = str(os.cpu_count() or 1)
    build = {**os.environ, "CC": compiler, "AIOHTTP_WS_CFLAGS": FLAGS, "LDFLAGS": FLAGS}
    build.pop("AIOHTTP_WS_ONLY", None)
    subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace", "--parallel", jobs],
        cwd=TREE,
        env=build,
        check=True,
    )
    if not catches_what_is_planted(compiler, preload):
        return 1
    return run_tests(sys.argv[1:], {**os.environ, **preload, "PYTHONPATH": str(TREE)})


def gcc_version(compiler: str) -> str:
    """The version of *compiler*, empty when it does not run or is not gcc."""
    try:
        macros = subprocess.run(
            [*compiler.split(), "-dM", "-E", "-"], input="", capture_output=True, text=True
        ).stdout
    except OSError:
        return ""
    if "__clang__" in macros:
        return ""
    found = re.search(r'^#define __VERSION__ "(.*)"', macros, re.MULTILINE)
    return found[1] if found else ""


def library(compiler: str, name: str) -> str | None:
    """The path of gcc's library, ``None`` when it has none."""
    found = subprocess.run(
        [*compiler.split(), f"-print-file-name={name}.so"], capture_output=True, text=True
    ).stdout.strip()
    return found if os.path.isabs(found) and os.path.exists(found) else None


def prepare(recipe: str) -> None:
    """Bring the copy up to date; what is the same keeps its time, so that it is not compiled."""
    if not RECIPE.exists() or RECIPE.read_text() != recipe:
        shutil.rmtree(TREE, ignore_errors=True)
    wanted = {path.relative_to(ROOT) for name in COPIED for path in sources(ROOT / name)}
    for path in wanted:
        copy, content = TREE / path, (ROOT / path).read_bytes()
        if not copy.exists() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
    for name in COPIED:
        for path in sources(TREE / name):
            if path.relative_to(TREE) not in wanted:
                path.unlink()
    for module in TREE.glob("aiohttp_ws/**/*.so"):
        if not module.with_name(f"{module.name.partition('.')[0]}.pyx").exists():
            module.unlink()
    RECIPE.parent.mkdir(exist_ok=True)
    RECIPE.write_text(recipe)


def sources(top: Path) -> list[Path]:
    """The files below *top* that are written by hand."""
    if top.is_file():
        return [top]
    return [
        path
        for path in top.rglob("*")
        if path.is_file()
        and not {"__pycache__", "node_modules", "reports", "_build"}.intersection(path.parts)
        and path.suffix not in {".so", ".pyc"}
        and not (path.suffix == ".c" and path.with_suffix(".pyx").exists())
    ]


def catches_what_is_planted(compiler: str, preload: dict[str, str]) -> bool:
    """Run faults of each kind in a library built and loaded as the modules are."""
    source, planted = TREE / "build" / "planted.c", TREE / "build" / "planted.so"
    lines = ["#include <stdlib.h>", "#include <string.h>", "char *volatile kept;"]
    lines += [f"int fault{i}(int n) {{ {body} }}" for i, body in enumerate(PLANTED.values())]
    source.write_text("\n".join(lines))
    command = [*compiler.split(), *FLAGS.split(), "-w", "-shared", "-fPIC"]
    subprocess.run([*command, str(source), "-o", str(planted)], check=True)
    for number, expected in enumerate(PLANTED):
        load = f"import ctypes; ctypes.CDLL({str(planted)!r}).fault{number}(8)"
        done = subprocess.run(
            [sys.executable, "-c", load],
            env={**os.environ, **preload},
            capture_output=True,
            text=True,
        )
        if done.returncode == 0 or expected not in done.stderr:
            print(f"the sanitizers did not catch a planted fault ({expected}):\n{done.stderr}")
            return False
    print(f"the sanitizers caught {len(PLANTED)} planted faults of {len(PLANTED)}", flush=True)
    return True


def run_tests(arguments: list[str], environment: dict[str, str]) -> int:
    tested = [item for item in TESTED if item.startswith("-") or (TREE / item).exists()]
    chosen = [item for item in arguments if not item.startswith("-") and "tests/" in item]
    # --capture=sys: the sanitizers write to file descriptor 2 and end the process at once.
    command = [sys.executable, "-m", "pytest", "-q", "--capture=sys", "-p", "no:cacheprovider"]
    command += [*(tested if not chosen else []), *arguments]
    done = subprocess.run(command, cwd=TREE, env=environment).returncode
    if done < 0:
        print(
            f"\npytest was ended by signal {-done}: a sanitizer's report, or a crash, stands above."
            "\nThe stack under 'Fatal Python error' says which test ran."
        )
    elif done == 0:
        print("AddressSanitizer and UndefinedBehaviorSanitizer found nothing")
    return 1 if done < 0 else done


sys.exit(main())
