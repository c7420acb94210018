"""Replay the corpus of the fuzz targets under the sanitizers, without libFuzzer, and check that it finds faults."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fuzz.build import CODEC_SOURCES, compile_replay, compiler, libraries_of, link_replay
from tests.fuzz.corpus import CODECS, pack_file, unpacked

MOST_BYTES = 300_000
FAULTS = {
    "an off-by-one in a bound": ("bdi", "codec_bdi.c", "total > dst_bytes ||", "total > dst_bytes + LINE ||"),
    "a copy that overlaps": ("lzo", "lzo1x_decompress.c", "m->distance >= 8 &&", "m->distance >= 4 &&"),
    "a table that is not cleared": ("lzo-rle", "lzo1x_compress.c", "memset(table, 0, sizeof(*table));", ""),
}
"""Faults put in by hand: codec, file, a text of it, and what replaces it."""

pytestmark = pytest.mark.skipif(shutil.which(compiler()[0]) is None, reason="no C compiler")


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return compile_replay(tmp_path_factory.mktemp("replay"))


@pytest.fixture(scope="module")
def program(objects: dict[str, Path]) -> Path:
    return link_replay(objects, next(iter(objects.values())).with_name("replay"))


def replay(program: Path, codec: str, *files: Path) -> subprocess.CompletedProcess[str]:
    """Run a codec's target. What this process preloads for the sanitizers is not for it, which is linked with them."""
    chosen = {"ZSWAPSIM_FUZZ_CODEC": codec, "ZSWAPSIM_FUZZ_LIBRARIES": ":".join(libraries_of(codec))}
    plain = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    env = {**plain, **chosen, "ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
    return subprocess.run([program, *files], capture_output=True, text=True, errors="replace", check=False, env=env)


@pytest.mark.parametrize("codec", CODECS)
def test_the_corpus_breaks_no_rule(program: Path, codec: str) -> None:
    done = replay(program, codec, pack_file(codec))
    if done.returncode == 2 and "no library" in done.stderr:
        pytest.skip(f"no library of {codec} that a program without Python can open")
    assert done.returncode == 0, done.stderr
    count = sum(1 for _ in unpacked(pack_file(codec).read_bytes()))
    assert f"fuzz: {count} inputs replayed" in done.stdout
    assert count > 5


@pytest.mark.parametrize("fault", FAULTS)
def test_the_corpus_finds(objects: Mapping[str, Path], tmp_path: Path, fault: str) -> None:
    codec, name, right, wrong = FAULTS[fault]
    source = next(path for path in CODEC_SOURCES if path.name == name).read_text()
    assert source.count(right) == 1
    (tmp_path / name).write_text(source.replace(right, wrong))
    faulty = link_replay({**objects, **compile_replay(tmp_path, [tmp_path / name])}, tmp_path / "replay")
    assert replay(faulty, codec, pack_file(codec)).returncode not in {0, 2}


def test_a_damaged_corpus_is_noticed(program: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.pack").write_bytes(pack_file("store").read_bytes()[:-1])
    done = replay(program, "store", tmp_path / "cut.pack")
    assert done.returncode == 2
    assert "bytes of an input" in done.stderr


def test_the_corpus_is_small() -> None:
    assert sum(pack_file(codec).stat().st_size for codec in CODECS) < MOST_BYTES
