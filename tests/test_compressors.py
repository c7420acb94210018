"""Test the registry, the search for libraries, dictionaries, and measuring."""

import pickle
import sys

import numpy as np
import pages as golden
import pytest
from cli_helpers import as_json, refused, zswapsim

from zswapsim import CodecError, InputError
from zswapsim.compressors import Measured, available, get_compressor, measure, train_dictionary
from zswapsim.compressors import libraries as libs
from zswapsim.compressors.registry import builtins

BUILTIN = ["lz4", "lz4hc", "zstd", "deflate", "lz4-linux", "lzo", "lzo-rle", "wkdm", "bdi", "fpc", "store"]


def images_of(recipe, count, start=0):
    return np.frombuffer(b"".join(golden.page(recipe, start + i) for i in range(count)), np.uint8).reshape(-1, 4096)


@pytest.fixture
def fresh_search():
    """Forget the libraries found before, and afterwards those found during the test."""
    libs.open_first.cache_clear()
    yield
    libs.open_first.cache_clear()


# ---- specifications ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("lz4", "lz4"),
        ("lz4:acceleration=1", "lz4"),
        ("lz4:acceleration=+08", "lz4:acceleration=8"),
        ("zstd:level=3", "zstd"),
        ("zstd:level=-7", "zstd:level=-7"),
        ("deflate:window=15,level=9", "deflate:level=9,window=15"),
        ("store", "store"),
    ],
)
def test_a_specification_becomes_canonical_and_stays(written, canonical):
    codec = get_compressor(written)
    assert codec.spec == canonical
    assert get_compressor(codec.spec) == codec
    assert get_compressor(codec) is codec
    assert hash(get_compressor(codec.spec)) == hash(codec)
    assert pickle.loads(pickle.dumps(codec)) == codec
    assert codec.name == canonical.partition(":")[0]


def test_codecs_differ_by_their_parameters():
    assert get_compressor("lz4") != get_compressor("lz4:acceleration=2")
    assert get_compressor("lz4") != "lz4"
    assert len({get_compressor("zstd:level=3"), get_compressor("zstd"), get_compressor("zstd:level=4")}) == 2
    assert get_compressor("deflate:level=1").settings == {"level": 1, "window": 11}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", f"compressor '': unknown: expected one of {', '.join(BUILTIN)}"),
        ("lz5", "compressor 'lz5': unknown: expected one of"),
        ("LZ4", "compressor 'LZ4': unknown: expected one of"),
        ("lz4:", "compressor 'lz4:': expected NAME:PARAMETER=VALUE,… , got ''"),
        ("lz4:acceleration", "got 'acceleration'"),
        ("lz4:=4", "got '=4'"),
        ("lz4:acceleration=", "got 'acceleration='"),
        ("lz4:acceleration=2,", "got ''"),
        ("lz4:acceleration=2,acceleration=2", "acceleration is given twice"),
        ("lz4:level=2", "codec lz4: unknown parameter 'level': expected acceleration"),
        ("store:level=2", "codec store: unknown parameter 'level': expected none, it takes no parameters"),
        ("zstd:speed=2", "codec zstd: unknown parameter 'speed': expected level, source_log, dict"),
        ("lz4:acceleration=0", "codec lz4: acceleration=0: expected 1 to 65537"),
        ("lz4:acceleration=65538", "codec lz4: acceleration=65538: expected 1 to 65537"),
        ("lz4hc:level=2", "codec lz4hc: level=2: expected 3 to 12"),
        ("zstd:level=23", "codec zstd: level=23: expected -131072 to 22"),
        ("zstd:level=-131073", "codec zstd: level=-131073: expected -131072 to 22"),
        ("deflate:window=8", "codec deflate: window=8: expected 9 to 15"),
        ("deflate:level=0", "codec deflate: level=0: expected 1 to 9"),
        ("zstd:level=3.0", "codec zstd: level=3.0: expected an integer from -131072 to 22"),
        ("zstd:level=high", "codec zstd: level=high: expected an integer from -131072 to 22"),
        ("zstd:level=1_0", "expected an integer"),
        ("zstd:level=٣", "expected an integer"),
        ("zstd:level=" + "9" * 5000, "expected an integer"),
        ("lz4:dict=x", "codec lz4: unknown parameter 'dict': expected acceleration"),
    ],
)
def test_a_wrong_specification_is_named_with_what_was_expected(spec, message):
    with pytest.raises(InputError) as caught:
        get_compressor(spec)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_list_has_every_built_in_codec_with_ranges():
    infos = {info.name: info for info in available()}
    assert list(infos)[: len(BUILTIN)] == BUILTIN == list(builtins())
    assert [tuple(p[:4]) for p in infos["deflate"].parameters] == [("level", 1, 9, 6), ("window", 9, 15, 11)]
    assert infos["zstd"].takes_dictionary
    assert not infos["lz4"].takes_dictionary
    for name in ("lz4", "zstd", "deflate"):
        assert infos[name].version[0].isdigit()
        assert infos[name].library


