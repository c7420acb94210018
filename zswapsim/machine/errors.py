"""A system call that fails raises an error with the kernel's errno."""

import errno
import os


class SyscallError(OSError):
    """A system call failed; the error holds the kernel's errno."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(number, f"{os.strerror(number)}: {why}")

    @property
    def name(self) -> str:
        """Return the name of the errno, for example ``EINVAL``."""
        return errno.errorcode[self.errno or 0]


def einval(why: str) -> SyscallError:
    """Return the error of a call whose arguments are invalid, for the caller to raise."""
    return SyscallError(errno.EINVAL, why)
