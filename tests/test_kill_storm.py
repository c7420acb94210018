"""Interrupt long commands at exact moments, twice each: nothing stays behind (strike.py; storm.py kills at random).

The commands run in one process of their own, because Python's audit hooks stay for good.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from cli_helpers import PLAIN

STRIKE = Path(__file__).with_name("strike.py")
QUICK = ("run", "curve", "convert", "profile")


def struck(count, *commands):
    command = [sys.executable, str(STRIKE), str(count), *commands]
    done = subprocess.run(command, capture_output=True, text=True, env=PLAIN, check=False, timeout=600)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == list(commands), done.stdout
    for line in lines:
        assert line.endswith("; 0 unclean")
        assert "ended with 130" in line, "a moment of the work was struck"
    return lines


def test_quick_commands_leave_nothing_when_they_are_interrupted_twice():
    struck(4, *QUICK)


@pytest.mark.slow
def test_a_comparison_in_several_processes_leaves_nothing_when_it_is_interrupted_twice():
    struck(3, "compare")
