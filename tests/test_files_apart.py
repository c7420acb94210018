"""Check that no command writes into a file that it reads, or twice into one file."""

import argparse
import os
from importlib import import_module
from pathlib import Path

import pytest
from cli_helpers import called, refused_here, zswapsim

from zswapsim import InputError, make_profile, read_contents, read_trace, write_trace
from zswapsim.cli.commands import COMMANDS, Parser
from zswapsim.cli.file_roles import INPUTS, OUTPUTS, codec_files, named_file
from zswapsim.files.apart import Named, keep_apart
from zswapsim.traces.contents import write_pages
from zswapsim.traces.convert import convert_trace

TRACE = "gen:zipf,pages=60,events=400,alpha=0.9,writes=0.3,seed=1"
WITHOUT_FILES = {"groups", "cram", "control", "codec", "folio"}
"""Options that take a specification in which no file can be named."""

CLASHES = {
    "run t.csv --json t.csv": "t.csv: it is the trace to be read: expected another file for --json",
    "run t.csv --json ../here/./t.csv": "it is the trace to be read",
    "run t.csv --json link": "link: it is the trace to be read",
    "run link --json t.csv": "it is the trace to be read",
    "run t.csv --json hard": "hard: it is the trace to be read",
    "run t.csv --contents x.pages --json x.pages": "it is the file of --contents: expected another file for --json",
    "run t.csv --profile p --json p": "it is the file of --profile",
    "run t.csv --compressor zstd:level=3,dict=d --json d": "it is a compressor's dictionary",
    "run t.csv --backend zram:algorithms=zstd:dict=d --json d": "it is a compressor's dictionary",
    "compare t.csv --compressor lz4 --compressor zstd:dict=d --json d": "it is a compressor's dictionary",
    "compare t.csv --json t.csv": "it is the trace to be read",
    "curve t.csv --json t.csv": "it is the trace to be read",
    "curve t.csv --json o --picture o": "it is --json: expected another file for --picture",
    "curve t.csv --picture t.csv": "it is the trace to be read",
    "plan t.csv --json o --picture o": "it is --json",
    "plan t.csv --json ./o --picture ../here/o": "it is --json",
    "plan t.csv --json dangling --picture nothing": "it is --json",
    "plan pid:1 --damon d --json d": "it is the file of --damon",
    "plan pid:1 --perf d --json d": "it is the file of --perf",
    "plan t.csv --contents x.pages --picture x.pages": "it is the file of --contents",
    "audit --json o --picture o": "it is --json",
    "cram --compressor zstd:dict=d --json d": "it is a compressor's dictionary",
    "demo --trace t.csv --json t.csv": "it is the trace to be read",
    "profile x.pages -o x.pages --fresh": "it is the file of pages to be read",
    "profile x.pages -o o --json o": "for --output",
    "profile x.pages -o o --json o.part": "o.part: it is --json",
    "profile o.part -o o --fresh": "o.part: it is the file of pages to be read",
    "profile x.pages -o d --compressor zstd:dict=d": "it is a compressor's dictionary",
    "compressors --pages x.pages --train-dict x.pages": "it is the file of pages to be read",
    "compressors --pages x.pages --train-dict o --json o": "it is --json",
    "compressors --pages x.pages --compressor zstd:dict=d --json d": "it is a compressor's dictionary",
    "convert t.csv t.csv": "it is the trace to be read",
    "convert t.csv hard": "it is the trace to be read",
    "validate --pages x.pages --json x.pages": "it is the file of pages to be read",
    "validate --swap --trace t.csv --json t.csv": "it is the trace to be read",
    "run /dev/stdin --json t.csv": "t.csv: it is the trace to be read",
    "run /proc/self/fd/0 --json t.csv": "t.csv: it is the trace to be read",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the files that the commands name, with t.csv as standard input too."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    write_trace(read_trace(TRACE), "t.csv")
    write_pages("x.pages", read_contents("recipe:mix,pages=8").images)
    for name in ("d", "p", "o.part"):
        Path(name).write_bytes(b"kept")
    Path("link").symlink_to("t.csv")
    Path("hard").hardlink_to("t.csv")
    Path("dangling").symlink_to("nothing")
    return folder


@pytest.fixture
def stdin_is_the_trace(here: Path) -> None:
    kept, opened = os.dup(0), os.open(here / "t.csv", os.O_RDONLY)
    os.dup2(opened, 0)
    yield
    os.dup2(kept, 0)
    os.close(kept)
    os.close(opened)


@pytest.mark.usefixtures("stdin_is_the_trace")
@pytest.mark.parametrize("command", CLASHES)
def test_an_output_that_is_another_file_of_the_command_is_refused(here: Path, capfd, command: str) -> None:
    before = {path.name: path.read_bytes() for path in here.iterdir() if path.exists()}
    assert CLASHES[command] in refused_here(capfd, *command.split(), folder=None)
    assert {path.name: path.read_bytes() for path in here.iterdir() if path.exists()} == before


def test_what_is_printed_into_an_input_is_refused(here: Path) -> None:
    before = Path("t.csv").read_bytes()
    with Path("t.csv").open("ab") as printed:
        done = zswapsim("run", "t.csv", "--contents", "none", stdout=printed)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "standard output: it is the trace to be read" in done.stderr
    assert Path("t.csv").read_bytes() == before


def test_a_device_may_be_given_twice(here: Path, capfd) -> None:
    assert called("run", "t.csv", "--contents", "none", "-q", "--json", "/dev/null") == 0
    keep_apart([Named("the trace to be read", "/dev/null")], [Named("a", "/dev/null"), Named("b", "/dev/null")])
    assert capfd.readouterr().err == ""


def test_a_pipe_is_not_written_while_it_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe: it is the trace"):
        keep_apart([Named("the trace", tmp_path / "pipe")], [Named("a", tmp_path / "pipe")])


def test_different_files_are_not_refused(here: Path) -> None:
    Path("other").mkdir()
    keep_apart([Named("a", "t.csv"), Named("b", "t.csv")], [Named("c", "o"), Named("d", "other/o"), Named("e", "x")])
    keep_apart([Named("a process, say", "1234")], [Named("o", "1234")])


def test_functions_that_read_and_write_refuse_too(here: Path) -> None:
    for call in (
        lambda: convert_trace("t.csv", "hard"),
        lambda: write_trace(read_trace("t.csv"), "hard"),
        lambda: make_profile(read_contents("x.pages"), ["lz4"], "x.pages", resume=False),
        lambda: make_profile(read_contents("x.pages").with_zeros(), ["lz4"], "x.pages", resume=False),
    ):
        before = Path("t.csv").read_bytes(), Path("x.pages").read_bytes()
        with pytest.raises(InputError, match="expected another file"):
            call()
        assert (Path("t.csv").read_bytes(), Path("x.pages").read_bytes()) == before
    Path("x.part").write_bytes(Path("x.pages").read_bytes())
    with pytest.raises(InputError, match=r"x\.part: it is the file of pages to be read"):
        make_profile(read_contents("x.part"), ["lz4"], "x", resume=False)


def actions() -> list[tuple[str, argparse.Action]]:
    found = []
    for name in COMMANDS:
        parser = Parser(name)
        import_module(f"zswapsim.cli.{name}").prepare_parser(parser)
        found += [(name, action) for action in parser._actions]
    return found


@pytest.mark.parametrize(("command", "action"), actions(), ids=lambda each: getattr(each, "dest", each))
def test_every_option_that_names_a_file_has_a_role(command: str, action: argparse.Action) -> None:
    shown = action.metavar or ""
    if action.dest in (INPUTS | OUTPUTS) or action.dest in WITHOUT_FILES:
        return
    assert not any(word in shown for word in ("FILE", "PAGES", "TRACE", "SPEC", "OUT", "IN", "PATH")), action.dest


def test_files_in_specifications() -> None:
    assert list(codec_files("zstd:level=3,dict=a")) == ["a"]
    assert list(codec_files("zram:algorithms=lz4+zstd:dict=a+zstd:dict=b,priority=1")) == ["a", "b"]
    assert list(codec_files("lz4")) == []
    assert list(named_file("gen:zipf")) == list(named_file("pid:1")) == list(named_file("bundled:none")) == []
    assert next(named_file("bundled:json")).endswith("json.csv.zst")
