"""Fuzz the codecs of cext/ with clang's libFuzzer.

``python -m tests.fuzz.native --seconds N`` builds a target for each codec in build/fuzz, runs each for its share of the
time, and prints its executions, coverage and new inputs. It exits 1 if an input breaks a rule, and names the file
that has the input. ``--only decompress`` tries any bytes alone, many of them in an execution. ``--memory`` looks
for uses of uninitialised memory, of which the other sanitizers see nothing. ``--keep`` runs nothing: it adds what the
runs have found to the corpus of the tree. A campaign of 10^8 inputs for each decompressor:

    python -m tests.fuzz.native --only decompress --tries 256 --longest 200 --inputs 100000000 --seconds 660
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.build import SANITIZERS, BuildError, build_targets, libraries_of
from tests.fuzz.corpus import CODECS, LONGEST, distances, pack_file, packed, seeds, unpacked, write_folder

WORK = Path("build/fuzz")
FINDINGS = WORK / "findings"
LONGEST_KEPT = 4200
MOST_KEPT = 27_000
"""Bytes of the corpus of one codec in the tree."""
EXECUTIONS = re.compile(r"stat::number_of_executed_units: +(\d+)")
COVERED = re.compile(r"^#\d+\s+\w+ +cov: (\d+)", re.MULTILINE)
COUNTERS = re.compile(r"\((\d+) inline 8-bit counters\)")
COUNTS = re.compile(r"^fuzz: \S+ (\d+) inputs decompressed, (\d+) round trips", re.MULTILINE)
FINDING = re.compile(r"Test unit written to (\S+)")
WHY = re.compile(r"^(?:fuzz: .*expected.*|SUMMARY: .*|.*runtime error: .*)$", re.MULTILINE)


class Outcome(NamedTuple):
    """The figures of one run of a target; `found` names the input that broke a rule, and `why` says which."""

    codec: str
    executions: int
    decompressed: int
    round_trips: int
    covered: int
    counters: int
    new: int
    found: str
    why: str


def last(pattern: re.Pattern[str], text: str) -> tuple[int, ...]:
    matches = pattern.findall(text)
    if not matches:
        return (0, 0)
    return tuple(map(int, matches[-1])) if isinstance(matches[-1], tuple) else (int(matches[-1]),)


def corpus_folder(codec: str) -> Path:
    """Return the folder that libFuzzer adds to, with the kept corpus, and with seeds if it is new."""
    folder = WORK / "corpus" / codec
    if not folder.is_dir():
        write_folder(folder, seeds(codec))
    if pack_file(codec).is_file():
        write_folder(folder, unpacked(pack_file(codec).read_bytes()))
    return folder


def environment(codec: str, only: str, tries: int | None) -> dict[str, str]:
    chosen = {"ZSWAPSIM_FUZZ_LIBRARIES": ":".join(libraries_of(codec)), "ASAN_OPTIONS": "detect_leaks=0"}
    if only:
        chosen["ZSWAPSIM_FUZZ_ONLY"] = only
    if tries is not None:
        chosen["ZSWAPSIM_FUZZ_TRIES"] = str(tries)
    return {**os.environ, **chosen}


def run_target(codec: str, target: Path, options: argparse.Namespace, seconds: float) -> Outcome:
    folder = corpus_folder(codec)
    before = sum(1 for _ in folder.iterdir())
    FINDINGS.mkdir(parents=True, exist_ok=True)
    flags = [
        f"-max_total_time={max(round(seconds), 1)}",
        f"-artifact_prefix={FINDINGS}/{codec}-",
        f"-max_len={options.longest}",
        "-print_final_stats=1",
        "-timeout=300",
        "-report_slow_units=300",
        "-rss_limit_mb=2048",
        "-reload=0",
        "-detect_leaks=0",
        *(["-keep_seed=1"] if libraries_of(codec) else []),
    ]
    log = WORK / f"{codec}.log"
    with log.open("wb") as out:
        done = subprocess.run(
            [target, *flags, folder],
            stdout=out,
            stderr=out,
            check=False,
            env=environment(codec, options.only, options.tries),
        )
    return outcome(codec, log.read_text(errors="replace"), done.returncode, sum(1 for _ in folder.iterdir()) - before)


def run_until(codec: str, target: Path, options: argparse.Namespace, seconds: float) -> Outcome:
    """Run a target until it has decompressed the wanted number of inputs, or has found something."""
    total = run_target(codec, target, options, seconds)
    while not total.found and total.decompressed < options.inputs:
        more = run_target(codec, target, options, seconds)
        total = more._replace(
            executions=total.executions + more.executions,
            decompressed=total.decompressed + more.decompressed,
            round_trips=total.round_trips + more.round_trips,
            covered=max(total.covered, more.covered),
            new=total.new + more.new,
        )
    return total


def outcome(codec: str, log: str, code: int, new: int) -> Outcome:
    found, why = FINDING.findall(log), WHY.findall(log)
    decompressed, round_trips = last(COUNTS, log)[:2]
    return Outcome(
        codec,
        last(EXECUTIONS, log)[0],
        decompressed,
        round_trips,
        last(COVERED, log)[0],
        last(COUNTERS, log)[0],
        new,
        (found[-1] if found else f"{WORK}/{codec}.log") if code else "",
        why[0] if why else f"status {code}",
    )


HEAD = f"{'codec':10} {'executions':>13} {'decompressed':>14} {'round trips':>12} {'edges':>12} {'new inputs':>11}"


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def say_outcome(o: Outcome) -> None:
    edges = f"{o.covered} of {o.counters}"
    say(f"{o.codec:10} {o.executions:13,} {o.decompressed:14,} {o.round_trips:12,} {edges:>12} {o.new:11,}")
    if o.found:
        sys.stderr.write(f"fuzz: {o.codec}: {o.why}; the input is kept in {o.found}\n")


def keep(codec: str, target: Path) -> None:
    """Add to the corpus of the tree, without a change of what it has, the short inputs that reach something new."""
    kept = list(unpacked(pack_file(codec).read_bytes())) if pack_file(codec).is_file() else distances()
    merged, short = WORK / "merged" / codec, WORK / "short" / codec
    for folder in (merged, short):
        subprocess.run(["rm", "-rf", folder], check=True)
        folder.mkdir(parents=True)
    write_folder(merged, kept)
    found = (path.read_bytes() for path in corpus_folder(codec).iterdir())
    write_folder(short, (each for each in found if len(each) <= LONGEST_KEPT))
    command = [target, "-merge=1", "-detect_leaks=0", merged, short]
    with (WORK / f"{codec}-merge.log").open("wb") as out:
        subprocess.run(command, stdout=out, stderr=out, check=True, env=environment(codec, "", 0))
    new = sorted({path.read_bytes() for path in merged.iterdir()} - set(kept), key=lambda each: (len(each), each))
    pack_file(codec).parent.mkdir(exist_ok=True)
    pack_file(codec).write_bytes(packed(within(kept, new)))


def within(kept: list[bytes], new: Iterable[bytes]) -> list[bytes]:
    """Return what was kept, and as many of the new inputs as there is space for."""
    bytes_kept = sum(2 + len(each) for each in kept)
    for each in new:
        bytes_kept += 2 + len(each)
        if bytes_kept > MOST_KEPT:
            break
        kept.append(each)
    return kept


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60.0, help="time of all targets together")
    parser.add_argument("--codec", action="append", choices=CODECS, help="run this target; may be repeated")
    parser.add_argument("--inputs", type=int, default=0, help="run again until so many were decompressed, each codec")
    parser.add_argument("--only", choices=["decompress"], default="", help="any bytes to the decompressor alone")
    parser.add_argument("--tries", type=int, help="changed inputs that are tried beside each input")
    parser.add_argument("--memory", action="store_true", help="look for uses of uninitialised memory instead")
    parser.add_argument("--longest", type=int, default=4200, help=f"bytes of an input, at most {LONGEST}")
    parser.add_argument("--keep", action="store_true", help="run nothing: add what was found to the corpus of the tree")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    # A library is not compiled with the sanitizer, which would take all that it writes for uninitialised.
    codecs = [codec for codec in options.codec or CODECS if not (options.memory and libraries_of(codec))]
    if not codecs:
        sys.stderr.write("fuzz: --memory is for codecs that need no library\n")
        return 2
    try:
        targets = build_targets(codecs, WORK, "memory" if options.memory else SANITIZERS)
    except BuildError as error:
        sys.stderr.write(f"fuzz: {error}\n")
        return 1
    if options.keep:
        for codec in codecs:
            keep(codec, targets[codec])
        return 0
    say(HEAD)
    outcomes = []
    for codec in codecs:
        outcomes.append(run_until(codec, targets[codec], options, options.seconds / len(codecs)))
        say_outcome(outcomes[-1])
    return int(any(each.found for each in outcomes))


if __name__ == "__main__":
    sys.exit(main())
