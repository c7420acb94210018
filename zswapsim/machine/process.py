"""A process: everything that user space can do to memory placement, and what it can read of it."""

import errno
from enum import IntEnum

from zswapsim.machine.mempolicy import Mode, refuse
from zswapsim.machine.nodes import PAGE_SIZE, Cap
from zswapsim.machine.numa_calls import NumaCalls
from zswapsim.machine.pages import Page


class Advice(IntEnum):
    """Advice to madvise that moves or frees pages, with its numbers in the user interface."""

    DONTNEED = 4
    COLD = 20
    PAGEOUT = 21
    POPULATE_READ = 22
    POPULATE_WRITE = 23


class Process(NumaCalls):
    """A process of a machine; made by :meth:`Machine.spawn`."""

    def madvise(self, address: int, length: int, advice: int) -> None:
        """Advise the kernel about a range. Raises SyscallError: EINVAL, ENOMEM for a hole in the range."""
        first, last = self.span(address, length)
        if advice not in set(Advice):
            raise refuse(f"advice {advice}")
        if not self.covered(first, last):
            raise refuse("nothing is mapped in a part of the range", errno.ENOMEM)
        if advice == Advice.DONTNEED:
            self.zap(first, last)
        elif advice in (Advice.POPULATE_READ, Advice.POPULATE_WRITE):
            for number in range(first, last):
                self.touch(number * PAGE_SIZE, write=advice == Advice.POPULATE_WRITE)
        else:
            self._age(first, last, pageout=advice == Advice.PAGEOUT)

    def pin_longterm(self, address: int) -> bool:
        """Pin the page at an address for the long term (FOLL_LONGTERM), as a device's driver does for its user.

        False where there is no page, or where it lies on a private node that did not opt in: it is not moved either.
        """
        page = self.page_at(address // PAGE_SIZE)
        if page is None or (self.machine.rule.isolates(page.node) and Cap.LTPIN not in page.node.caps):
            return False
        page.pinned = True
        return True

    def _age(self, first: int, last: int, *, pageout: bool) -> None:
        """Make its own pages the first to be reclaimed, or reclaim them, but for those of a node that opts out."""
        for number in range(first, last):
            page = self.page_at(number)
            if page is None or len(page.mapped) > 1:
                continue
            if self.machine.rule.isolates(page.node) and Cap.RECLAIM not in page.node.caps:
                continue
            if pageout:
                page.reclaim(self.machine)
            else:
                page.node.lru.deactivate(page)

    def numa_maps(self) -> str:
        """/proc/PID/numa_maps: a line for each mapping, with its policy and its pages by node."""
        lines = []
        for vma in sorted(self.vmas, key=lambda vma: vma.first):
            policy = vma.policy or self.policy
            name = "" if vma.file is None else f" file={vma.file.name}"
            pages = [page for number in range(vma.first, vma.last) if (page := self.page_at(number)) is not None]
            shown = [page for page in pages if self.machine.interface.counted_in_numa_maps(self.machine, page.node)]
            words = [f"{vma.first * PAGE_SIZE:x} {Mode.DEFAULT.name.lower() if policy is None else policy}{name}"]
            words += _kinds(shown)
            words += [f"N{node}={held}" for node, held in sorted(_by_node(shown).items())]
            lines.append(" ".join([*words, f"kernelpagesize_kB={PAGE_SIZE // 1024}"]))
        return "".join(f"{line}\n" for line in lines)


def _kinds(pages: list[Page]) -> list[str]:
    anonymous = sum(page.file is None for page in pages)
    mapped = len(pages) - anonymous
    return [f"anon={anonymous}"] * bool(anonymous) + [f"mapped={mapped}"] * bool(mapped)


def _by_node(pages: list[Page]) -> dict[int, int]:
    found: dict[int, int] = {}
    for page in pages:
        found[page.node.id] = found.get(page.node.id, 0) + 1
    return found
