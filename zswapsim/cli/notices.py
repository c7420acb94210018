"""Print what the package warns of as lines on stderr, like its errors."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from zswapsim.cli.errors import complain
from zswapsim.inputwarning import InputWarning


@contextmanager
def printed_warnings() -> Iterator[None]:
    """Print every warning about an input, once each, for as long as the block lasts."""
    said: set[str] = set()
    usual = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *more: Any, **named: Any) -> None:
        if not issubclass(category, InputWarning):
            usual(message, category, *more, **named)
        elif str(message) not in said:
            said.add(str(message))
            complain(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always", InputWarning)
        warnings.showwarning = show
        yield
