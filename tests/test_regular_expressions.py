"""No regular expression of the package can take more than linear time for one match.

Read from the sources: where two repeats could take the same characters, with nothing between
them that must be there, there are many ways to share these out, and a text that does not match
makes the engine try them all.
"""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

import aiohttp_ws

try:
    from re import _constants as sre
    from re import _parser as sre_parse
except ImportError:  # Python 3.10
    import sre_constants as sre
    import sre_parse

PACKAGE = Path(aiohttp_ws.__file__).parent
FUNCTIONS = {
    "compile",
    "match",
    "fullmatch",
    "search",
    "sub",
    "subn",
    "split",
    "findall",
    "finditer",
}
# Where expressions are made of what the application's own code passes, such as a route's.
OF_THE_USER = {("web/resources.py", "pattern"), ("web/subapps.py", "mask")}
CHARACTERS = frozenset(range(0x180)) | {0x2028, 0xD800, 0x10FFFF}
CATEGORIES = {
    sre.CATEGORY_DIGIT: str.isdigit,
    sre.CATEGORY_SPACE: str.isspace,
    sre.CATEGORY_WORD: lambda char: char.isalnum() or char == "_",
}
NEGATED = {
    sre.CATEGORY_NOT_DIGIT: sre.CATEGORY_DIGIT,
    sre.CATEGORY_NOT_SPACE: sre.CATEGORY_SPACE,
    sre.CATEGORY_NOT_WORD: sre.CATEGORY_WORD,
}
FEW = 64  # a repeat of at most so many is no loop


def category(which):
    if which in NEGATED:
        return CHARACTERS - category(NEGATED[which])
    return frozenset(code for code in CHARACTERS if CATEGORIES[which](chr(code)))


def members(items):
    found, negate = frozenset(), False
    for op, argument in items:
        if op is sre.NEGATE:
            negate = True
        elif op is sre.LITERAL:
            found |= {argument}
        elif op is sre.RANGE:
            found |= {code for code in CHARACTERS if argument[0] <= code <= argument[1]}
        else:
            found |= category(argument)
    return CHARACTERS - found if negate else found


class Ambiguity(Exception):
    """Two repeats can take the same characters."""


def walk(nodes, still_open):
    """Follow *nodes*; return the characters that an unfinished repeat could take at their end.

    :param still_open: those that a repeat before could take, with nothing between that must be
        there.
    """
    for op, argument in nodes:
        if op in (sre.LITERAL, sre.NOT_LITERAL, sre.IN, sre.ANY):
            # A character that the repeat could take as well does not say where it ended.
            if not one_of([(op, argument)]) & still_open:
                still_open = frozenset()
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            low, high, body = argument
            body = list(body)
            if high != sre.MAXREPEAT and high <= FEW:
                inside = walk(body, still_open)
                still_open = inside if low else inside | still_open
                continue
            single = one_of(body)
            if single is not None:
                if single & still_open:
                    raise Ambiguity(chr(min(single & still_open)))
                still_open = single | (frozenset() if low else still_open)
            else:
                once = walk(body, still_open)
                # Once more after itself: what its end leaves open, its beginning may not take.
                again = walk(body, once)
                still_open = again if low else again | still_open
        elif op is sre.SUBPATTERN:
            still_open = walk(list(argument[-1]), still_open)
        elif op is sre.BRANCH:
            ends = [walk(list(branch), still_open) for branch in argument[1]]
            still_open = frozenset().union(*ends)
        elif op in (sre.ASSERT, sre.ASSERT_NOT):
            walk(list(argument[1]), frozenset())
        else:
            assert op in (sre.AT, sre.GROUPREF), f"{op} is not known here"
    return still_open


def one_of(body):
    """The characters of a node that takes exactly one, else ``None``."""
    if len(body) == 1:
        op, argument = body[0]
        if op is sre.LITERAL:
            return frozenset({argument})
        if op is sre.NOT_LITERAL:
            return CHARACTERS - {argument}
        if op is sre.IN:
            return members(argument)
        if op is sre.ANY:
            return CHARACTERS
        if op is sre.SUBPATTERN:
            return one_of(list(argument[-1]))
    return None


