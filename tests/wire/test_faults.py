"""Faults are typed: no code reads an error's sentence to learn what happened."""

import re
from pathlib import Path

import pytest

from tests.programs import ROOT

PACKAGE = ROOT / "aiohttp_ws"
SOURCES = [path for path in sorted(PACKAGE.rglob("*.py*")) if path.suffix in {".py", ".pyx"}]

# A variable that holds an error, and what gives its sentence.
ERROR = r"(?:exc|error|err|e|fault|reason|reader)"
SENTENCE = rf"(?:str\(\s*{ERROR}\s*\)|\b{ERROR}\.(?:message|error|args\[\d\])(?!\())"
TAKES_APART = (
    "split|rsplit|partition|rpartition|startswith|endswith|replace|removeprefix|removesuffix"
    "|find|rfind|index|count|lower"
)
READS_A_SENTENCE = re.compile(
    rf"{SENTENCE}\)?\.(?:{TAKES_APART})\("
    rf"|\.(?:match|fullmatch|search|findall|finditer|sub)\([^()\n]*{SENTENCE}"
    rf"|\bin {SENTENCE}"
)


def readers(text: str) -> list[str]:
    return [text[found.start() : found.end()] for found in READS_A_SENTENCE.finditer(text)]


@pytest.mark.parametrize(
    "text",
    [
        "about = _ABOUT.match(exc.message)",
        'name = exc.message.split(" ", 1)[0]',
        'what = str(exc).partition(";")[0]',
        'message = str(exc).replace("max_msg_size", "max_frame_size")',
        'if "max_headers" in str(exc):',
        'if exc.message.startswith("Upgrade "):',
        "number = _FIRST_NUMBER.search(reader.error)",
        'if exc.args[0].endswith("missing"):',
    ],
)
def test_the_test_below_sees_how_a_sentence_is_read(text: str):
    assert readers(text)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_code_reads_an_error_s_sentence(path: Path):
    assert readers(path.read_text()) == []
