"""Which of the suite's cases are run, and how many results that must give."""

import re
from dataclasses import dataclass

APIS = ("web", "messages", "frames")


@dataclass(frozen=True)
class Section:
    """A section of the suite.

    ``sample`` names the cases of a short run, () for all; ``further`` those of a short run at the
    APIs after the first, which share its engine.
    """

    number: int
    title: str
    count: int
    sample: tuple[str, ...] = ()
    further: tuple[str, ...] = ()

    def chosen(self, api: str, full: bool) -> tuple[str, ...]:
        """The cases that are run, () for all."""
        if full:
            return ()
        return self.sample if api == APIS[0] else self.further


def numbered(section: int, groups: int, cases: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(f"{section}.{group}.{case}" for group in range(1, groups + 1) for case in cases)


# Sections 8 and 11 do not exist in the suite. Sections 9, 12 and 13 are slow: their short run
# takes a few of each group, the largest and longest ones left out.
SECTIONS = (
    Section(1, "Framing", 16),
    Section(2, "Pings and pongs", 11),
    Section(3, "Reserved bits", 7),
    Section(4, "Opcodes", 10),
    Section(5, "Fragmentation", 20),
    Section(6, "UTF-8", 145),
    Section(7, "Closing handshake", 37),
    Section(9, "Limits and performance", 54, numbered(9, 8, (1, 3, 6)), numbered(9, 8, (1,))),
    Section(10, "Frames cut anywhere", 1),
    Section(
        12,
        "permessage-deflate, kinds of payload",
        90,
        numbered(12, 5, (1, 5, 8, 13)),
        numbered(12, 5, (1, 8)),
    ),
    Section(
        13,
        "permessage-deflate, parameters",
        126,
        numbered(13, 7, (1, 5, 8, 13)),
        numbered(13, 7, (8,)),
    ),
)


def patterns(api: str, full: bool) -> list[str]:
    """The case patterns to ask the suite for."""
    chosen: list[str] = []
    for section in SECTIONS:
        chosen += section.chosen(api, full) or [f"{section.number}.*"]
    return chosen


def expected(section: Section, api: str, full: bool) -> int:
    return len(section.chosen(api, full)) or section.count


def section_of(case: str) -> int:
    return int(case.split(".")[0])


def sort_key(case: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", case))
