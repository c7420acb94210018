"""Let some file operations of every command, and all of some calls, fail; `make sweep` lets all of all fail."""

from collections.abc import Callable, Iterator
from pathlib import Path

import file_sweep
import numpy as np
import pytest
from file_faults import KINDS, SHORT, failing
from file_sweep import CASES, Case, Sweep, prepared, program, settled

from zswapsim import Contents, ZswapsimError, make_profile, read_contents, read_profile, read_trace, write_trace
from zswapsim.files.temporary import temporary_folder
from zswapsim.study.compare.shared_files import open_shared, write_shared
from zswapsim.traces import DenseTrace, contents
from zswapsim.traces.contents import read_pages, write_pages
from zswapsim.traces.convert import convert_trace

SAMPLED, MOST_POINTS = 2, 30
SLOW = ("audit, picture", "plan", "cram")
"""Cases that take long: one operation of each fails."""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("sweep")
    with prepared(folder):
        yield folder


@pytest.fixture(scope="module")
def pid() -> Iterator[int]:
    with program() as number:
        yield number


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_failed_operation_ends_a_command_in_one_line(here: Path, pid: int, case: Case) -> None:
    swept = Sweep(case, pid)
    number = CASES.index(case)
    for turn in range(1 if case.name in SLOW else SAMPLED):
        at = 1 + (7 * number + turn * swept.points // SAMPLED) % swept.points
        assert swept.check(at, KINDS[(number + 2 * turn) % len(KINDS)], again=turn > 0) == ""


def shared_inputs() -> None:
    dense = DenseTrace(read_trace("t.csv"))
    dense.scan()
    held = read_contents("x.pages")
    with temporary_folder() as folder:
        write_shared(folder, dense, held, read_profile("p"), addresses=True)
        assert open_shared(folder).trace.events == dense.events


def spilled_contents() -> None:
    assert len(Contents(read_pages("x.pages"))) >= 64


CALLS: dict[str, Callable[[], object]] = {
    "read_contents": lambda: read_contents("x.pages"),
    "a mapped copy of the pages": spilled_contents,
    "write_pages": lambda: write_pages("o", np.ones((3, 4096), np.uint8)),
    "make_profile": lambda: make_profile(read_contents("x.pages"), ["store"], "o", threads=1),
    "convert_trace": lambda: convert_trace("t.csv", "o.bin"),
    "write_trace": lambda: write_trace(read_trace("t.parquet"), "o.csv.zst"),
    "write_shared, open_shared": shared_inputs,
}


@pytest.mark.parametrize("name", CALLS)
def test_a_failed_operation_ends_a_call_in_an_error_of_ours(
    here: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "a mapped copy of the pages":
        monkeypatch.setattr(contents, "IN_MEMORY_BYTES", 8192)
    call = CALLS[name]
    with failing(0) as counted:
        call()
    Path("o").unlink(missing_ok=True)
    before, descriptors = file_sweep.listing(), file_sweep.descriptors()
    for at in range(1, counted.count + 1, 1 + counted.count // MOST_POINTS):
        kind = KINDS[at % len(KINDS)]
        with failing(at, kind) as fault:
            try:
                call()
            except ZswapsimError as error:
                assert kind != SHORT, fault
                assert "None" not in str(error)
        Path("o").unlink(missing_ok=True)
        left = {path for path in file_sweep.listing() - before if not path.startswith("o")}
        assert not left or fault.seen[at - 1][0] in ("unlink", "rmdir", "list"), fault
        assert settled(lambda: file_sweep.descriptors() <= descriptors), (fault, file_sweep.descriptors() - descriptors)
    call()
    for path in file_sweep.listing() - before:
        assert path in ("o", "o.bin", "o.csv.zst"), path
        Path(path).unlink()
