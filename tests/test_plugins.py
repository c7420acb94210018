"""Test third parties' codecs: the worked examples of the documentation, and codecs that break the interface."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import as_json, refused, zswapsim
from plugin_helpers import EXAMPLES, PLUGINS, install
from tree import TREE

from zswapsim import (
    CorruptPageError,
    HostMemoryError,
    InputError,
    PageStore,
    PluginError,
    __version__,
    get_include,
)
from zswapsim._core.codec.codec import Codec, table_of_class
from zswapsim.compressors import available, get_compressor, measure

ARRAY = np.arange(4, dtype=np.uint64).tobytes() * 128
NOISE = np.random.default_rng(7).bytes(4096)


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """Return the folders into which both examples and the broken C codecs were installed."""
    return {
        name: install(project, tmp_path_factory.mktemp(name))
        for name, project in {
            "stride": EXAMPLES / "codec-capsule",
            "xz": EXAMPLES / "codec-python",
            "rogue": PLUGINS / "rogue_capsule",
        }.items()
    }


@pytest.fixture
def python_rogues(monkeypatch):
    monkeypatch.syspath_prepend(PLUGINS / "rogue_python")
    yield
    sys.modules.pop("rogue", None)


@pytest.fixture
def c_rogues(installed, monkeypatch):
    monkeypatch.syspath_prepend(installed["rogue"])


@pytest.fixture
def examples(installed, monkeypatch):
    monkeypatch.syspath_prepend(installed["stride"])
    monkeypatch.syspath_prepend(installed["xz"])


def with_path(folder):
    """Return the environment of a process that imports from `folder` first."""
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {"env": {**os.environ, "PYTHONPATH": path}}


def info(name):
    return next(each for each in available() if each.name == name)


# ---- the worked examples -----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["stride", "stride:distance=4", "stride:distance=64", "xz", "xz:preset=0"])
def test_an_example_compresses_pages_and_brings_them_back(examples, spec):
    codec = get_compressor(spec)
    assert codec.spec == spec
    for page in (ARRAY, bytes(4088) + b"12345678", NOISE, np.arange(512, dtype=np.uint64).tobytes()):
        packed = codec.compress(page)
        assert packed is None or codec.decompress(packed) == page
    assert codec.compress(NOISE) is None


@pytest.mark.slow
def test_an_example_serves_a_store_and_other_processes(examples):
    for spec in ("stride:distance=4", "xz"):
        codec = pickle.loads(pickle.dumps(get_compressor(spec)))
        with PageStore(1 << 20, codec) as store:
            store.store(3, ARRAY)
            store.store(4, NOISE)
            assert (store.load(3), store.load(4)) == (ARRAY, NOISE)


@pytest.mark.slow
def test_the_list_tells_where_a_plug_in_comes_from(examples):
    assert info("stride").origin == "zswapsim-stride 1.0"
    assert info("stride").parameters[0][:4] == ("distance", 1, 64, 1)
    assert info("xz").parameters[0][:4] == ("preset", 0, 9, 6)
    assert (info("xz").library, info("xz").missing) == ("", "")


@pytest.mark.slow
def test_an_example_is_built_against_the_headers_of_an_installed_wheel(tmp_path, monkeypatch):
    monkeypatch.setenv("ZSWAPSIM_BUILD", "none")  # headers and Python files: the example's build imports no extension
    package = install(TREE, tmp_path / "wheel")
    environment = with_path(package)["env"]
    code = "import zswapsim; print(zswapsim.__version__, zswapsim.get_include())"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [__version__, str(package / "zswapsim" / "include")]
    headers = [path.name for path in (package / "zswapsim" / "include").iterdir()]
    assert headers == [path.name for path in Path(get_include()).iterdir()]
    monkeypatch.syspath_prepend(install(EXAMPLES / "codec-capsule", tmp_path / "example", environment))
    codec = get_compressor("stride:distance=4")
    assert codec.decompress(codec.compress(ARRAY)) == ARRAY


@pytest.mark.slow
def test_a_plug_in_parameter_is_checked_like_any_other(examples):
    with pytest.raises(InputError, match="codec stride: distance=65: expected 1 to 64"):
        get_compressor("stride:distance=65")
    with pytest.raises(InputError, match="codec xz: preset=x: expected an integer from 0 to 9"):
        get_compressor("xz:preset=x")
    with pytest.raises(InputError, match="codec xz: unknown parameter 'dict'"):
        get_compressor("xz:dict=file")


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["stride:distance=4", "xz"])
def test_an_example_survives_damaged_bytes(examples, spec):
    codec = get_compressor(spec)
    packed = codec.compress(ARRAY)
    for damaged in (packed[:-1], b"\0", NOISE[:100], packed[:10]):
        with pytest.raises(CorruptPageError):
            codec.decompress(damaged)


@pytest.mark.slow
def test_the_command_line_measures_a_plug_in(installed, tmp_path):
    path = tmp_path / "some.pages"
    path.write_bytes(ARRAY + NOISE)
    environment = with_path(installed["stride"])
    found = as_json("compressors", "--pages", path, "--compressor", "stride:distance=4", **environment)
    assert found["measured"][0]["compressor"] == "stride:distance=4"
    assert found["measured"][0]["incompressible"] == 0.5


# ---- Python codecs that break the interface ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("raises", "codec rogue-raises: compress raised ZeroDivisionError: in the codec"),
        ("too-much", "codec rogue-too-much: compress returned 12288 bytes, at most 8192 are allowed"),
        ("no-bytes", "codec rogue-no-bytes: compress returned str, expected bytes or None"),
        ("init", "codec rogue-init: making it raised OSError: no licence file"),
        ("mute", "codec rogue-mute: compress raised Mute$"),
        ("half", "codec rogue-half: making it raised AttributeError: .*'decompress'"),
    ],
)
def test_a_python_codec_that_breaks_a_promise_in_compress(python_rogues, name, message):
    with pytest.raises(PluginError, match=message):
        get_compressor(f"rogue-{name}").compress(ARRAY)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("raises", "codec rogue-raises: decompress raised KeyError: 'decompress'"),
        ("no-bytes", "codec rogue-no-bytes: decompress returned NoneType, expected bytes"),
        ("short-page", "codec rogue-short-page: decompress returned 4095 bytes, expected 4096"),
        ("long-page", "codec rogue-long-page: decompress returned 1048576 bytes, expected 4096"),
    ],
)
def test_a_python_codec_that_breaks_a_promise_in_decompress(python_rogues, name, message):
    with pytest.raises(PluginError, match=message):
        get_compressor(f"rogue-{name}").decompress(b"12345678")


def test_the_cause_of_a_plug_in_error_is_kept(python_rogues):
    with pytest.raises(PluginError) as caught:
        get_compressor("rogue-raises").compress(ARRAY)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_python_codec_may_say_that_bytes_are_corrupt(python_rogues):
    with pytest.raises(CorruptPageError):
        get_compressor("rogue-corrupt").decompress(b"12345678")


def test_an_interrupt_inside_a_python_codec_stays_an_interrupt():
    class Interrupted:
        def compress(self, page):
            raise KeyboardInterrupt

        decompress = compress

    codec = Codec(table_of_class("interrupted", Interrupted, {}, "plug-in"))
    with pytest.raises(KeyboardInterrupt):
        codec.compress(ARRAY)


def test_a_codec_that_brings_another_page_back_is_found_out(python_rogues):
    images = np.frombuffer(ARRAY, np.uint8).reshape(1, 4096)
    with pytest.raises(CorruptPageError, match="codec rogue-other-page: page 0"):
        measure(get_compressor("rogue-other-page"), images)


def test_a_failing_codec_fails_in_threads_too(python_rogues):
    images = np.tile(np.frombuffer(ARRAY, np.uint8), (3000, 1))
    with pytest.raises(PluginError, match="ZeroDivisionError"):
        measure(get_compressor("rogue-raises"), images, threads=3)


@pytest.mark.parametrize("name", ["rogue-raises", "rogue-too-much", "rogue-no-bytes"])
def test_a_store_passes_a_plug_in_error_on_and_stays_whole(python_rogues, name):
    with PageStore(1 << 20, get_compressor(name)) as store:
        with pytest.raises(PluginError) as caught:
            store.store(1, ARRAY)
        assert name in f"{caught.value} {caught.value.__cause__}"
        store.check()
        assert store.stats()["stored_pages"] == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("parameters", "`parameters` must map a name to"),
        ("number", "expected a capsule named zswapsim.codec.v1"),
        ("absent", "AttributeError: module 'rogue' has no attribute 'NoSuchName'"),
        ("import", "ModuleNotFoundError: No module named 'rogue_no_such_module'"),
    ],
)
def test_a_plug_in_that_cannot_be_loaded_gives_one_line(python_rogues, name, message):
    with pytest.raises(PluginError, match=f"compressor plug-in rogue-{name} .*{message}") as caught:
        get_compressor(f"rogue-{name}")
    assert "\n" not in str(caught.value)
    assert message in info(f"rogue-{name}").missing


def test_a_built_in_name_cannot_be_taken(python_rogues):
    assert get_compressor("lz4").library is not None
    both = [each for each in available() if each.name == "lz4"]
    assert both[0].missing == ""
    assert both[1].missing == "compressor plug-in lz4: the name belongs to a built-in codec"


def test_an_unknown_codec_lists_plug_ins_without_loading_them(python_rogues):
    with pytest.raises(InputError, match=r"expected one of lz4, .*rogue-raises"):
        get_compressor("nonesuch")
    assert "rogue" not in sys.modules


def test_the_command_line_says_it_in_one_line(tmp_path):
    path = tmp_path / "some.pages"
    path.write_bytes(ARRAY)
    environment = with_path(PLUGINS / "rogue_python")
    for name in ("raises", "too-much", "short-page", "import"):
        line = refused("compressors", "--pages", path, "--compressor", f"rogue-{name}", code=1, **environment)
        assert f"rogue-{name}" in line
    done = zswapsim("compressors", "--pages", path, **environment)
    assert done.returncode == 0
    assert "not measured: page 0: codec rogue-raises: compress raised ZeroDivisionError" in done.stdout


# ---- C codecs that break the interface ---------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("overrun", PluginError, "codec rogue-overrun: compress wrote past its buffer"),
        ("length", PluginError, "codec rogue-length: compress returned 8193, which is neither"),
        ("code", PluginError, "codec rogue-code: compress returned -77, which is neither"),
        ("nomem", HostMemoryError, "codec rogue-nomem: opening a context: the host is out of memory"),
        ("refuses", InputError, "codec rogue-refuses: refused these parameters"),
        ("abi", PluginError, "version 2 of the codec interface, expected 1"),
        ("holes", PluginError, "a function or the name is missing in its table"),
        ("range", PluginError, "parameter level: initial value 5 outside 9 … 1"),
        ("endless", PluginError, "more than 63 parameters"),
        ("symbols", PluginError, "`symbols` must be NULL"),
        ("misnamed", PluginError, "its table is named 'rogue-length'"),
        ("foreign", PluginError, "expected a capsule named zswapsim.codec.v1"),
    ],
)
def test_a_c_codec_that_breaks_a_promise(c_rogues, name, kind, message):
    with pytest.raises(kind, match=message):
        get_compressor(f"rogue-{name}").compress(ARRAY)


@pytest.mark.slow
def test_a_c_codec_that_returns_a_page_too_long(c_rogues):
    with pytest.raises(PluginError, match="codec rogue-long-page: decompress returned 4097"):
        get_compressor("rogue-long-page").decompress(b"1")


@pytest.mark.slow
def test_a_c_codec_that_lies_on_length_is_found_out_by_comparing(c_rogues):
    images = np.frombuffer(ARRAY, np.uint8).reshape(1, 4096)
    with pytest.raises(CorruptPageError, match="codec rogue-liar: page 0"):
        measure(get_compressor("rogue-liar"), images)
