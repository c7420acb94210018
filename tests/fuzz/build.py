"""Compile the fuzz targets of the codecs: with clang for libFuzzer, or with the system's compiler for a replay."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.tree import TREE
from zswapsim.compressors.libraries import SOURCES, candidates

FUZZ = Path(__file__).parent
CODEC_SOURCES = sorted((TREE / "cext").glob("*.c"))
CHECKS = [FUZZ / name for name in ("guarded.c", "decompress.c", "round_trip.c", "target.c")]
CHOICE = FUZZ / "setups.c"
REPLAY = FUZZ / "replay.c"
HEADERS = [*(TREE / "cext").glob("*.h"), *FUZZ.glob("*.h")]
COMMON = ["-std=c11", "-g1", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all", f"-I{TREE / 'cext'}", f"-I{FUZZ}"]
SANITIZERS = "address,undefined"
NO_CLANG = "no clang found: install it with its runtime (Debian: apt-get install clang libclang-rt-14-dev)"
NO_RUNTIME = "clang has no runtime for libFuzzer: install it (Debian: apt-get install libclang-rt-{}-dev)"


class BuildError(Exception):
    """Say in one line why the targets can't be compiled."""


def libraries_of(codec: str) -> list[str]:
    """Return the shared objects that a codec's functions are looked for in, none if it needs none."""
    return list(candidates(SOURCES[codec])) if codec in SOURCES else []


def compiler() -> list[str]:
    return shlex.split(os.environ.get("CC") or "gcc")


def compile_all(commands: Sequence[Sequence[str | Path]]) -> None:
    """Run commands two at a time. Raise BuildError, with the first lines of what it printed, if one fails."""
    for at in range(0, len(commands), 2):
        started = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for command in commands[at : at + 2]
        ]
        said = [each.communicate()[0] for each in started]
        for each, text in zip(started, said, strict=True):
            if each.returncode:
                raise BuildError(text)


# ---- a replay ----------------------------------------------------------------------------------------------------


REPLAY_FLAGS = [*COMMON, "-Og", f"-fsanitize={SANITIZERS}"]
REPLAY_SOURCES = [*CODEC_SOURCES, *CHECKS, CHOICE, REPLAY]


def compile_replay(folder: Path, sources: Sequence[Path] = REPLAY_SOURCES) -> dict[str, Path]:
    """Compile sources of a replay, with the sanitizers, into `folder`. Return the objects by their sources' names."""
    objects = {path.name: folder / f"{path.stem}.o" for path in sources}
    compile_all([[*compiler(), *REPLAY_FLAGS, "-c", path, "-o", objects[path.name]] for path in sources])
    return objects


def link_replay(objects: Mapping[str, Path], program: Path) -> Path:
    """Link the targets of all codecs with a main() that reads files."""
    compile_all([[*compiler(), *REPLAY_FLAGS, *objects.values(), "-o", program, "-ldl"]])
    return program


# ---- libFuzzer ---------------------------------------------------------------------------------------------------


def clang() -> str:
    found = shutil.which(os.environ.get("CLANG") or "clang")
    if not found:
        raise BuildError(NO_CLANG)
    return found


def version_of(program: str) -> str:
    said = subprocess.run([program, "-dumpversion"], capture_output=True, text=True, check=True).stdout
    return said.partition(".")[0]


def check_runtime(program: str, folder: Path, sanitizers: str) -> None:
    """Raise BuildError if clang can't link a target, with the package that it needs."""
    empty = folder / "empty.c"
    empty.write_text("int LLVMFuzzerTestOneInput(const void *d, unsigned long n) { return d && n > 9 ? 0 : 0; }\n")
    command = [program, f"-fsanitize=fuzzer,{sanitizers}", empty, "-o", folder / "empty"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        raise BuildError(NO_RUNTIME.format(version_of(program)))


def up_to_date(made: Path, sources: Sequence[Path]) -> bool:
    return made.exists() and all(path.stat().st_mtime <= made.stat().st_mtime for path in sources)


def build_targets(codecs: Sequence[str], work: Path, sanitizers: str = SANITIZERS) -> dict[str, Path]:
    """Compile a target for each codec into a folder of `work`, and return the programs."""
    folder = work / f"bin-{sanitizers.replace(',', '-')}"
    targets = {codec: folder / codec for codec in codecs}
    sources = [*CODEC_SOURCES, *CHECKS, CHOICE, *HEADERS]
    if not all(up_to_date(target, sources) for target in targets.values()):
        program = clang()
        folder.mkdir(parents=True, exist_ok=True)
        check_runtime(program, folder, sanitizers)
        link_targets(program, targets, sanitizers)
    return targets


def link_targets(program: str, targets: Mapping[str, Path], sanitizers: str) -> None:
    """Compile and link. Coverage is of the codecs alone, and a target has no codec but its own."""
    folder = next(iter(targets.values())).parent
    flags = [*COMMON, "-O2" if sanitizers == SANITIZERS else "-O1"]
    checks_flags, codec_flags = ([*flags, f"-fsanitize={kind}{sanitizers}"] for kind in ("", "fuzzer-no-link,"))
    # Comparisons that are traced take two thirds of the time, and there are no magic numbers to find by them.
    codec_flags.append("-fno-sanitize-coverage=trace-cmp")
    codec_objects = {path: folder / f"{path.stem}.o" for path in CODEC_SOURCES}
    checks = {path: folder / f"{path.stem}.o" for path in CHECKS}
    compile_all([[program, *codec_flags, "-c", path, "-o", made] for path, made in codec_objects.items()])
    compile_all([[program, *checks_flags, "-c", path, "-o", made] for path, made in checks.items()])
    archive = folder / "codecs.a"
    archive.unlink(missing_ok=True)
    compile_all([["ar", "rcs", archive, *codec_objects.values()]])
    choices = {codec: folder / f"{codec}-choice.o" for codec in targets}
    choose = [program, *checks_flags, "-c", CHOICE]
    compile_all([[*choose, f"-DFUZZ_CODEC={symbol(codec)}", "-o", made] for codec, made in choices.items()])
    link, parts = [program, f"-fsanitize=fuzzer,{sanitizers}"], [*checks.values(), archive, "-ldl"]
    compile_all([[*link, choices[codec], *parts, "-o", target] for codec, target in targets.items()])


def symbol(codec: str) -> str:
    return f"zsw_codec_{codec.replace('-', '_')}"
