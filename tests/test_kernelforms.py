"""Test the counters in the kernel's forms."""

import pytest

from tests.cli_helpers import zswapsim
from zswapsim import Settings, run
from zswapsim.report.kernelforms import MM_STAT, ZSWAP, kernel_form, mm_stat_fields

TRACE, CONTENTS = "gen:zipf,pages=400,events=5000,writes=0.3", "recipe:mix,pages=64"


def test_mm_stat_is_the_kernel_s_nine_fields_in_its_order() -> None:
    result = run(TRACE, CONTENTS, Settings(dram="80%", backend="zram:mem_limit=300K", swap="none"))
    fields = mm_stat_fields(result)
    assert tuple(fields) == MM_STAT
    assert kernel_form(result, "mm_stat").split() == [str(value) for value in fields.values()]
    assert fields["orig_data_size"] == 4096 * result.counters["stored_pages"]
    assert fields["mem_limit"] == 300 * 1024
    assert fields["mem_used_max"] >= fields["mem_used_total"] > 0
    assert fields["huge_pages_since"] >= fields["huge_pages"]


def test_pages_on_zram_s_backing_device_are_of_its_data() -> None:
    backend = "zram:idle_every=500,writeback_every=500"
    result = run(TRACE, CONTENTS, Settings(dram="90%", backend=backend))
    stored, away = result.counters["stored_pages"], result.counters["device_pages"]
    assert away > 0
    assert mm_stat_fields(result)["orig_data_size"] == 4096 * (stored + away)


def test_zswap_s_folder() -> None:
    result = run(TRACE, CONTENTS, Settings(backend="zswap"))
    lines = kernel_form(result, "zswap").splitlines()
    assert [line.split(":")[0] for line in lines] == list(ZSWAP)
    assert f"written_back_pages:{result.counters['written_back_pages']}" in lines


def test_vmstat_lines() -> None:
    result = run(TRACE, CONTENTS, Settings(backend="zswap"))
    found = dict(line.split() for line in kernel_form(result, "vmstat").splitlines())
    assert int(found["pgfault"]) == result.counters["minor_faults"] + result.counters["major_faults"]
    for name in ("zswpin", "zswpout", "zswpwb", "pswpin", "pswpout", "swpin_zero", "swpout_zero"):
        assert int(found[name]) == result.counters[name]


@pytest.mark.parametrize(("form", "lines"), [("mm_stat", 1), ("zswap", len(ZSWAP)), ("vmstat", 19)])
def test_run_prints_them(form: str, lines: int) -> None:
    done = zswapsim("run", TRACE, "--contents", CONTENTS, "--depth", "sizes", "--backend", "zswap", "--as", form)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == lines


def test_another_form_is_refused() -> None:
    done = zswapsim("run", TRACE, "--as", "sysfs")
    assert done.returncode == 2
    assert "--as sysfs: expected one of mm_stat, zswap, vmstat" in done.stderr


def test_equal_memory_gives_the_node_s_frames_to_the_others() -> None:
    def dram(backend: str, equal: bool) -> int:
        asked = Settings(dram="40%", node="20%", backend=backend, equal_memory=equal, depth="sizes")
        return int(run(TRACE, CONTENTS, asked).settings["dram_frames"])

    few = dram("private-node", True)
    assert dram("zswap", False) == dram("disk", False) == few
    assert dram("zswap", True) == dram("disk", True) == dram("zram", True) == few * 3 // 2
