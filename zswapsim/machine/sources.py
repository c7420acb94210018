"""Each rule and behaviour names the proposal that it rests on."""

from typing import NamedTuple


class Source(NamedTuple):
    """Name a proposal on the linux-mm list, or the baseline: a kernel that does not know private nodes."""

    what: str
    date: str = ""

    def __str__(self) -> str:
        return f"{self.what}, {self.date}" if self.date else self.what


BASELINE = Source("baseline")
RFC_V3 = Source("RFC v3", "2026-01-08")
RFC_V4 = Source("RFC v4", "2026-02-22")
CALL_SITES = Source("reply to RFC v4", "2026-04-19")
JUNE_THREAD = Source("thread on RFC v4", "2026-06-03")
V5 = Source("v5", "2026-07-20")
