"""Make the mutants of the functions in a Cython file, from its tokens; declarations are left alone."""

import keyword
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from mutants.mutant import Mutant
from mutants.numbers import changed_numbers
from mutants.python_rules import COMPARED, OPPOSITE, OTHERS, UNORDERED
from mutants.source import Source, Token

COMPOUND = {"if", "elif", "else", "while", "for", "with", "try", "except", "finally", "class", "match", "case"}
KEPT = {
    "import",
    "from",
    "cimport",
    "global",
    "nonlocal",
    "assert",
    "pass",
    "include",
    "ctypedef",
    "cdef",
    "cpdef",
    "def",
}
ENDS = {"return", "break", "continue", "raise"}
ASSIGNED = {"=", "+=", "-=", "|=", "&=", "<<=", ">>=", "*=", "//=", "^="}
OPENING, CLOSING = set("([{"), set(")]}")
FUNCTION = re.compile(
    r"(?:async )?(?:cp?def|def) (?!class\b|enum\b|struct\b|extern\b|union\b|packed\b|cppclass\b)[^=]*\(.*:$"
)
WHOLE = re.compile(r"\b(u?int\d*(_t)?|s?size_t|Py_ssize_t|long|char|short|double|float)\b")
DIMENSIONS = tokenize.INDENT, tokenize.DEDENT, tokenize.NEWLINE, tokenize.ENDMARKER


@dataclass
class Line:
    """Hold the tokens of a logical line, how deep it is indented, and the head of the function that it is in."""

    tokens: list[Token]
    depth: int
    function: str | None

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def end(self) -> int:
        return self.tokens[-1].end

    @property
    def plain(self) -> bool:
        """Return True for a statement that may be dropped or change places."""
        first = self.tokens[0]
        known = first.text in COMPOUND | KEPT | ENDS or first.kind == tokenize.STRING or first.text == "@"
        return self.function is not None and not known


def cython_mutants(path: str, text: str) -> list[Mutant]:
    """Return every mutant of a file, in the order of its text."""
    found = _Rules(path, Source(text)).all()
    unique = {(each.start, each.end, each.text): each for each in found}
    return sorted(unique.values(), key=lambda each: (each.start, each.end, each.text))


def logical_lines(source: Source) -> list[Line]:
    """Return the logical lines of a file; a function's head and all that is outside functions has no function."""
    lines: list[Line] = []
    functions: list[tuple[int, str]] = []
    depth, tokens = 0, []
    for token in source.tokens:
        if token.kind not in DIMENSIONS:
            tokens.append(token)
            continue
        if tokens:
            while functions and depth <= functions[-1][0]:
                functions.pop()
            head = source.text[tokens[0].start : tokens[-1].end]
            lines.append(Line(tokens, depth, functions[-1][1] if functions else None))
            if FUNCTION.match(" ".join(head.split())):
                lines[-1].function = None
                functions.append((depth, head))
            tokens = []
        depth += (token.kind == tokenize.INDENT) - (token.kind == tokenize.DEDENT)
    return lines