# ---- libraries ---------------------------------------------------------------------------------------------------


def test_the_libraries_come_from_the_packages_without_importing_them():
    assert "site-packages/lz4" in get_compressor("lz4").library.path
    assert "site-packages/zstandard" in get_compressor("zstd").library.path
    assert get_compressor("lz4").library.path == get_compressor("lz4hc").library.path


def test_finding_a_library_imports_no_package():
    code = "import sys, zswapsim.compressors as c; c.available(); print({'lz4', 'zstandard'} & set(sys.modules))"
    import subprocess

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(("codec", "package"), [("lz4", "liblz4-1"), ("zstd", "libzstd1"), ("deflate", "zlib1g")])
def test_a_missing_library_tells_how_to_get_it(fresh_search, monkeypatch, codec, package):
    absent = libs.SOURCES[codec]._replace(package="", module="", soname="libzsw-absent.so.9", debian=package)
    monkeypatch.setitem(libs.SOURCES, codec, absent)
    with pytest.raises(CodecError, match=rf"codec {codec}: not on this machine \(libzsw-absent.* install {package}"):
        get_compressor(codec)
    info = next(each for each in available() if each.name == codec)
    assert package in info.missing
    assert (info.library, info.version) == ("", "")


def test_a_package_that_is_not_installed_leaves_the_system_library(fresh_search, monkeypatch):
    monkeypatch.setitem(libs.SOURCES, "lz4", libs.LZ4._replace(package="zsw_no_such_package"))
    assert list(libs.candidates(libs.SOURCES["lz4"])) == ["liblz4.so.1"]


def test_the_environment_names_a_library(fresh_search, monkeypatch, tmp_path):
    path = get_compressor("lz4").library.path
    monkeypatch.setenv("ZSWAPSIM_LIBRARY_LZ4", path)
    assert get_compressor("lz4").library.path == path
    monkeypatch.setenv("ZSWAPSIM_LIBRARY_LZ4", str(tmp_path / "none.so"))
    with pytest.raises(CodecError, match=r"codec lz4: ZSWAPSIM_LIBRARY_LZ4=.*none\.so: .*No such file"):
        get_compressor("lz4")
    garbage = tmp_path / "garbage.so"
    garbage.write_bytes(b"garbage")
    monkeypatch.setenv("ZSWAPSIM_LIBRARY_LZ4", str(garbage))
    with pytest.raises(CodecError, match=r"garbage\.so"):
        get_compressor("lz4")
    monkeypatch.setenv("ZSWAPSIM_LIBRARY_LZ4", get_compressor("zstd").library.path)
    with pytest.raises(CodecError, match="no symbol LZ4_compress_fast_extState"):
        get_compressor("lz4")


# ---- dictionaries ------------------------------------------------------------------------------------------------


def test_a_dictionary_helps_pages_like_those_it_was_trained_from(tmp_path):
    path = tmp_path / "text.dict"
    path.write_bytes(train_dictionary(images_of("text", 200)))
    plain = measure(get_compressor("zstd:level=12"), images_of("text", 50, 500)).summary()
    codec = get_compressor(f"zstd:level=12,dict={path}")
    helped = measure(codec, images_of("text", 50, 500)).summary()
    assert helped["compressed_bytes"] < plain["compressed_bytes"]
    assert codec.spec == f"zstd:level=12,dict={path}"
    assert codec.settings == {"level": 12, "source_log": 12, "dict": str(path)}
    assert pickle.loads(pickle.dumps(codec)) == codec


def test_codecs_with_dictionaries_of_one_name_and_other_bytes_differ(tmp_path):
    path = tmp_path / "some.dict"
    path.write_bytes(train_dictionary(images_of("text", 100), 4096))
    first = get_compressor(f"zstd:dict={path}")
    path.write_bytes(train_dictionary(images_of("pointers", 100), 4096))
    assert get_compressor(f"zstd:dict={path}") != first


