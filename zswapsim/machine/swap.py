"""Swap as the machine has it: a device, and before it, where one was granted, a private node.

Pages have no contents here, so each takes a whole frame of the node, as an incompressible one does. What compression
makes of real pages is the simulator's business (:mod:`zswapsim.study`), which takes its frames by the same grant.
"""

from typing import NamedTuple

from zswapsim._core.frames.arena import Grant


class SwapSlot(NamedTuple):
    """Where a page went: a frame of the node, or the device."""

    frame: int | None


class Swap:
    """A swap device without end, behind the frames that `grant` gives."""

    def __init__(self, grant: Grant | None = None) -> None:
        self.grant = grant
        self.on_device = 0

    def store(self) -> SwapSlot:
        """Take a page; when the node is full, it goes to the device."""
        frame = self.grant.take() if self.grant is not None else None
        self.on_device += frame is None
        return SwapSlot(frame)

    def free(self, slot: SwapSlot) -> None:
        """The page came back or is needed no more."""
        if slot.frame is None:
            self.on_device -= 1
        elif self.grant is not None:
            self.grant.give(slot.frame)
