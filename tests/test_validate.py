"""Test what `zswapsim validate` reads from a kernel, from recordings, and its results. It needs no root and no zram."""

import json
import re
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cli_helpers import refused_here
from zswapsim import CorruptPageError, InputError, PageStore
from zswapsim._core.trace.touch import TouchedMemory
from zswapsim.files import shared
from zswapsim.kernel import groups, swap, zram
from zswapsim.kernel.guard import Keeper, answer
from zswapsim.kernel.others import foreign_swap, parse_activity
from zswapsim.kernel.record import Record
from zswapsim.kernel.replay import Replayed, page_tables
from zswapsim.report.validate import pages_text, swap_text
from zswapsim.study.validate.page_store import Validated, chosen_codecs, model_mm_stat
from zswapsim.study.validate.reclaim import SwapValidated, frames_of, reclaimers_to_compare, repeat_replay
from zswapsim.traces import DenseTrace, read_trace
from zswapsim.traces.recipes import recipe_pages

TRUTH = json.loads((Path(__file__).parent / "data" / "zram.json").read_text())
# cat /sys/block/zram1/mm_stat, Linux 6.18
MM_STAT = "16805888  7867909  8986624        0  9191424      116        0      726    13043\n"
V1 = """\
tmpfs /sys/fs/cgroup tmpfs rw,relatime,mode=755 0 0
cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0
"""


def test_mm_stat_by_name():
    stat = zram.parse_mm_stat(MM_STAT)
    assert list(stat) == list(zram.MM_STAT)
    assert (stat["orig_data_size"], stat["same_pages"], stat["huge_pages_since"]) == (16805888, 116, 13043)


def test_mm_stat_of_older_and_newer_kernels():
    fields = MM_STAT.split()
    assert "huge_pages_since" not in zram.parse_mm_stat(" ".join(fields[:8]))
    assert len(zram.parse_mm_stat(" ".join([*fields, "7"]))) == len(zram.MM_STAT)
    with pytest.raises(ValueError, match="expected 9 numbers"):
        zram.parse_mm_stat("1 2 3")


@pytest.mark.parametrize("text", ["[lzo-rle] lzo lz4 \n", "lzo-rle lzo [lz4]\n"])
def test_algorithms(text):
    assert zram.parse_algorithms(text) == ["lzo-rle", "lzo", "lz4"]


def test_chain_size_of_a_configuration():
    assert zram.parse_chain_size("CONFIG_ZSMALLOC=y\nCONFIG_ZSMALLOC_CHAIN_SIZE=10\n") == 10
    assert zram.parse_chain_size("# CONFIG_ZSMALLOC_CHAIN_SIZE is not set\n") is None


def test_groups_of_version_1():
    assert groups.find(V1) == (Path("/sys/fs/cgroup/memory"), 1)


def test_groups_of_version_2(tmp_path):
    line = f"cgroup2 {tmp_path} cgroup2 rw,nsdelegate 0 0\n"
    assert groups.find(line) is None
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    found = groups.find(line)
    assert found == (tmp_path, 2)
    assert found.limit_file == "memory.max"


