"""A process that touches what it is told to: for tests of what is seen of it from outside."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

PAGES = 600
CODE = f"""
import ctypes, mmap, sys
PAGES = {PAGES}
memory = mmap.mmap(-1, 2 * PAGES * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_NOHUGEPAGE)
sparse = mmap.mmap(-1, 1 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)  # MAP_NORESERVE
sparse.madvise(mmap.MADV_NOHUGEPAGE)
start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
libc = ctypes.CDLL(None, use_errno=True)
for page in range(PAGES):
    memory[4096 * page] = 1
for far in range(8):
    sparse[far << 37] = 1
print(hex(start), flush=True)
for line in sys.stdin:
    command, first, count = line.split()
    if command == "flush":
        for protection in mmap.PROT_READ, mmap.PROT_READ | mmap.PROT_WRITE:
            assert not libc.mprotect(ctypes.c_void_p(start), ctypes.c_size_t(len(memory)), protection)
    for page in range(int(first), int(first) + int(count)):
        if command == "read":
            memory[4096 * page]
        else:
            memory[4096 * page] = 2
    print("done", flush=True)
"""


class Child:
    """The process; `start` is the address of its mapping, whose first PAGES pages are present, as many more not yet."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.pid = process, process.pid
        self.start = int(process.stdout.readline(), 16)

    def touch(self, how: str, first: int, count: int) -> None:
        """Let it ``read`` or ``write`` `count` pages from the `first` on; they are touched when this returns."""
        self.process.stdin.write(f"{how} {first} {count}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def flush(self) -> None:
        """Let it drop its mapping's translations from the TLB, so that the next touch of a page sets its accessed bit.

        By taking the right to write and giving it back; pages keep what they hold, and their accessed bits.
        """
        self.touch("flush", 0, 0)

    def end(self) -> None:
        """Kill it, and take its status."""
        self.process.kill()
        self.process.communicate()


@contextmanager
def child() -> Iterator[Child]:
    """One that is running; ended with the block."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", CODE], **pipes) as process:
        one = Child(process)
        try:
            yield one
        finally:
            process.kill()
