"""Remove an object that may still be in use for a moment, by a process that was just killed, say.

Standard library only.
"""

import time
from collections.abc import Callable
from pathlib import Path

from zswapsim.files.found import exists

RETRIES, PAUSE_S = 100, 0.05


def until_gone(step: Callable[[], None], path: Path) -> None:
    """Try `step` until it works or `path` is gone. Raises the OSError of the last try."""
    for left in reversed(range(RETRIES)):
        try:
            step()
        except OSError:
            if not exists(path):
                return
            if not left:
                raise
            time.sleep(PAUSE_S)
        else:
            return
