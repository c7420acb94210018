"""Define a target, and the rule that each keeps: a result or a ZswapsimError of one line, and nothing else.

A damaged file that carries checksums is refused, or is read as what it was.
"""

import warnings
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.fuzz.mutate import Mutation, damaged
from zswapsim import InputWarning, ZswapsimError

LONGEST_MESSAGE = 40_000
READ, REFUSED = "read", "refused"


class Found(Exception):
    """The rule is broken."""


class Input(NamedTuple):
    """An input, the sample that it was made of, and True if that was only damaged."""

    data: bytes
    sample: int
    only_damaged: bool


class Target:
    """A reader or a parser, with samples and ways to change them.

    `read` takes an input and an empty folder, and returns what it has read, to be compared. `checked` is true of a form
    that carries checksums. If it takes no files, a message may repeat the lines that it was given.
    """

    def __init__(
        self,
        name: str,
        samples: Callable[[], Sequence[bytes]],
        read: Callable[[bytes, Path], object],
        mutation: Mutation,
        *,
        checked: bool = False,
        takes_files: bool = True,
    ) -> None:
        self.takes_files = takes_files
        self.name, self.make, self.read, self.mutation, self.checked = name, samples, read, mutation, checked
        self.known: dict[int, object] = {}

    @cached_property
    def samples(self) -> list[bytes]:
        """Return the samples; the first ones are valid."""
        return list(self.make())

    def draw(self, random: Random) -> Input:
        """Return another input."""
        number = random.randrange(len(self.samples))
        only = self.checked and random.randrange(2) == 0
        change = damaged if only else self.mutation
        return Input(change(random, self.samples[number], self.samples), number, only)

    def judge(self, given: Input, folder: Path) -> str:
        """Read an input, and return what came of it. Raises Found if the rule is broken, or what the reader raised."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", InputWarning)
            try:
                result = self.read(given.data, folder)
            except ZswapsimError as error:
                check_message(str(error) if self.takes_files else " ".join(str(error).split()))
                return REFUSED
            if given.only_damaged and result != self.good(given.sample, folder):
                raise Found("a damaged file was read as another")
        return READ

    def good(self, number: int, folder: Path) -> object:
        """Return what a sample means."""
        if number not in self.known:
            self.known[number] = self.read(self.samples[number], folder)
        return self.known[number]


def check_message(message: str) -> None:
    """Raise Found unless a message is one line of some length."""
    if not message.strip() or "\n" in message or len(message) > LONGEST_MESSAGE:
        raise Found(f"a message that is no line: {message[:200]!r}")
