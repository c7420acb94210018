"""Check that a host whose pages are not 4 KiB is refused when /proc is read."""

import os
from collections.abc import Callable

import pytest

from zswapsim import InputError, read_contents
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.hostpage import other_page_size, refuse_other_page_size
from zswapsim.kernel import zram
from zswapsim.live import observe
from zswapsim.live.procfs import Process
from zswapsim.traces import capture_pages

EXPECTED = "this host has pages of 16384 bytes: expected 4096"


@pytest.fixture
def other_host(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.sysconf
    monkeypatch.setattr(os, "sysconf", lambda name: 16384 if name == "SC_PAGE_SIZE" else real(name))


@pytest.mark.usefixtures("other_host")
@pytest.mark.parametrize(
    "read",
    [
        lambda pid: list(capture_pages(pid)),
        lambda pid: read_contents(f"pid:{pid}"),
        Process,
        lambda pid: observe(pid, 1),
    ],
    ids=["capture_pages", "read_contents", "Process", "observe"],
)
def test_other_pages_are_refused(read: Callable[[int], object]) -> None:
    with pytest.raises(InputError) as refused:
        read(os.getpid())
    assert str(refused.value) == f"pid {os.getpid()}: {EXPECTED}"


@pytest.mark.usefixtures("other_host")
def test_no_device_is_made_on_such_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zram, "exists", lambda _: True)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "access", lambda *_: True)
    assert zram.missing() == EXPECTED


def test_pages_of_4_kib_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", lambda _: PAGE_SIZE)
    assert other_page_size() is None
    refuse_other_page_size("pid 1")
