"""Compare everything that a run counts, for every setting of the list, with the record of it.

``python -m tests.settings_digest`` compares this tree with the record, ``--write`` records it anew, and ``--unmoved``
names the counters that are always zero. Nothing in the record depends on a clock: lengths at sizes depth have times
that follow from them, and if codecs are timed, their times are left out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.digest_inputs import (
    FORMS,
    OWN_CODECS,
    Result,
    assert_result_times,
    kernel_form,
    library_version,
    open_contents,
    open_dense,
    profile_of,
    run,
)
from tests.digest_others import OTHERS
from tests.digest_settings import Case, all_cases

RECORD = Path(__file__).parent / "data" / "settings_digest.json"
FRAMES = ("footprint_pages", "dram_frames", "node_frames", "device_pages", "reclaim_batch")
UNTIMED = ("fault", "node", "device", "readahead")
"""Modelled times that include no codec's time."""
LIBRARIES = ("lz4", "lz4hc", "zstd", "deflate")
SHOWN = 8
Record = dict[str, Any]


def compute(case: Case) -> Record:
    """Run one setting and return what it counted."""
    settings, measured = case.settings, None
    if case.contents and settings.depth == "sizes":
        measured = profile_of(case.contents, tuple(dict.fromkeys((*codecs_beside(case), settings.compressor))))
    result = run(open_dense(case.trace), open_contents(case.contents), settings, measured=measured)
    assert_result_times(result)
    # A large folio may hold pages that were never accessed; their times are measured in the run.
    timed = bool(case.contents) and (measured is None or settings.folio != "4KiB")
    return plain(result, timed=timed)


def codecs_beside(case: Case) -> tuple[str, ...]:
    return () if case.codec in LIBRARIES else OWN_CODECS


def plain(result: Result, *, timed: bool) -> Record:
    """Return the record of a result, without the values that depend on codecs' times if codecs were `timed`."""
    modelled = {name: value for name, value in result.modelled_ns.items() if not timed or name in UNTIMED}
    record: Record = {
        "outcome": result.outcome,
        "counters": {name: value for name, value in result.counters.items() if value},
        "sizes": [result.settings[name] for name in FRAMES],
        "verified_pages": result.verified_pages,
        "owners": result.owners,
        "modelled_ns": rounded(modelled),
        "mm_stat": " ".join(kernel_form(result, "mm_stat").split()),
        "forms": hashed([kernel_form(result, form) for form in FORMS]),
        "timeline": f"{len(result.timeline)} rows, {hashed(result.timeline)}",
    }
    if not timed:
        record["fault_latency_ns"] = rounded(result.fault_latency_ns)
    return record | ({"groups": result.groups} if result.groups else {})


def rounded(values: Mapping[str, float]) -> dict[str, str]:
    """Return the values that are not zero, to six significant digits."""
    return {name: f"{value:.6g}" for name, value in values.items() if value}


def hashed(value: object) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=8).hexdigest()


def all_names() -> list[str]:
    """Return the name of every recorded setting."""
    return [*all_cases(), *OTHERS]


def compute_named(name: str) -> Record:
    record = compute(all_cases()[name]) if name in all_cases() else OTHERS[name]()
    made: Record = json.loads(json.dumps(record))
    return made


def codec_named(name: str) -> str:
    """Return the codec of a setting if its lengths depend on a library's version, else ""."""
    codec = all_cases()[name].codec if name in all_cases() else ""
    return codec if codec in LIBRARIES else ""


def differences(recorded: object, found: object, path: str = "") -> list[str]:
    """Return a line for each difference between two records, counters first, in the record's order."""
    if isinstance(recorded, dict) and isinstance(found, dict):
        names = dict.fromkeys((*recorded, *found))
        lines = [differences(recorded.get(name), found.get(name), f"{path} {name}".strip()) for name in names]
        return sorted((line for each in lines for line in each), key=lambda line: not line.startswith("counters"))
    if isinstance(recorded, list) and isinstance(found, list) and len(recorded) == len(found):
        pairs = enumerate(zip(recorded, found, strict=True))
        return [line for at, pair in pairs for line in differences(*pair, f"{path}[{at}]")]
    if recorded == found:
        return []
    before, after = ("0 or none" if each is None else each for each in (recorded, found))
    return [f"{path}: recorded {before}, now {after}"]


def read_record(path: Path = RECORD) -> Record:
    """Return the record, with each run's counters by name; in the file they are a row of numbers."""
    made: Record = json.loads(path.read_text())
    for each in made["settings"].values():
        if "counters" in each:
            row = zip(made["counters"], each["counters"], strict=True)
            each["counters"] = {name: value for name, value in row if value}
    return made


def write_record(path: Path = RECORD) -> None:
    """Compute the record of this tree and write it, a line for each setting."""
    found = {name: compute_named(name) for name in all_names()}
    counters = sorted({counter for each in found.values() for counter in each.get("counters", ())})
    for each in found.values():
        if "counters" in each:
            each["counters"] = [each["counters"].get(counter, 0) for counter in counters]
    versions = {codec: library_version(codec) for codec in LIBRARIES}
    lines = (f"{json.dumps(name)}:{json.dumps(each, separators=(',', ':'))}" for name, each in found.items())
    head = f'"versions": {json.dumps(versions)},\n"counters": {json.dumps(counters)}'
    path.write_text(f'{{{head},\n"settings": {{\n' + ",\n".join(lines) + "\n}}\n")


def compared(names: Iterable[str]) -> int:
    """Print the differences from the record, and return how many settings have one."""
    record, differing = read_record()["settings"], 0
    for name in names:
        lines = differences(record.get(name), compute_named(name))
        differing += bool(lines)
        for line in lines[:SHOWN]:
            sys.stdout.write(f"{name}: {line}\n")
    return differing


def unmoved() -> list[str]:
    """Return the counters that are zero in every recorded setting."""
    moved = {name for each in read_record()["settings"].values() for name in each.get("counters", ())}
    names = run(open_dense("zipf"), None, all_cases()[all_names()[0]].settings).counters
    return [name for name in names if name not in moved]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.settings_digest", description=__doc__)
    parser.add_argument("--write", nargs="?", const=RECORD, type=Path, metavar="FILE", help="record this tree anew")
    parser.add_argument("--unmoved", action="store_true", help="name the counters that are zero throughout")
    asked = parser.parse_args()
    if asked.write:
        write_record(asked.write)
        return 0
    if asked.unmoved:
        sys.stdout.write("".join(f"{name}\n" for name in unmoved()))
        return 0
    differing = compared(all_names())
    sys.stdout.write(f"{differing} of {len(all_names())} settings differ\n")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