def test_kills_of_either_version(tmp_path):
    (tmp_path / "memory.events").write_text("low 0\nhigh 0\nmax 31\noom 1\noom_kill 2\noom_group_kill 0\n")
    assert groups.kills(tmp_path) == 2
    (tmp_path / "memory.limit_in_bytes").write_text("4096")
    (tmp_path / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n")
    assert groups.kills(tmp_path) == 1


def test_pages_swapped_out_of_either_version(tmp_path):
    (tmp_path / "memory.stat").write_text("anon 4096\npswpin 5\npswpout 28\nswpin_zero 0\nswpout_zero 3\n")
    (tmp_path / "memory.swap.current").write_text("40960\n")
    assert groups.swapped(tmp_path) == (31, 10)
    (tmp_path / "memory.stat").write_text("anon 4096\npgscan 90\npgsteal 31\n")
    assert groups.swapped(tmp_path) == (31, 10)
    (tmp_path / "memory.limit_in_bytes").write_text("4096")
    (tmp_path / "memory.stat").write_text("rss 8192\nswap 33738752\npgpgin 24590\npgpgout 16396\n")
    assert groups.swapped(tmp_path) == (16396, 8237)


def test_swap_header():
    header = swap.header(256)
    assert len(header) == 4096
    assert struct.unpack_from("<III", header, 1024) == (1, 255, 0)
    assert header.endswith(b"SWAPSPACE2")


def test_the_uuid_of_a_swap_header_tells_whose_it_is(tmp_path):
    uuid = "0123456789abcdef" * 2
    header = swap.header(256, uuid)
    assert header[1036:1052].hex() == uuid
    assert header[1052:1068].rstrip(b"\0") == b"zswapsim"
    (tmp_path / "ours").write_bytes(header)
    assert swap.read_uuid(tmp_path / "ours") == uuid
    for other in (header.replace(b"zswapsim", b"mkswap\0\0"), header.replace(b"SWAPSPACE2", b"SWAP-SPACE"), b""):
        (tmp_path / "other").write_bytes(other)
        assert swap.read_uuid(tmp_path / "other") is None
    assert swap.diskseq(tmp_path / "ours") is None, "a file is no disk"


OURS = Path("/dev/zram1")
SWAPS = """\
Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority
/dev/zram1                              partition\t65532\t\t{ours}\t\t32767
/swap\\040file                           file\t\t1048572\t\t{other}\t\t{priority}
"""
VMSTAT = "nr_free_pages 7\npswpin {ins}\npswpout {outs}\nswpin_zero 5\nswpout_zero 6\n"


def activity(ins=1000, outs=2000, other=0, priority=-2, ours=512):
    return parse_activity(SWAPS.format(ours=ours, other=other, priority=priority), VMSTAT.format(ins=ins, outs=outs))


def test_swap_of_the_whole_system():
    found = activity(ins=10, outs=20, other=4)
    assert (found.ins, found.outs) == (15, 26)
    assert found.spaces == {"/dev/zram1": (512, 32767), "/swap\\040file": (4, -2)}
    assert parse_activity("Filename\n", "pswpin 3\n") == ({}, 3, 0)


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"ins": 31_000, "outs": 42_000}, None),
        ({"ins": 31_556, "outs": 42_000}, None),
        ({"ins": 31_657, "outs": 42_000}, "other programs swapped 657 pages, where the replay swapped 40,000"),
        ({"ins": 31_000, "outs": 42_657}, "other programs swapped 657 pages, where the replay swapped 40,000"),
        ({"other": 4}, "/swap\\040file, which is not ours, was swapped to"),
        ({"other": 0, "priority": 32766}, None),
        ({"other": 0, "priority": 32767}, "/swap\\040file is swap of the same priority, and took pages of the replay"),
    ],
)
def test_swap_that_is_not_ours_is_noticed(after, said):
    later = activity(**{"ins": 31_000, "outs": 42_000, **after})
    assert foreign_swap(activity(), later, OURS, ins=30_000, outs=40_000) == said


def test_swap_that_is_switched_on_during_a_replay_is_noticed():
    before = parse_activity("Filename\n", "")
    assert foreign_swap(before, activity(0, 0), OURS, 11, 11) == "/swap\\040file, which is not ours, was swapped to"
    assert foreign_swap(activity(), before, OURS, 0, 0) is None, "that it is gone does no harm"


def test_page_tables():
    assert [page_tables(pages) for pages in (1, 512, 16384, 48972)] == [3, 3, 34, 98]


def test_generations_stand_beside_a_kernel_that_has_them():
    assert reclaimers_to_compare(None) == ["two-list", "lru"]
    assert reclaimers_to_compare("0x0000\n") == ["two-list", "lru"]
    assert reclaimers_to_compare("0x0007\n") == ["mglru", "two-list", "lru"]


def test_our_names_of_codecs_are_understood():
    present = ["lzo-rle", "lzo", "lz4"]
    assert chosen_codecs(present, []) == present
    assert chosen_codecs(present, ["lz4-linux", "lz4", "lzo"]) == ["lz4", "lzo"]
    with pytest.raises(InputError, match="--codec zstd: expected one that this kernel's zram has: lzo-rle, lzo, lz4"):
        chosen_codecs(present, ["zstd"])


