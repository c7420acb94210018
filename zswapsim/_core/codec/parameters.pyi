from typing import NamedTuple

class Parameter(NamedTuple):
    """One integer parameter: its name, range (both ends allowed), initial value, one line of help."""

    name: str
    lowest: int
    highest: int
    initial: int
    help: str