def first_of(nodes):
    """The characters that *nodes* can begin with, and whether they can be empty."""
    found = frozenset()
    for op, argument in nodes:
        single = one_of([(op, argument)]) if op is not sre.SUBPATTERN else None
        if single is not None:
            return found | single, False
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            inside, empty = first_of(list(argument[2]))
            empty = empty or argument[0] == 0
        elif op is sre.SUBPATTERN:
            inside, empty = first_of(list(argument[-1]))
        elif op is sre.BRANCH:
            each = [first_of(list(branch)) for branch in argument[1]]
            inside = frozenset().union(*(one for one, _ in each))
            empty = any(one for _, one in each)
        else:
            continue
        found |= inside
        if not empty:
            return found, False
    return found, True


def check_branches(nodes):
    """Within repeats, no two branches begin alike, and no turn is empty."""
    for op, argument in nodes:
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            body = list(argument[2])
            if argument[1] == sre.MAXREPEAT and one_of(body) is None:
                if first_of(body)[1]:
                    raise Ambiguity("a turn of the repeat can be empty")
                disjoint(body)
            check_branches(body)
        elif op is sre.SUBPATTERN:
            check_branches(list(argument[-1]))
        elif op is sre.BRANCH:
            for branch in argument[1]:
                check_branches(list(branch))


def disjoint(nodes):
    for op, argument in nodes:
        if op is sre.SUBPATTERN:
            disjoint(list(argument[-1]))
        elif op is sre.BRANCH:
            seen = frozenset()
            for branch in argument[1]:
                first, _ = first_of(list(branch))
                if first & seen:
                    raise Ambiguity("branches of the repeat begin alike")
                seen |= first


def check(pattern):
    if isinstance(pattern, bytes):
        pattern = pattern.decode("latin-1")
    nodes = list(sre_parse.parse(pattern))
    walk(nodes, frozenset())
    check_branches(nodes)


def patterns():
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text()
        if not re.search(r"\bre\.\w+\(", source):
            continue
        place = path.relative_to(PACKAGE).as_posix()
        tree = ast.parse(source)
        module = importlib.import_module(
            "aiohttp_ws." + place.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        )
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "re"
                and node.func.attr in FUNCTIONS
            ):
                text = ast.unparse(node.args[0])
                yield pytest.param(place, text, vars(module), id=f"{place}:{node.lineno}")


@pytest.mark.parametrize(("place", "text", "names"), list(patterns()))
def test_repeats_of_an_expression_do_not_overlap(place, text, names):
    if any(place == where and name in text for where, name in OF_THE_USER):
        pytest.skip("of the application's own code")
    check(eval(text, dict(names)))


@pytest.mark.parametrize(("place", "text", "names"), list(patterns()))
def test_no_expression_takes_digits_of_other_scripts(place, text, names):
    if any(place == where and name in text for where, name in OF_THE_USER):
        pytest.skip("of the application's own code")
    pattern = eval(text, dict(names))
    assert isinstance(pattern, bytes) or "\\d" not in pattern, r"write [0-9], \d takes any script's"


def test_compiled_modules_have_no_expressions():
    for path in PACKAGE.rglob("*.pyx"):
        assert not re.search(r"^\s*(import re|from re import)\b", path.read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+b",
        r"(?:a|[a-z]b)*c",
        r"(?:a*b*)*c",
        r"\s*=?\s*x",
        r".*a.*b",
        r"(?:\s*;\s*[^;]+)*",
        r'\s*<([^>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:"[^"]*"|[^";,]*))?)*)\s*(?:,|$)',
    ],
)
def test_expressions_with_more_than_linear_time_are_told(pattern):
    with pytest.raises(Ambiguity):
        check(pattern)


@pytest.mark.parametrize("pattern", [r"a*b*", r'"(?:[^"\\]|\\.)*"', r"(?:\.[a-z]+)*", r"a+ba+"])
def test_expressions_of_linear_time_are_not_told(pattern):
    check(pattern)