def test_training_is_repeatable_and_leaves_same_filled_pages_out():
    images = images_of("text", 60)
    padded = np.concatenate([images, np.zeros((100, 4096), np.uint8)])
    assert train_dictionary(images, 4096) == train_dictionary(images, 4096) == train_dictionary(padded, 4096)


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000, bytes.fromhex("37a430ec"), bytes.fromhex("37a430ec") * 99])
def test_a_dictionary_of_garbage_is_refused(tmp_path, content):
    path = tmp_path / "bad.dict"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.dict: (byte offset 0: expected a zstd|not a) dictionary"):
        get_compressor(f"zstd:dict={path}")


def test_a_dictionary_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match="absent: cannot read: No such file or directory"):
        get_compressor(f"zstd:dict={tmp_path}/absent")
    with pytest.raises(InputError, match="cannot read: Is a directory"):
        get_compressor(f"zstd:dict={tmp_path}")
    with pytest.raises(InputError, match="cannot read: embedded null byte"):
        get_compressor("zstd:dict=a\0b")
    with pytest.raises(InputError, match="at most 16777216 bytes"):
        get_compressor("zstd:dict=/dev/zero")


@pytest.mark.parametrize(
    ("images", "size", "message"),
    [
        (np.zeros((100, 4096), np.uint8), 16384, "0 pages to train from: expected at least 8"),
        (images_of("text", 7), 16384, "7 pages to train from: expected at least 8"),
        (images_of("text", 10), 255, "dictionary of 255 bytes: expected 256 to 16777216"),
        (np.zeros((0, 4096), np.uint8), 16384, "0 pages to train from"),
        (np.zeros((4, 100), np.uint8), 16384, "expected uint8"),
        (np.zeros((4, 4096), np.uint16), 16384, "expected uint8"),
    ],
)
def test_training_from_too_little_is_refused(images, size, message):
    with pytest.raises(InputError, match=message):
        train_dictionary(images, size)


# ---- measuring ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 3])
def test_measured_sizes_are_those_of_the_codec(threads):
    images = images_of("mix", 1100)
    codec = get_compressor("lz4")
    seen = []
    found = measure(codec, images, threads, lambda done, total: seen.append((done, total)))
    same = (images.view(np.uint64) == images.view(np.uint64)[:, :1]).all(axis=1)
    assert (found.same_filled == same).all()
    assert (found.zero == ~images.any(axis=1)).all()
    assert (found.size[same] == 0).all()
    for index in range(0, 1100, 37):
        if not same[index]:
            packed = codec.compress(images[index])
            assert found.size[index] == (4096 if packed is None else len(packed))
    assert (found.compress_ns[~same] > 0).all()
    assert (found.compress_ns[same] == 0).all()
    assert max(done for done, _ in seen) == 1100
    assert {total for _, total in seen} == {1100}
    assert found.size.dtype == np.uint16
    assert found.same_filled.dtype == found.zero.dtype == bool


def test_a_summary_by_hand():
    size = np.array([0, 1000, 2000, 3625, 4096], np.uint16)
    flags = np.array([True, False, False, False, False])
    times = np.array([0, 10, 20, 30, 40], np.uint32)
    summary = Measured("lz4", size, flags, flags, times, times * 2).summary()
    assert summary["pages"] == 5
    assert summary["compressed_bytes"] == 1000 + 2000 + 4096 + 4096
    assert summary["ratio"] == 5 * 4096 / 11192
    assert [summary[f"size_p{p}"] for p in (10, 50, 90, 99)] == [1000, 2000, 4096, 4096]
    assert (summary["same_filled"], summary["incompressible"]) == (0.2, 0.4)
    assert (summary["compress_ns_p50"], summary["decompress_ns_p99"]) == (20, 80)
    # Four objects of up to 1016 bytes share a frame, and so do two of up to 2040; a huge page has a frame of its own.
    assert summary["pool_frames"] == 1 + 1 + 2
    assert Measured("lz4", size, flags, flags, times, times).summary(16)["incompressible"] == 0.2


