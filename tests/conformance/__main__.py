"""``python -m tests.conformance``: the Autobahn test suite against both our ends, at each API.

Without ``--full``: sections 1 to 7 and 10 in full, and of the slow sections 9, 12 and 13 the
cases that ``cases.py`` lists. With it every case, and the result goes to docs/conformance.rst.
Exits with 1 when a case is anything but OK (or INFORMATIONAL, where the suite itself says that
the standard leaves it open), when a close was not clean, or when a case gave no result.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.conformance.cases import APIS, SECTIONS, patterns
from tests.conformance.echo import OURS
from tests.conformance.environment import ROOT, wstest
from tests.conformance.report import Tally, as_rst, as_text, judge
from tests.conformance.suite import REPORTS, client_results, server_results

PAGE = ROOT / "docs" / "conformance.rst"
BEGIN, END = ".. begin results (written by make conformance FULL=1)", ".. end results"
ENDS = {"server": server_results, "client": client_results}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--full", action="store_true", help="every case; write the docs' table")
    parser.add_argument("--api", choices=APIS, help="only this API (the docs' table stays)")
    parser.add_argument(
        "--library",
        help="another library with that API's interface (checks the harness itself)",
    )
    options = parser.parse_args()
    apis = [options.api] if options.api else list(APIS)
    if options.library and not options.api:
        parser.error("--library needs --api")
    wstest()
    tallies: dict[str, list[Tally]] = {}
    for api in apis:
        print(f"{api}: {stated(api, options.full)}", flush=True)
        # Both ends at once: each has a program of the suite's to wait for.
        with ThreadPoolExecutor(len(ENDS)) as pool:
            cases = patterns(api, options.full)
            running = {
                end: pool.submit(results, api, cases, options.library or OURS[api])
                for end, results in ENDS.items()
            }
            for end, run in running.items():
                named = f"{api.capitalize()} API, {end}"
                tallies[named] = judge(run.result(), api, options.full)
                print(f"\n{as_text(named, tallies[named])}\n", flush=True)
    if options.full and apis == list(APIS):
        write_page(as_rst(tallies))
    passed = all(tally.passed for sections in tallies.values() for tally in sections)
    print(f"{'conformant' if passed else 'NOT conformant'}; details: {REPORTS}")
    return 0 if passed else 1


def stated(api: str, full: bool) -> str:
    if full:
        return "every case of sections 1-7, 9, 10, 12 and 13"
    samples = ", ".join(
        f"{len(sample)} of {s.count} in section {s.number}"
        for s in SECTIONS
        if (sample := s.chosen(api, full))
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
