"""``python -m tests.conformance``: the Autobahn test suite against both our ends.

Without ``--full``: sections 1 to 7 and 10 in full, and of the slow sections 9, 12 and 13 the
cases that ``cases.py`` lists. With it every case, and the result goes to docs/conformance.rst.
Exits with 1 when a case is anything but OK (or INFORMATIONAL, where the suite itself says that
the standard leaves it open), when a close was not clean, or when a case gave no result.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.conformance.cases import SECTIONS, patterns
from tests.conformance.environment import ROOT, wstest
from tests.conformance.report import as_rst, as_text, judge
from tests.conformance.suite import REPORTS, client_results, server_results

PAGE = ROOT / "docs" / "conformance.rst"
BEGIN, END = ".. begin results (written by make conformance FULL=1)", ".. end results"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--full", action="store_true", help="every case; write the docs' table")
    parser.add_argument(
        "--library",
        default="aiohttp_ws",
        help="another library with aiohttp's interface (checks the harness itself)",
    )
    options = parser.parse_args()
    wstest()
    print(stated(options.full), flush=True)
    chosen = patterns(options.full)
    with ThreadPoolExecutor(2) as pool:
        running = {
            "Server": pool.submit(server_results, chosen, options.library),
            "Client": pool.submit(client_results, chosen, options.library),
        }
        ends = {end: judge(run.result(), options.full) for end, run in running.items()}
    for end, tallies in ends.items():
        print(f"\n{as_text(end, tallies)}")
    if options.full and options.library == "aiohttp_ws":
        write_page(as_rst(ends))
    passed = all(tally.passed for tallies in ends.values() for tally in tallies)
    print(f"\n{'conformant' if passed else 'NOT conformant'}; details: {REPORTS}")
    return 0 if passed else 1


def stated(full: bool) -> str:
    if full:
        return "every case of sections 1-7, 9, 10, 12 and 13"
    samples = ", ".join(
        f"{len(s.sample)} of {s.count} in section {s.number}" for s in SECTIONS if s.sample
    )
    return f"sections 1-7 and 10 in full; a sample of the rest: {samples} (FULL=1 runs all)"


def write_page(results: str) -> None:
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{results}\n{END}{after}")
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
