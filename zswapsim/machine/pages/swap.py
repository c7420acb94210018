"""Swap is a device, with a private node in front of it if one was granted.

Pages have no contents here, so each takes a whole frame of the node, as an incompressible page does. The simulator
(:mod:`zswapsim.study`) compresses real pages; it takes its frames by the same grant.
"""

from typing import NamedTuple

from zswapsim._core.frames.arena import Grant


class SwapSlot(NamedTuple):
    """Name the place of a page that was swapped out: a frame of the node, or None for the device."""

    frame: int | None


class Swap:
    """Model an unlimited swap device behind the frames that `grant` gives."""

    def __init__(self, grant: Grant | None = None) -> None:
        self.grant = grant
        self.on_device = 0

    def store(self) -> SwapSlot:
        """Store a page; it goes to the device if the node is full."""
        frame = self.grant.take() if self.grant is not None else None
        self.on_device += frame is None
        return SwapSlot(frame)

    def invalidate(self, slot: SwapSlot) -> None:
        """Free a slot: its page was swapped in or unmapped."""
        if slot.frame is None:
            self.on_device -= 1
        elif self.grant is not None:
            self.grant.give(slot.frame)
