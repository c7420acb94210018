"""The page size of this host, which must be the model's where `/proc` and the kernel's devices are read.

`/proc/PID/pagemap` and the like have a record for each page of the host, so 4096 as the size would find wrong records
on a host with larger pages.
"""

from __future__ import annotations

import os

from zswapsim._core.base.page import PAGE_SIZE


def other_page_size() -> str | None:
    """Return why pages of this host can't be looked at, or None if they have 4096 bytes."""
    size = os.sysconf("SC_PAGE_SIZE")
    return None if size == PAGE_SIZE else f"this host has pages of {size} bytes: expected {PAGE_SIZE}"


def refuse_other_page_size(what: str) -> None:
    """Raise InputError, with `what` is to be read, unless pages of this host have 4096 bytes."""
    reason = other_page_size()
    if reason is not None:
        from zswapsim._core.base.errors import InputError

        raise InputError(f"{what}: {reason}")
