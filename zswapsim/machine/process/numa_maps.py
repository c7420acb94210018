"""/proc/PID/numa_maps has a line for each mapping, with its policy and its pages by node (fs/proc/task_mmu.c)."""

from collections import Counter

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.machine.mempolicy import Mode
from zswapsim.machine.pages.page import Page
from zswapsim.machine.process.task import Task
from zswapsim.machine.process.vma import Vma


def numa_maps(task: Task) -> str:
    """Return the text of the file."""
    return "".join(f"{_line(task, vma)}\n" for vma in sorted(task.mm.vmas, key=lambda vma: vma.first))


def _line(task: Task, vma: Vma) -> str:
    policy = vma.policy or task.mempolicy
    name = "" if vma.file is None else f" file={vma.file.name}"
    pages = _counted_pages(task, vma)
    by_node = Counter(page.node.id for page in pages)
    words = [f"{vma.first * PAGE_SIZE:x} {Mode.DEFAULT.name.lower() if policy is None else policy}{name}"]
    if pages:
        words += _kinds(pages)
        words += [f"N{node}={count}" for node, count in sorted(by_node.items())]
        words += [f"kernelpagesize_kB={PAGE_SIZE // 1024}"]
    return " ".join(words)


def _counted_pages(task: Task, vma: Vma) -> list[Page]:
    """Return the present pages of a mapping that the user interface counts."""
    topology, interface = task.memory.topology, task.memory.interface
    present = (task.mm.page_at(number) for number in range(vma.first, vma.last))
    return [page for page in present if page is not None and interface.counted_in_numa_maps(topology, page.node)]


def _kinds(pages: list[Page]) -> list[str]:
    """Return the counts of the pages by kind; a count that says nothing new is left out (show_numa_map)."""
    anonymous, most = sum(page.file is None for page in pages), max(len(page.mapped) for page in pages)
    words = [f"anon={anonymous}"] * bool(anonymous)
    words += [f"mapped={len(pages)}"] * (anonymous != len(pages))
    return words + [f"mapmax={most}"] * (most > 1)
