"""Compare: the combinations that there are, one reading and one measuring for all, and failures."""

import multiprocessing
import os
import signal

import numpy as np
import pytest

import zswapsim.study.compare.compare as compare_module
from zswapsim._core.base.errors import CorruptPageError, InputError, OutputError, ZswapsimError
from zswapsim.study.compare import parallel
from zswapsim.study.compare.compare import combinations, compare
from zswapsim.study.compare.shared_files import MappedTrace, open_shared, write_shared
from zswapsim.study.settings import Settings
from zswapsim.traces import DenseTrace, read_contents, read_trace

TRACE = "gen:zipf,pages=300,events=4000,alpha=0.8,writes=0.4,seed=5"
CONTENTS = "recipe:mix,pages=200"


def scanned(spec: str = TRACE) -> DenseTrace:
    dense = DenseTrace(read_trace(spec))
    dense.scan()
    return dense


def test_combinations_vary_the_last_choice_fastest():
    made = combinations(dram=["30%", "60%"], compressor=["lz4", "store"], seed=3)
    assert [(each.dram, each.compressor, each.seed) for each in made] == [
        ("30%", "lz4", 3),
        ("30%", "store", 3),
        ("60%", "lz4", 3),
        ("60%", "store", 3),
    ]


def test_a_disk_makes_no_rows_for_what_it_does_not_use():
    made = combinations(backend=["disk", "private-node"], node=["10%", "20%"], compressor=["lz4", "store"])
    assert [each.backend for each in made] == ["disk"] + ["private-node"] * 4


def test_combinations_refuse_what_settings_refuse():
    with pytest.raises(InputError, match="--backend tape"):
        combinations(backend=["disk", "tape"])


def test_nothing_to_compare():
    with pytest.raises(InputError, match="at least one"):
        compare(TRACE, CONTENTS, [])


@pytest.mark.parametrize("wrong", [{"compressor": "lz5"}, {"dram": "0"}, {"node": "0"}])
def test_a_wrong_setting_is_found_before_the_first_run(monkeypatch, wrong):
    monkeypatch.setattr(compare_module, "run", lambda *_, **__: pytest.fail("a run was started"))
    with pytest.raises(InputError):
        compare(TRACE, CONTENTS, [Settings(), Settings(**wrong)], processes=1)


def test_each_content_is_compressed_once_for_each_compressor(monkeypatch):
    made = []
    make_profile = compare_module.make_profile
    monkeypatch.setattr(compare_module, "make_profile", lambda *a, **k: made.append(make_profile(*a, **k)) or made[-1])
    monkeypatch.setattr("zswapsim.study.profile.make_profile", lambda *_, **__: pytest.fail("a run measured by itself"))
    asked = combinations(depth="sizes", dram=["20%", "40%"], node=["10%", "30%"], compressor=["lz4", "store"])
    assert len(compare(TRACE, CONTENTS, asked, processes=1)) == 8
    assert list(made[0].columns) == ["lz4", "store"]
    assert len(made) == 1


def test_processes_change_nothing_but_times():
    asked = combinations(depth=["sizes", "bytes"], dram=["20%", "40%"], compressor=["lz4", "store"])
    alone = compare(TRACE, CONTENTS, asked, processes=1)
    together = compare(TRACE, CONTENTS, asked, processes=2)
    assert [result.counters for result in together] == [result.counters for result in alone]
    assert [result.settings for result in together] == [result.settings for result in alone]
    assert [result.counters for result in alone[:4]] == [result.counters for result in alone[4:]]


def test_progress_reaches_its_total():
    seen = []
    asked = combinations(depth="counts", dram=["20%", "40%"])
    compare(TRACE, None, asked, processes=2, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (8_000, 8_000)


def test_a_shared_trace_is_the_trace(tmp_path):
    dense, contents = scanned(), read_contents(CONTENTS)
    write_shared(tmp_path, dense, contents)
    shared = open_shared(tmp_path)
    assert isinstance(shared.trace, MappedTrace)
    assert shared.trace.writes == dense.writes
    assert (shared.trace.pages, shared.trace.events, shared.trace.name) == (dense.pages, dense.events, dense.name)
    for kept, made in zip(zip(*dense.chunks(), strict=True), zip(*shared.trace.chunks(), strict=True), strict=True):
        assert np.array_equal(np.concatenate(kept), np.concatenate(made))
    assert shared.contents.name == contents.name
    for name in ("images", "next_image", "kind"):
        assert np.array_equal(getattr(shared.contents, name), getattr(contents, name))
        assert not getattr(shared.contents, name).flags.writeable


def test_no_room_for_the_shared_trace_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="shared trace"):
        write_shared(tmp_path / "missing", scanned(), None)


def fail(*_arguments):
    raise CorruptPageError("slot 7: the compressed bytes do not decode")


def die(*_arguments):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("work", "error", "message"), [(fail, CorruptPageError, "slot 7"), (die, ZswapsimError, "died")]
)
def test_what_goes_wrong_in_a_process_is_raised_here(monkeypatch, work, error, message):
    monkeypatch.setattr(parallel, "_run_job", work)
    with pytest.raises(error, match=message):
        parallel.run_parallel(scanned(), None, [Settings(depth="counts")] * 3, workers=2)
    assert multiprocessing.active_children() == []
