"""Run the command line as a whole: help, exit codes, where output goes, and which files remain."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import psutil
import pytest
from cli_helpers import PLAIN, SMALL, as_json, listing, refused, refused_here, started, zswapsim
from tree import TREE

from zswapsim.cli.commands import COMMANDS, PROGRAM, Parser
from zswapsim.cli.options import CHOICES
from zswapsim.study.settings import Settings

MINUTES = "gen:uniform,pages=3000,events=3e6,seed=3"
AT_BYTES = ("--depth", "bytes", "--compressor", "deflate:level=9")


@pytest.mark.parametrize("command", [[], *[[name] for name in COMMANDS]], ids=lambda command: " ".join(command) or "-")
def test_help(command):
    done = zswapsim(*command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: {' '.join(['zswapsim', *command])} ")
    if not command:
        listed = {line.split()[0] for line in done.stdout.partition("Commands:")[2].splitlines() if line.strip()}
        assert listed >= set(COMMANDS)


@pytest.mark.parametrize("command", [[], *[[name] for name in COMMANDS]], ids=lambda command: " ".join(command) or "-")
def test_help_imports_nothing_heavy(command):
    script = (
        "import sys; from zswapsim.cli import main; code = main(sys.argv[1:])\n"
        "heavy = {'numpy', 'pyarrow', 'psutil', 'rich.progress', 'multiprocessing'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    command = [sys.executable, "-c", script, *command, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, env=PLAIN, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_setting_is_an_option():
    for command in ("run", "compare"):
        text = zswapsim(command, "--help").stdout
        for field in Settings.__struct_fields__:
            assert f"--{field.replace('_', '-')}" in text, f"{command} has no option for {field}"


def test_version():
    done = zswapsim("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("zswapsim ")


def test_no_command_is_wrong_use_and_shows_help():
    done = zswapsim()
    assert done.returncode == 2
    assert "Commands:" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["rn"], "no command 'rn': expected one of demo, run, "),
        (["run"], "TRACE"),
        (["run", SMALL, "--drm", "50%"], "--drm"),
        (["run", SMALL, "--seed", "many"], "--seed: expected a whole number, got 'many'"),
        (["run", SMALL, "--comp", "lz4"], "--comp"),
        (["curve", SMALL, "--rate", "much"], "--rate: expected a number, got 'much'"),
        (["run", SMALL, "extra"], "extra"),
        (["--nothing"], "--nothing"),
        (["compare", SMALL, "--processes", "-1"], "--processes -1"),
    ],
)
def test_wrong_use_is_one_line(capfd, arguments, expected):
    assert expected in refused_here(capfd, *arguments)


def test_wrong_use_is_one_line_of_a_process_too():
    assert refused("run").endswith("run: the following arguments are required: TRACE (see zswapsim run --help)\n")


def test_a_command_is_a_module_whose_docstring_is_its_help():
    for name, line in COMMANDS.items():
        module = import_module(f"zswapsim.cli.{name}")
        assert module.__doc__.splitlines()[0] == line
        parser = Parser(f"{PROGRAM} {name}", module.__doc__)
        module.prepare_parser(parser)
        assert module.__doc__ in parser.format_help()


def test_no_option_stands_for_a_setting_that_is_gone():
    assert set(CHOICES) == set(Settings.__struct_fields__)


def test_debug_shows_where():
    done = zswapsim("run", SMALL, "--dram", "0", env={**PLAIN, "ZSWAPSIM_DEBUG": "1"})
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("zswapsim: --dram 0: expected")


def test_run_prints_a_table_and_nothing_on_stderr():
    done = zswapsim("run", SMALL)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("completed: 6,000 accesses to ")
    assert "\x1b" not in done.stdout


def test_run_json_is_pure_and_has_the_form_of_a_result():
    result = as_json("run", SMALL)
    assert result["outcome"] == "completed"
    assert result["counters"]["accesses"] == 6_000
    assert {"read", "replay", "compress", "decompress", "total"} <= set(result["times_ns"])
    assert {"fault", "compress", "decompress", "device", "total"} <= set(result["modelled_ns"])
    assert result["settings"]["trace"] == SMALL


def test_every_counter_is_explained():
    explained = (TREE / "docs" / "counters.md").read_text()
    for name in as_json("run", SMALL)["counters"]:
        assert f"`{name}`" in explained, name


def test_every_option_is_explained():
    explained = (TREE / "docs" / "cli.md").read_text()
    for field in Settings.__struct_fields__:
        assert f"--{field.replace('_', '-')}" in explained, field


def test_run_json_to_a_file_comes_with_the_table(tmp_path):
    path = tmp_path / "result.json"
    done = zswapsim("run", SMALL, "--json", path)
    assert done.returncode == 0
    assert "major_faults" in done.stdout
    assert json.loads(path.read_bytes())["outcome"] == "completed"
    assert [entry.name for entry in tmp_path.iterdir()] == ["result.json"]


def test_quiet_prints_nothing(tmp_path):
    done = zswapsim("run", SMALL, "--quiet", "--json", tmp_path / "result.json")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_contents_only_faults_are_counted():
    result = as_json("run", SMALL, "--contents", "none")
    assert result["settings"]["depth"] == "counts"
    full = as_json("run", SMALL, "--node", "100%")
    assert result["counters"]["major_faults"] == full["counters"]["major_faults"]


def test_compare_is_a_list_in_a_fixed_order_with_the_counters_of_single_runs():
    arguments = [SMALL, "--compressor", "lz4", "--compressor", "zstd:level=1", "--dram", "30%", "--dram", "60%"]
    together = as_json("compare", *arguments)
    alone = as_json("compare", *arguments, "--processes", 1)
    asked = [(row["settings"]["dram"], row["settings"]["compressor"]) for row in together]
    assert asked == [("30%", "lz4"), ("30%", "zstd:level=1"), ("60%", "lz4"), ("60%", "zstd:level=1")]
    assert [row["counters"] for row in together] == [row["counters"] for row in alone]
    single = as_json("run", SMALL, "--compressor", "zstd:level=1", "--dram", "60%")
    assert single["counters"] == together[3]["counters"], "bytes and sizes depth agree"


def test_compare_prints_a_table_with_marks():
    done = zswapsim("compare", SMALL, "--backend", "private-node", "--backend", "disk", "--compressor", "lz4")
    assert (done.returncode, done.stderr) == (0, "")
    assert "*" in done.stdout
    assert "disk" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_full_stdout_is_one_line_and_exit_1():
    with Path("/dev/full").open("w") as full:
        assert "No space left on device" in refused("run", SMALL, "--json", "-", code=1, stdout=full)
        assert "No space left on device" in refused("--help", code=1, stdout=full)


def test_a_reader_that_leaves_is_no_error():
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "w") as gone:
        done = zswapsim("run", SMALL, "--json", "-", stdout=gone)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("place", ["missing/result.json", "."])
def test_an_output_that_cannot_be_written_is_refused_before_the_work(tmp_path, place):
    line = refused("run", MINUTES, *AT_BYTES, "--json", tmp_path / place, code=1, folder=tmp_path)
    assert "cannot write" in line


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_output_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    assert "Permission denied" in refused("run", SMALL, "--json", tmp_path / "result.json", code=1)


def test_progress_is_on_a_terminal_only():
    controller, terminal = pty.openpty()
    with started("run", MINUTES, *AT_BYTES, stderr=terminal):
        os.close(terminal)
        shown = b""
        while b"replaying" not in shown:
            shown += os.read(controller, 1024)  # raises if the terminal was closed before the label was printed
    os.close(controller)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_comparison_leaves_nothing_behind(tmp_path, number, code):
    """Ctrl-C reaches the whole group. The workers share its stderr, so they have ended when that is closed."""
    arguments = ["compare", MINUTES, "--dram", "30%", "--dram", "60%", *AT_BYTES, "--processes", 2]
    with started(*arguments, env={**PLAIN, "TMPDIR": str(tmp_path)}) as process:
        _wait_for(lambda: any(entry.joinpath("progress").exists() for entry in tmp_path.iterdir()), process)
        os.killpg(process.pid, number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (code, "", "zswapsim: interrupted\n" if number == signal.SIGINT else "")
    assert listing(tmp_path) == []


def test_demo_compares_at_least_three_compressors():
    results = as_json("demo", "--trace", "gen:uniform,pages=100,events=100000", "--node", "60%")
    pooled = [row for row in results if row["settings"]["backend"] == "private-node"]
    assert len({row["settings"]["compressor"] for row in pooled}) >= 3
    for row in results:
        counters = row["counters"]
        assert (row["outcome"], row["settings"]["depth"], row["settings"]["dram"]) == ("completed", "bytes", "50%")
        assert counters["major_faults"] == counters["zswpin"] + counters["pswpin"] + counters["swpin_zero"] > 0
    assert all(set(row["owners"]["private"]) <= {"swap backend", "free"} for row in pooled)


def test_demo_ends_with_two_sentences():
    done = zswapsim("demo", "--trace", SMALL)
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()[-2:]
    assert first.startswith("Take ")
    assert second.startswith("For that it takes ")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_the_program_of_an_interrupted_demo_is_gone(number, code):
    """The child ends with the demo, by Ctrl-C, SIGTERM or SIGKILL, or when its standard input is closed."""
    children = []
    with started("demo", "--trace", SMALL) as demo:
        _wait_for(lambda: children.extend(psutil.Process(demo.pid).children()) or children, demo)
        os.killpg(demo.pid, number)
        out, err = demo.communicate(timeout=60)
    assert (demo.returncode, out) == (code, "")
    assert err == ("zswapsim: interrupted\n" if number == signal.SIGINT else "")
    assert psutil.wait_procs(children, timeout=60)[1] == []


def test_an_interrupted_run_prints_what_it_has(tmp_path):
    path = tmp_path / "result.json"
    with started("run", MINUTES, *AT_BYTES, "--json", path, env={**PLAIN, "TMPDIR": str(tmp_path)}) as process:
        _wait_for(lambda: any(str(tmp_path) in name for name in _open_files(process.pid)), process)
        time.sleep(0.5)  # the device is open: the replay is about to start, or has started
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "zswapsim: interrupted\n")
    assert out.startswith("interrupted: ")
    assert json.loads(path.read_bytes())["outcome"] == "interrupted"


def _open_files(pid):
    """Return the names of the files that a process has open, without those that it closes meanwhile."""
    names = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            names.append(os.readlink(entry))
    return names


def _wait_for(condition, process, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
