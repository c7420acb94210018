"""Find the expressions in f-strings, which Python 3.11's `ast` gives wrong places."""

import re
from collections.abc import Iterator

PREFIX = re.compile(r"(?i)(?:f|rf|fr)('''|\"\"\"|'|\")")


def expressions(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each expression of an f-string token that begins at `start` of its file."""
    match = PREFIX.match(text)
    if not match:
        return
    place, last = match.end(), len(text) - len(match[1])
    while place < last:
        if text[place : place + 2] in {"{{", "}}"}:
            place += 2
        elif text[place] == "{":
            end = expression_end(text, place + 1, last)
            yield start + place + 1, start + end
            # A format may contain expressions in braces too; the walk finds them in turn.
            place = end
        else:
            place += 1


def expression_end(text: str, place: int, last: int) -> int:
    """Return the place where the expression ends and its conversion, its format or the brace begins."""
    depth, quote = 0, ""
    while place < last:
        char = text[place]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "([{":
            depth += 1
        elif depth and char in ")]}":
            depth -= 1
        elif not depth and (char in ":}" or (char == "!" and text[place + 1] != "=")):
            return place
        place += 1
    return last