@pytest.mark.parametrize(("kernel", "ours"), [("lz4", "lz4-linux"), ("lzo", "lzo"), ("lzo-rle", "lzo-rle")])
def test_the_model_s_side_equals_a_recorded_kernel(kernel, ours):
    truth = TRUTH["recipes"]["mix"][kernel]
    with PageStore(64 << 20, ours, chain_size=TRUTH["zsmalloc_chain_size"]) as store:
        store.store_pages(range(truth["pages"]), recipe_pages("mix", truth["pages"]))
        assert model_mm_stat(store) == {field: truth["fill"][field] for field in zram.MM_STAT}


def validated(**differing: int) -> Validated:
    kernel = {**zram.parse_mm_stat(MM_STAT), "write_ns": 4000.0, "read_ns": 1500.0}
    return Validated(
        codec="lz4",
        pages="recipe:mix",
        kernel=kernel,
        model={**kernel, "write_ns": 3000.0, "read_ns": 750.0, **differing},
    )


def test_unequal_fields_are_named():
    assert validated().unequal() == []
    assert validated(huge_pages=725).unequal() == ["huge_pages"]
    text = pages_text([validated(), validated(huge_pages=725)], None, False)
    assert "1 of 2 comparisons are equal in every field of mm_stat." in text
    assert "unequal: lz4 on recipe:mix: huge_pages" in text
    assert "x 0.75" in text
    assert "x 0.50" in text


def test_a_codec_without_a_model_is_not_counted():
    row = Validated(codec="842", pages="p", kernel=validated().kernel, model=None)
    text = pages_text([row], None, False)
    assert "0 of 0 comparisons" in text
    assert "without a model: 842" in text


def test_distances_of_swap_ins():
    sides = {"swap_outs": 1, "pool_frames": 1, "seconds": 1.0}
    row = SwapValidated(
        trace="zipf", dram_bytes=1 << 20, reclaim="lru", settings="lru",
        kernel={"swap_ins": 1000, **sides}, model={"swap_ins": 985, **sides}, kernel_swap_ins=[995, 1000, 1007],
    )  # fmt: skip
    assert row.distance() == pytest.approx(-0.015)
    text = swap_text([row], None, False)
    assert "-1.50 %" in text
    assert "3 in 1.20 %" in text
    assert "lru (lru): swap-ins within 1.50 % of the kernel's" in text


def test_replays_are_made_thrice_and_ordered_long_ones_once():
    found = iter([Replayed(30, 1, 1, 0.1), Replayed(10, 1, 1, 0.1), Replayed(20, 1, 1, 0.1)])
    assert [run.swap_ins for run in repeat_replay(lambda: next(found))] == [10, 20, 30]
    assert len(repeat_replay(lambda: Replayed(30, 1, 1, 65.0))) == 1
    found = iter([Replayed(30, 1, 1, 0.1), None])
    assert repeat_replay(lambda: next(found)) == []


