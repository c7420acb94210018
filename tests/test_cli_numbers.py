"""Give every option of every command hostile values: it is done or refused in one line, and never an internal error.

The options are read from the parsers, so that a new one is covered by itself.
"""

import argparse
import os
import signal
from functools import cache
from importlib import import_module

import pytest
from cli_helpers import called

from zswapsim.cli.commands import COMMANDS, PROGRAM, Parser
from zswapsim.study.cram.headroom import HeadroomPoint
from zswapsim.study.cram.overwritten import overwritten_zeros
from zswapsim.traces.recipes import recipe_pages

TINY = "gen:uniform,pages=60,events=300,seed=1"
DIGITS = "9" * 5000  # more than int() reads
NUMBERS = (
    *("", " ", "-1", "0", "3.5", "1e3", "1e-400", "1e400", "1e400%", "-1e400", "inf", "-inf", "nan", "infinity"),
    *(DIGITS, f"{DIGITS}%", f"-{DIGITS}", f"{DIGITS}.5", f"0.{DIGITS}", "9223372036854775807", "9223372036854775808"),
    *("18446744073709551616", "-9223372036854775809", "4294967296", "1e19", "16777216TiB", "9e9TiB", "0x10", "1_000"),
    *("\N{ARABIC-INDIC DIGIT SEVEN}", "\N{SUPERSCRIPT TWO}", "\N{VULGAR FRACTION ONE HALF}", "1000000000000s", "5%%"),
    *("1e12s", "\x1b[31m7", "\udcff", "--", "1/0", "7\n8", "1+" * 2000, "=", ","),
)
OWN = str(os.getpid())
COMMANDS_THAT_END = {
    "demo": ["--trace", TINY],
    "run": [TINY, "--contents", "recipe:mix,pages=60"],
    "compare": [TINY, "--contents", "recipe:mix,pages=60", "--processes", "1"],
    "curve": [TINY],
    "plan": [TINY, "--contents", "recipe:mix,pages=60", "--compressor", "store", "--dram", "50%"],
    "audit": ["--isolation", "private-flag", "--explain", "vmalloc"],
    "cram": [*("--physical", "1MiB", "--inflow", "1GB", "--delay", "100us", "--after", "1", "--headroom", "10")],
    "capture": [OWN, "-o", "own.pages", "--limit", "64KiB"],
    "convert": [TINY, "out.csv"],
    "profile": ["recipe:mix,pages=60", "-o", "out.parquet", "--compressor", "store", "--threads", "1"],
    "compressors": ["--pages", "recipe:mix,pages=60", "--compressor", "store"],
    "validate": [],
}
"""A command line of each command that ends soon. An option given again replaces the one here, or is added."""
PLAIN_FILES = ("json", "picture", "output", "train_dict")
"""Outputs take any name, so a few are enough."""
OF_FILES = ("FILE", "OUT", "TRACE", "PAGES", "PID", "IN", "CALLER")
ZEROS = cache(overwritten_zeros)
NO_PAGES = dict.fromkeys(set(HeadroomPoint.__struct_fields__) - {"case"}, 0)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("zswapsim.cli.demo.pages_of_program", lambda _seed: recipe_pages("mix", 60))
    monkeypatch.setattr("zswapsim.kernel.zram.missing", lambda: "not on this machine")
    monkeypatch.setattr("zswapsim.study.cram.headroom.replay_case", lambda case: HeadroomPoint(case=case, **NO_PAGES))
    monkeypatch.setattr("zswapsim.study.cram.overwritten.overwritten_zeros", ZEROS)


def options(command: str) -> list[argparse.Action]:
    """Return the options and arguments of a command that take a value."""
    module = import_module(f"zswapsim.cli.{command}")
    parser = Parser(f"{PROGRAM} {command}", module.__doc__)
    module.prepare_parser(parser)
    return [action for action in parser._actions if action.nargs is None]


def lines_of(command: str, action: argparse.Action, value: str) -> list[str]:
    """Return the command line with the value for one option or argument."""
    usual = COMMANDS_THAT_END[command]
    if action.option_strings:
        return [command, *usual, f"{action.option_strings[0]}={value}"]
    places = [other.dest for other in options(command) if not other.option_strings]
    return [command, *(value if place == places.index(action.dest) else word for place, word in enumerate(usual))]


def test_every_command_has_a_line_that_ends():
    assert set(COMMANDS_THAT_END) == set(COMMANDS)


CASES = [(command, action) for command in COMMANDS for action in options(command)]


@pytest.mark.parametrize(("command", "action"), CASES, ids=[f"{command} {action.dest}" for command, action in CASES])
def test_a_hostile_value_is_refused_in_one_line_or_taken(command, action, capfd):
    of_file = any(word in (action.metavar or "") for word in OF_FILES)
    for value in NUMBERS[::8] if action.dest in PLAIN_FILES else NUMBERS:
        code = called(*lines_of(command, action, value))
        out, err = capfd.readouterr()
        what = f"{command} {action.dest} {value[:50]!r}: {code}: {err[:300]}"
        assert code in ((0, 1, 2) if of_file or command == "validate" else (0, 2)), what
        assert "Traceback" not in err, what
        assert "internal error" not in err, what
        assert "\x1b" not in out + err, what
        if code:
            assert err.count("\n") == 1, what
            assert err.startswith("zswapsim: "), what
            assert len(err) < 2500, what
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
