"""Run `zswapsim validate` on the pages of live programs, as root: ``python bench/kernel.py [NAME]...``.

Starts every program below that this machine has, lets it fill its memory, captures its anonymous pages into a file,
ends it, and passes the files to ``zswapsim validate``. docs/validate.md quotes the output.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from zswapsim.cli.demo import pages_of_program
from zswapsim.traces import capture_pages
from zswapsim.traces.contents import write_pages

LIMIT = 24_576  # pages of each program, evenly spread
NODE = """
const people = new Map();
for (let i = 0; i < 120000; i++)
  people.set(`user-${i}`, {id: i, name: `name ${i * 7919 % 10007}`, tags: [i % 7, i % 11], score: Math.sqrt(i)});
const text = JSON.stringify([...people.values()].slice(0, 40000));
console.log('READY'); setInterval(() => people.size + text.length, 1000);
"""
JAVA = """
import java.util.*;
class Fill { public static void main(String[] a) throws Exception {
  Map<String, List<Object>> all = new HashMap<>();
  for (int i = 0; i < 150000; i++)
    all.put("key-" + i * 7919L % 1000003, List.of(i, "value " + i, Math.sqrt(i), new Date(i * 86400000L)));
  System.out.println("READY"); Thread.sleep(600000); System.out.println(all.size()); } }
"""
SQL = """
pragma cache_size = -200000;
create table item (id integer primary key, name text, price real, note text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 200000)
  insert into item select i, 'item ' || (i * 7919 % 10007), i / 7.0, hex(randomblob(i % 40)) from n;
create index by_name on item (name, price);
.print READY
"""
PERL = """
$| = 1; my %h; $h{"key $_"} = [$_, "value " . $_ * 7919 % 10007, {n => sqrt $_}] for 1 .. 80000;
print "READY\\n"; sleep 600;
"""


def wait_ready(program: subprocess.Popen[bytes]) -> None:
    for line in program.stdout or ():
        if line.startswith(b"READY"):
            return
    raise SystemExit(f"{program.args} ended with {program.wait()}")


def pages_of(command: list[str], sent: str = "", cwd: Path | None = None) -> list:
    """Return the pages of a program that prints READY when its memory is filled."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=cwd) as program:
        program.stdin.write(sent.encode())
        program.stdin.flush()
        wait_ready(program)
        pages = list(capture_pages(program.pid, LIMIT))
        program.kill()
    return pages


def compiler(folder: Path) -> list:
    """Return the pages of gcc's cc1, stopped in the middle of a long file."""
    body = "".join(
        f"int f{i}(int *a, int n) {{ int s = {i}; while (n--) s += a[n] * (s ^ {i}); return s; }}\n"
        for i in range(60_000)
    )
    (folder / "long.c").write_text(body)
    cc1 = subprocess.run(["gcc", "-print-prog-name=cc1"], capture_output=True, text=True, check=True).stdout.strip()
    with subprocess.Popen([cc1, "-quiet", "-O1", "long.c", "-o", os.devnull], cwd=folder) as program:
        time.sleep(4)
        program.send_signal(signal.SIGSTOP)
        pages = list(capture_pages(program.pid, LIMIT))
        program.kill()
    return pages


def found(folder: Path) -> dict:
    """Return a function that gets the pages, for each program that is installed."""
    (folder / "Fill.java").write_text(JAVA)
    ways = {
        "python": lambda: [pages_of_program(0)],
        "node": lambda: pages_of(["node", "-e", NODE]),
        "java": lambda: pages_of(["java", "-Xmx256m", "Fill.java"], cwd=folder),
        "sqlite3": lambda: pages_of(["sqlite3"], SQL),
        "perl": lambda: pages_of(["perl", "-e", PERL]),
        "gcc": lambda: compiler(folder),
    }
    return {name: way for name, way in ways.items() if name == "python" or shutil.which(name)}


def main(wanted: list[str]) -> int:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        options = []
        for name, way in found(folder).items():
            if not wanted or name in wanted:
                write_pages(folder / f"{name}.pages", way(), 0o600)
                options += ["--pages", f"{name}.pages"]
        done = subprocess.run([sys.executable, "-m", "zswapsim", "validate", *options], cwd=folder, check=False)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