def test_sizes_in_which_nothing_would_swap_are_refused():
    trace = DenseTrace(read_trace("gen:zipf,pages=400,events=2000"))
    assert frames_of(["50%"], trace) == [trace.pages // 2]
    with pytest.raises(InputError, match=r"--dram 100%: expected less than .* pages"):
        frames_of(["100%"], trace)
    with pytest.raises(InputError, match="--dram 4096: 1 frames are fewer"):
        frames_of(["4096"], trace)


# -- touched memory -----------------------------------------------------------------------------------------------


def test_touched_memory_makes_every_access():
    images = recipe_pages("text", 3)
    memory = TouchedMemory(5, images)
    pages = np.array([4, 0, 4, 3, 4], np.uint32)
    memory.touch(pages, np.array([0, 1, 1, 0, 0], np.uint8))
    memory.touch(pages[:0], np.zeros(0, np.uint8))


def test_touched_memory_tells_a_page_that_changed():
    images = recipe_pages("text", 3).copy()
    memory = TouchedMemory(5, images)
    memory.touch(np.array([1], np.uint32), np.zeros(1, np.uint8))
    images[1, 0] ^= 1
    with pytest.raises(CorruptPageError, match="access 1: page 1 came back with other contents"):
        memory.touch(np.array([2, 1], np.uint32), np.zeros(2, np.uint8))


def test_touched_memory_refuses_what_is_none():
    images = recipe_pages("text", 3)
    memory = TouchedMemory(5, images)
    with pytest.raises(InputError, match="page 5: expected less than 5"):
        memory.touch(np.array([1, 5], np.uint32), np.zeros(2, np.uint8))
    with pytest.raises(InputError, match="2 pages and 1 ops"):
        memory.touch(np.array([1, 2], np.uint32), np.zeros(1, np.uint8))
    with pytest.raises(InputError, match="pages 0: expected 1 to"):
        TouchedMemory(0, images)
    with pytest.raises(InputError, match="images: expected a contiguous array of uint8 with rows of 4096 bytes"):
        TouchedMemory(5, images[:, 1:].copy())


# -- the guard ----------------------------------------------------------------------------------------------------


@pytest.fixture
def keeper(tmp_path, monkeypatch):
    """Return a keeper whose record is in a run folder of its own."""
    monkeypatch.setattr(shared, "RUN", tmp_path / "run")
    made = Keeper(Record.new())
    yield made
    made.record.close()


def test_the_guard_undoes_in_reverse_and_goes_on_where_it_fails(keeper):
    order = []

    def fails():
        order.append("b")
        raise OSError(16, "Device or resource busy")

    keeper.undone = {"a": lambda: order.append("a"), "b": fails, "c": lambda: order.append("c")}
    assert keeper.undo() == ["b: Device or resource busy"]
    assert order == ["c", "b", "a"]
    assert keeper.undo() == []


def test_the_guard_answers_in_one_line(keeper, tmp_path, monkeypatch):
    monkeypatch.setattr(groups, "find", lambda: groups.Hierarchy(tmp_path, 2))
    assert answer(keeper, '["group", "ours"]') == f"ok {tmp_path / 'ours'}"
    assert answer(keeper, '["group", "ours"]') == f"error {tmp_path / 'ours'}: File exists"
    assert answer(keeper, json.dumps(["swap", str(tmp_path / "none"), "4096"])).startswith("error ")
    assert list(keeper.undone) == [str(tmp_path / "ours")]


# -- the command --------------------------------------------------------------------------------------------------

WRONG = {
    "--trace: expected --swap as well": ["--trace", "bundled:json"],
    "--dram: expected --swap as well": ["--dram", "50%"],
    "nowhere.pages: cannot read: No such file": ["--pages", "nowhere.pages"],
    "--pages none: expected FILE.pages": ["--pages", "none"],
    "--pages: expected one set of pages with --swap": ["--swap", "--pages", "recipe:mix", "--pages", "recipe:text"],
    "--codec: expected one codec with --swap": ["--swap", "--codec", "lz4", "--codec", "lzo"],
    "--dram 200%: expected less than": ["--swap", "--trace", "gen:zipf,pages=400,events=2000", "--dram", "200%"],
    "--dram much: expected bytes": ["--swap", "--trace", "gen:zipf,pages=400,events=2000", "--dram", "much"],
}


@pytest.mark.parametrize(("said", "arguments"), WRONG.items())
def test_wrong_use(capfd, said, arguments):
    assert said in refused_here(capfd, "validate", *arguments)


@pytest.mark.parametrize("arguments", [[], ["--swap", "--trace", "gen:zipf,pages=400,events=2000"]])
def test_without_rights_one_line_says_what_it_would_have_done(capfd, monkeypatch, arguments):
    monkeypatch.setattr(zram, "missing", lambda: "not root: only root may add a zram device")
    told = refused_here(capfd, "validate", *arguments, code=1)
    assert re.match(r"zswapsim: validate: not root: .*; it would add a zram device", told)


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(zram, "CONTROL", tmp_path)
    assert "this kernel has no zram" in str(zram.missing())
    (tmp_path / "hot_add").write_text("")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert "not root" in str(zram.missing())
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert "cannot be written to" in str(zram.missing())
    monkeypatch.setattr(groups, "find", lambda: None)
    assert "no cgroup hierarchy" in str(groups.missing())


def test_the_guard_starts_without_heavy_imports():
    code = "import sys, zswapsim.kernel.guard; sys.exit('numpy' in sys.modules)"
    import subprocess

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
