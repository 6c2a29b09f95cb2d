"""Judge the suite's results and write them down."""

import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.conformance.cases import SECTIONS, Section, expected, section_of, sort_key
from tests.conformance.suite import Results

# The suite calls a case informational where the standard leaves both outcomes open.
PASSING = ("OK", "INFORMATIONAL")


@dataclass
class Tally:
    """What one end did in one section."""

    section: Section
    wanted: int
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def ran(self) -> int:
        return self.outcomes.total()

    @property
    def passed(self) -> bool:
        return not self.faults and self.ran == self.wanted


def judge(results: Results, api: str, full: bool) -> list[Tally]:
    """Count the outcomes of each section; every case must be OK and closed cleanly."""
    tallies = {s.number: Tally(s, expected(s, api, full)) for s in SECTIONS}
    for case in sorted(results, key=sort_key):
        behavior, closing = results[case]["behavior"], results[case]["behaviorClose"]
        tally = tallies[section_of(case)]
        tally.outcomes[behavior] += 1
        if behavior not in PASSING or closing not in PASSING:
            tally.faults.append(f"{case}: {behavior}, close {closing}")
    for tally in tallies.values():
        if tally.ran != tally.wanted:
            tally.faults.append(
                f"section {tally.section.number}: {tally.ran} of {tally.wanted} cases gave a result"
            )
    return list(tallies.values())


HEADINGS = ("Section", "Cases", "OK", "Informational", "Failed")


def rows(tallies: Iterable[Tally]) -> list[tuple[str, ...]]:
    table = []
    for tally in tallies:
        good = sum(tally.outcomes[name] for name in PASSING)
        table.append(
            (
                f"{tally.section.number} {tally.section.title}",
                str(tally.ran),
                str(tally.outcomes["OK"]),
                str(tally.outcomes["INFORMATIONAL"]),
                str(max(len(tally.faults), tally.wanted - good)),
            )
        )
    totals = [str(sum(int(row[i]) for row in table)) for i in range(1, len(HEADINGS))]
    return [*table, ("All", *totals)]


def as_text(end: str, tallies: Sequence[Tally]) -> str:
    table = [HEADINGS, *rows(tallies)]
    widths = [max(len(row[i]) for row in table) for i in range(len(HEADINGS))]
    lines = [
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)),
            ]
        )
        for row in table
    ]
    faults = [fault for tally in tallies for fault in tally.faults]
    return "\n".join([f"{end}:", *lines, *(f"  FAULT {fault}" for fault in faults)])


def as_rst(ends: Mapping[str, Sequence[Tally]]) -> str:
    """The results of a full run, as a part of ``docs/conformance.rst``."""
    where = f"CPython {platform.python_version()}, {platform.system()} {platform.machine()}"
    parts = [f"Measured on {where}.\n"]
    for end, tallies in ends.items():
        parts.append(f".. list-table:: {end}\n   :header-rows: 1\n   :widths: 46 12 12 18 12\n")
        for row in [HEADINGS, *rows(tallies)]:
            cells = [f"     - {cell}" for cell in row]
            cells[0] = f"   * - {row[0]}"
            parts.append("\n".join(cells))
        parts.append("")
        faults = [fault for tally in tallies for fault in tally.faults]
        parts += [f"* {fault}" for fault in faults] + ([""] if faults else [])
    return "\n".join(parts)