def test_a_summary_of_same_filled_pages_alone():
    summary = measure(get_compressor("zstd"), images_of("zero", 5)).summary()
    assert (summary["ratio"], summary["pool_ratio"], summary["pool_frames"]) == (None, None, 0)
    assert summary["same_filled"] == 1
    assert summary["size_p50"] is None
    assert measure(get_compressor("lz4"), np.zeros((0, 4096), np.uint8)).summary()["pages"] == 0


def test_read_only_pages_are_measured():
    images = images_of("text", 3).copy()
    images.flags.writeable = False
    assert len(measure(get_compressor("lz4"), images).size) == 3


@pytest.mark.parametrize(
    "images", [np.zeros(4096, np.uint8), np.zeros((2, 4095), np.uint8), np.zeros((2, 4096), np.int8)]
)
def test_pages_of_another_shape_are_not_measured(images):
    with pytest.raises(InputError, match=r"expected uint8\[K, 4096\]"):
        measure(get_compressor("lz4"), images)


def test_no_threads_measure_nothing():
    with pytest.raises(InputError, match="threads 0: expected 1 to"):
        measure(get_compressor("lz4"), images_of("text", 1), 0)


# ---- the command -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("pages") / "text.pages"
    path.write_bytes(images_of("text", 60).tobytes() + bytes(4096))
    return path


def test_the_command_lists_codecs():
    done = zswapsim("compressors")
    assert (done.returncode, done.stderr) == (0, "")
    for name in BUILTIN:
        assert name in done.stdout
    assert "level=-131072…22 (3), source_log=0…31 (12), dict=FILE" in done.stdout
    found = as_json("compressors")["compressors"]
    assert [each["name"] for each in found][: len(BUILTIN)] == BUILTIN
    assert found[0]["parameters"][0]["highest"] == 65537


def test_the_command_measures_codecs(page_file):
    found = as_json("compressors", "--pages", page_file, "--threads", 2)
    names = [each["compressor"] for each in found["measured"]]
    assert names == [info.name for info in available() if not info.missing]
    assert found["failed"] == {}
    assert found["measured"][0]["pages"] == 61
    some = as_json("compressors", "--pages", page_file, "--compressor", "zstd:level=3", "--compressor", "lz4")
    assert [each["compressor"] for each in some["measured"]] == ["zstd", "lz4"]
    done = zswapsim("compressors", "--pages", page_file)
    assert "61 pages (244.0 KiB), 1.6 % of them same-filled" in done.stdout


def test_the_command_trains_a_dictionary(page_file, tmp_path):
    out = tmp_path / "text.dict"
    done = zswapsim("compressors", "--pages", page_file, "--train-dict", out, "--dict-size", "4KiB")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"use it as zstd:dict={out}" in done.stdout
    assert 256 <= out.stat().st_size <= 4096
    found = as_json("compressors", "--pages", page_file, "--compressor", f"zstd:dict={out}")
    assert found["measured"][0]["compressor"] == f"zstd:dict={out}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--compressor", "lz4"], "--compressor: expected --pages FILE as well"),
        (["--train-dict", "x.dict"], "--train-dict: expected --pages FILE as well"),
        (["--pages", "absent.pages"], "absent.pages: "),
        (["--pages", "PAGES", "--compressor", "lz9"], "compressor 'lz9': unknown"),
        (["--pages", "PAGES", "--compressor", "zstd:level=99"], "level=99: expected -131072 to 22"),
        (["--pages", "PAGES", "--threads", "0"], "--threads 0: expected at least 1"),
        (["--pages", "PAGES", "--chain-size", "17"], "--chain-size 17: expected 4 to 16"),
        (["--pages", "PAGES", "--train-dict", "x.dict", "--dict-size", "lots"], "--dict-size lots: expected"),
    ],
)
def test_the_command_refuses_in_one_line(page_file, tmp_path, arguments, message):
    given = [str(page_file) if each == "PAGES" else each for each in arguments]
    assert message in refused("compressors", *given, folder=tmp_path)


def test_a_part_of_a_page_is_refused(tmp_path):
    path = tmp_path / "part.pages"
    path.write_bytes(bytes(5000))
    assert "part.pages: 5000 bytes: expected whole pages" in refused("compressors", "--pages", path, folder=tmp_path)


def test_an_output_that_cannot_be_written_is_refused_before_the_work(page_file, tmp_path):
    for option in ("--json", "--train-dict"):
        line = refused("compressors", "--pages", page_file, option, tmp_path / "none" / "x", code=1, folder=tmp_path)
        assert "cannot write" in line
