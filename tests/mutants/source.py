"""Find places in a source text: characters by line and column, and tokens."""

import io
import tokenize
from bisect import bisect_left
from typing import NamedTuple

SKIPPED = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING}


class Token(NamedTuple):
    """Hold a token and the characters it takes."""

    kind: int
    text: str
    start: int
    end: int
    line: int


class Source:
    """Hold a text with its tokens, and turn places of `ast`, which count bytes, into places of characters."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))
        self.tokens = [self._token(each) for each in self._tokenized() if each.type not in SKIPPED]
        self._token_starts = [token.start for token in self.tokens]

    def _tokenized(self) -> list[tokenize.TokenInfo]:
        """Return as many tokens as Python's tokenizer finds; Cython's few others do not stop it."""
        found = []
        try:
            found.extend(tokenize.generate_tokens(io.StringIO(self.text).readline))
        except (tokenize.TokenError, IndentationError) as wrong:
            raise ValueError(f"no tokens: {wrong}") from wrong
        return found

    def _token(self, token: tokenize.TokenInfo) -> Token:
        (line, column), (last, end) = token.start, token.end
        start = self._place(line, column)
        return Token(token.type, token.string, start, self._place(last, end), line)

    def _place(self, line: int, column: int) -> int:
        return min(self.starts[min(line, len(self.starts)) - 1] + column, len(self.text))

    def at(self, line: int, byte: int) -> int:
        """Return the place of a byte of a line, both as in `ast`."""
        return self.starts[line - 1] + len(self.lines[line - 1].encode()[:byte].decode())

    def line_of(self, place: int) -> int:
        """Return the number of the line that has a character."""
        return bisect_left(self.starts, place + 1)

    def between(self, start: int, end: int) -> list[Token]:
        """Return the tokens that lie wholly between two places."""
        first = bisect_left(self._token_starts, start)
        found = []
        for token in self.tokens[first:]:
            if token.start >= end:
                break
            if token.end <= end:
                found.append(token)
        return found
