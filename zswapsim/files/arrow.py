"""Open files for Arrow, which reads them without the GIL."""

from __future__ import annotations

import os
from typing import Any

from zswapsim.files.operation import StrPath, operation


def arrow_file(path: StrPath) -> Any:
    """Return the file as Arrow's own kind of file, open for reading."""
    import pyarrow as pa  # slow to import

    with operation("open", path):
        return pa.OSFile(os.fsencode(path))
