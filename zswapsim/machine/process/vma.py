"""A mapping is a range of pages of an address space, with the file or device that is mapped there."""

from dataclasses import dataclass, replace
from typing import Protocol

from zswapsim.machine.allocator.walk import Allocation
from zswapsim.machine.mempolicy import Policy
from zswapsim.machine.pages.page import File


class Device(Protocol):
    """Define what a mapping needs of a driver's file: the driver gives each frame."""

    name: str

    def fault(self) -> Allocation:
        """Return a frame for a page of a mapping. Raises OutOfMemory."""


@dataclass(eq=False)
class Vma:
    """Map the pages from `first` up to but not including `last`."""

    first: int
    last: int
    file: File | Device | None = None
    offset: int = 0
    """The page of the file at this index is mapped at `first`."""
    shared: bool = False
    policy: Policy | None = None

    @property
    def is_device(self) -> bool:
        """Return True if a driver fills the mapping."""
        return self.file is not None and not isinstance(self.file, File)

    def index(self, number: int) -> int:
        """Return the index of a page in the file, or in the mapping if it has no file."""
        return number - self.first + self.offset

    def interleave_index(self, number: int) -> int:
        """Return the index that interleaving counts by (get_vma_policy): private anonymous memory has its address."""
        return number if self.file is None and not self.shared else self.index(number)

    def cut(self, number: int) -> "Vma":
        """End the mapping before page `number`, and return a new one for the rest (split_vma)."""
        rest = replace(self, first=number, offset=self.index(number))
        self.last = number
        return rest
