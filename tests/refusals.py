"""Read traces that must be refused."""

from pathlib import Path

import pytest

from zswapsim import InputError, read_trace


def complaint(path: Path) -> str:
    """Return the error of reading the file, after checking that it is one line that names the file."""
    with pytest.raises(InputError) as caught:
        for _ in read_trace(path).chunks():
            pass
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message
