"""``python -m tests.libraries``: packages that need aiohttp or websockets, on this package.

Each is installed at its newest release in an environment of its own. Its tests run against the
real library, which is the standard, and then against this package under the library's name. A
test that passes there and, twice, not here fails the run, unless ``packages.py`` has a reason for
it; so does a package of which no test passes on the real library.

Without ``--full`` or names: the packages that ``packages.py`` marks as quick. With ``--full`` all
of them, and the results go to docs/guide/libraries.rst.
"""

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass

from tests.libraries.environment import LIBRARIES, Environment
from tests.libraries.packages import PACKAGES, Package
from tests.libraries.suite import Outcomes, run_suite
from tests.programs import ROOT

PAGE = ROOT / "docs" / "guide" / "libraries.rst"
FIGURES = LIBRARIES / "figures"
# Tests of one package that are named when they fail.
SHOWN = 20
BEGIN, END = ".. begin results (written by make libraries FULL=1)", ".. end results"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.libraries", description=__doc__)
    parser.add_argument("packages", nargs="*", help="only these, by name")
    parser.add_argument("--full", action="store_true", help="all packages; write the docs' table")
    parser.add_argument("--baseline", action="store_true", help="only on the real libraries")
    parser.add_argument(
        "--page",
        action="store_true",
        help="write the docs' table of what the last runs of each package found",
    )
    parser.add_argument(
        "--kept",
        action="store_true",
        help="use environments, and results on the real libraries, as they are",
    )
    options = parser.parse_args()
    known = {package.name: package for package in PACKAGES}
    if unknown := set(options.packages) - known.keys():
        parser.error(f"not in tests/libraries/packages.py: {', '.join(sorted(unknown))}")
    chosen = [
        package
        for package in PACKAGES
        if package.name in options.packages
        or (not options.packages and (options.full or (package.quick and not options.page)))
    ]
    results = []
    for package in chosen:
        result = judge(package, baseline=options.baseline, kept=options.kept)
        print(result, flush=True)
        results.append(result)
        if not options.baseline:
            result.keep()
    if options.page or (options.full and not options.packages and not options.baseline):
        write_page()
    worse = [result.package.name for result in results if not result.sound]
    print(f"NOT as good as the real library: {', '.join(worse)}" if worse else "sound")
    print(f"what the suites printed: {(LIBRARIES / 'logs').relative_to(ROOT)}")
    return 1 if worse else 0


@dataclass
class Result:
    package: Package
    version: str
    real: Outcomes
    ours: Outcomes
    worse: list[str]
    seconds: float
    failure: str = ""

    @property
    def sound(self) -> bool:
        return not self.failure and not self.worse and "passed" in self.real.values()

    def keep(self) -> None:
        """Put the figures where :func:`write_page` finds them."""
        FIGURES.mkdir(parents=True, exist_ok=True)
        passed = [Counter(found.values())["passed"] for found in (self.real, self.ours)]
        figures = json.dumps([self.version, *passed])
        (FIGURES / f"{self.package.name}.json").write_text(figures)

    def __str__(self) -> str:
        name = f"{self.package.name} {self.version}"
        lines = [f"{name}: {tally(self.real)} on the real library, {tally(self.ours)} on ours"]
        lines[0] += f" ({self.seconds:.0f} s)"
        shown = self.worse[:SHOWN]
        lines += [f"  worse: {test} ({self.ours.get(test, 'not run')})" for test in shown]
        if len(shown) < len(self.worse):
            lines.append(f"  and {len(self.worse) - len(shown)} more")
        if self.failure:
            lines.append(f"  {self.failure}")
        elif "passed" not in self.real.values():
            lines.append("  no test passed on the real library: nothing was proved")
        return "\n".join(lines)


def judge(package: Package, *, baseline: bool, kept: bool) -> Result:
    began = time.monotonic()
    environment = Environment(package)
    result = Result(package, "", {}, {}, [], 0)
    try:
        if not kept:
            environment.install()
        result.version = environment.version
        result.real = real_outcomes(environment, kept=kept)
        if not baseline:
            result.ours = run_suite(environment, ours=True)
            if worse := worse_tests(package, result):
                # What depends on time or on chance gets a second chance.
                result.ours |= run_suite(environment, ours=True, only=worse)
            result.worse = worse_tests(package, result)
    except RuntimeError as error:
        result.failure = str(error)
    result.seconds = time.monotonic() - began
    return result


def real_outcomes(environment: Environment, *, kept: bool) -> Outcomes:
    found = LIBRARIES / "outcomes" / f"{environment.package.name}.json"
    if not kept or not found.exists():
        found.parent.mkdir(parents=True, exist_ok=True)
        found.write_text(json.dumps(run_suite(environment, ours=False)))
    outcomes: Outcomes = json.loads(found.read_text())
    return outcomes


def worse_tests(package: Package, result: Result) -> list[str]:
    return [
        test
        for test, outcome in result.real.items()
        if outcome == "passed"
        and result.ours.get(test) != "passed"
        and not any(test.startswith(known) for known in package.differs)
    ]


def tally(outcomes: Outcomes) -> str:
    counts = Counter(outcomes.values())
    passed = f"{counts['passed']} passed"
    return passed + (f" and {counts['failed']} failed" if counts["failed"] else "")


def write_page() -> None:
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 32 12 14 14 28", ""]
    lines += row("package", "version", "real library", "aiohttp_ws", "tests")
    for package in sorted(PACKAGES, key=lambda package: package.name.lower()):
        if (found := FIGURES / f"{package.name}.json").exists():
            figures = map(str, json.loads(found.read_text()))
            lines += row(package.name, *figures, package.note)
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    table = "\n".join(lines)
    PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}")
    print(f"wrote {PAGE.relative_to(ROOT)}")


def row(first: str, *others: str) -> list[str]:
    return [f"   * - {first}".rstrip(), *(f"     - {cell}".rstrip() for cell in others)]


if __name__ == "__main__":
    sys.exit(main())