class _Rules:
    def __init__(self, path: str, source: Source) -> None:
        self.path, self.source = path, source
        self.lines = logical_lines(source)

    def made(self, start: int, end: int, text: str, rule: str) -> Mutant:
        return Mutant(self.path, self.source.line_of(start), start, end, text, rule)

    def text(self, start: int, end: int) -> str:
        return self.source.text[start:end]

    def all(self) -> Iterator[Mutant]:
        for line in self.lines:
            if line.function is not None and not self.says_nothing(line):
                yield from self.in_line(line)
        for first, second in pairwise(self.lines):
            yield from self.of_two(first, second)

    def says_nothing(self, line: Line) -> bool:
        """Return True for a line whose change nobody could see: a hint, or a zero in memory that Python has zeroed."""
        text = self.text(line.start, line.end)
        zeroes = text.endswith(("= NULL", "= 0", "= False")) or (text.startswith("memset(") and ", 0, " in text)
        hint = "prefetch" in text or line.tokens[0].text in {"assert", "import", "from", "@"}
        return hint or ("__cinit__" in line.function and zeroes)

    def in_line(self, line: Line) -> Iterator[Mutant]:
        yield from self.of_tokens(line)
        yield from self.negated(line)
        yield from self.returned(line)
        yield from self.arguments(line)
        if line.plain or line.tokens[0].text in {"break", "continue", "raise"}:
            yield self.made(line.start, line.end, "pass", "dropped statement")

    def of_tokens(self, line: Line) -> Iterator[Mutant]:
        tokens, cast = line.tokens, 0
        first = _first_value(tokens)
        for place in range(first, len(tokens)):
            before, token = tokens[place - 1] if place else None, tokens[place]
            after = tokens[place + 1].text if place + 1 < len(tokens) else ""
            if token.text == "<" and not _ends_operand(before):
                cast += 1
            elif token.text == ">" and cast:
                cast -= 1
            elif not cast:
                yield from self.of_token(before, token, after, line)

    def of_token(self, before: Token | None, token: Token, after: str, line: Line) -> Iterator[Mutant]:
        def made(text: str, rule: str) -> Mutant:
            return self.made(token.start, token.end, text, rule)

        word = token.text
        if token.kind == tokenize.NUMBER:
            yield from (made(other, "constant") for other in changed_numbers(word))
        elif word in {"True", "False"}:
            yield made(str(word == "False"), "constant")
        elif word in COMPARED:
            yield from (made(other, "comparison") for other in COMPARED[word])
        elif word in {"is", "in", "not"}:
            yield from self.of_word(before, token, after, line)
        elif word in {"and", "or"}:
            yield made(OTHERS[word], "and/or")
        elif word in {"+=", "-="} or (word in {"+", "-"} and _ends_operand(before)):
            yield made(OTHERS[word], "+ for -")
        elif word in OPPOSITE and after == "(":
            yield made(OPPOSITE[word], "min/max")

    def of_word(self, before: Token | None, token: Token, after: str, line: Line) -> Iterator[Mutant]:
        previous = "" if before is None else before.text
        if token.text == "is":
            end = self.source.text.index("not", token.end) + 3 if after == "not" else token.end
            yield self.made(token.start, end, "is" if after == "not" else "is not", "comparison")
        elif token.text == "in" and line.tokens[0].text != "for" and previous != "not":
            yield self.made(token.start, token.end, "not in", "comparison")
        elif token.text == "not" and previous != "is":
            yield self.made(token.start, token.end, "", "comparison" if after == "in" else "negated")

    def negated(self, line: Line) -> Iterator[Mutant]:
        if line.tokens[0].text not in {"if", "elif", "while"}:
            return
        colon = next(place for place, depth, token in _depths(line.tokens) if token.text == ":" and not depth)
        start, end = line.tokens[1].start, line.tokens[colon - 1].end
        yield self.made(start, end, f"not ({self.text(start, end)})", "negated")

    def returned(self, line: Line) -> Iterator[Mutant]:
        if line.tokens[0].text != "return" or len(line.tokens) == 1:
            return
        start, end = line.tokens[1].start, line.end
        head = line.function.partition("(")[0] + line.function.rpartition(")")[2]
        if "bint" in head or "bool" in head:
            yield self.made(start, end, f"not ({self.text(start, end)})", "return value")
        elif WHOLE.search(head) and "*" not in head:
            yield self.made(start, end, f"({self.text(start, end)}) + 1", "return value")

    def arguments(self, line: Line) -> Iterator[Mutant]:
        """Exchange neighbouring arguments of every call."""
        tokens = line.tokens
        for place, token in enumerate(tokens):
            called = place and (tokens[place - 1].kind == tokenize.NAME and not _is_word(tokens[place - 1]))
            if token.text == "(" and called:
                parts = [] if tokens[place - 1].text in UNORDERED else list(_parts(tokens[place + 1 :]))
                for one, other in pairwise(parts):
                    yield from self.swapped(one[0].start, one[-1].end, other[0].start, other[-1].end, "arguments")

    def of_two(self, first: Line, second: Line) -> Iterator[Mutant]:
        if first.plain and second.plain and first.depth == second.depth and self._order_counts(first, second):
            yield from self.swapped(first.start, first.end, second.start, second.end, "statements")

    def _order_counts(self, first: Line, second: Line) -> bool:
        """Return True if both are calls, or one writes what the other names."""
        if first.function != second.function or ";" in {token.text for token in first.tokens + second.tokens}:
            return False
        one, other = _written(first.tokens), _written(second.tokens)
        return not one | other or bool(one & _names(second.tokens) or other & _names(first.tokens))

    def swapped(self, start: int, end: int, further: int, last: int, kind: str) -> Iterator[Mutant]:
        one, other = self.text(start, end), self.text(further, last)
        if one != other and "=" not in (one + other if kind == "arguments" else "").replace("==", ""):
            yield self.made(start, last, f"{other}{self.text(end, further)}{one}", f"order of {kind}")


def _first_value(tokens: list[Token]) -> int:
    """Return the place of the first token that is no declaration: what follows `=`, if the line declares."""
    if tokens[0].text not in {"cdef", "cpdef", "def"}:
        return 0
    return next((place for place, depth, token in _depths(tokens) if token.text == "=" and not depth), len(tokens))


def _written(tokens: list[Token]) -> set[str]:
    """Return the last name of each target of an assignment; nothing for a call."""
    flat = [token for _, depth, token in _depths(tokens) if not depth and token.text not in CLOSING]
    ends = [place for place, token in enumerate(flat) if token.text in ASSIGNED]
    before = flat[: ends[-1] + 1] if ends else []
    return {one.text for one, behind in pairwise(before) if one.kind == tokenize.NAME and behind.text not in {".", "("}}


def _names(tokens: list[Token]) -> set[str]:
    return {token.text for token in tokens if token.kind == tokenize.NAME} - {"self"}


def _depths(tokens: list[Token]) -> Iterator[tuple[int, int, Token]]:
    depth = 0
    for place, token in enumerate(tokens):
        depth -= token.text in CLOSING
        yield place, depth, token
        depth += token.text in OPENING


def _parts(tokens: list[Token]) -> Iterator[list[Token]]:
    """Yield the arguments of a call, whose opening bracket is before the first token."""
    part: list[Token] = []
    for _, depth, token in _depths(tokens):
        if depth < 0 or (token.text == "," and not depth):
            if part:
                yield part
            part = []
            if depth < 0:
                return
        else:
            part.append(token)


def _is_word(token: Token) -> bool:
    return keyword.iskeyword(token.text) or token.text in {"sizeof", "nogil"}


def _ends_operand(token: Token | None) -> bool:
    """Return True if an operator behind the token has it as its left operand."""
    if token is None:
        return False
    named = token.kind == tokenize.NAME and (not keyword.iskeyword(token.text) or token.text in {"True", "False"})
    return named or token.kind in {tokenize.NUMBER, tokenize.STRING} or token.text in {")", "]"}
