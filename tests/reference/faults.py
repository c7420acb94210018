"""Model what fails: pages on which the codec fails, a device that refuses, and frames that others hold."""

from __future__ import annotations

from dataclasses import dataclass, field


class Ended(Exception):
    """A failure ended the run. `error` is the name of the exception that the core raises."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass
class Faults:
    """Hold what fails from now on. A core and its model share one object, so both fail alike.

    `compress` has the pages that the codec fails on: with CodecError it refuses the page, with PluginError it breaks
    its contract, which ends the run. `decompress` has those that it can't decompress: CorruptPageError or PluginError.
    `device` is what the swap device fails at: "write", "read".
    """

    compress: dict[bytes, str] = field(default_factory=dict)
    decompress: dict[bytes, str] = field(default_factory=dict)
    device: set[str] = field(default_factory=set)

    def refuses(self, page: bytes) -> bool:
        """Return True if the codec refuses a page that is not same-filled. Raise Ended if it breaks its contract."""
        error = self.compress.get(page)
        if error == "PluginError":
            raise Ended(error)
        return error is not None

    def check_device(self, what: str) -> None:
        """Raise Ended if the device fails at `what`."""
        if what in self.device:
            raise Ended("DeviceError")
