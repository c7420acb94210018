"""The targets that parse specifications: what people write on a command line or into Settings."""

from collections.abc import Callable
from pathlib import Path

from tests.fuzz.mutate import specification
from tests.fuzz.targets import Target
from zswapsim import Settings, get_compressor
from zswapsim.reclaimers.names import parse_reclaim
from zswapsim.study.plan.objectives import parse_objectives
from zswapsim.study.settings.backends import parse_backend
from zswapsim.study.settings.cram import nanoseconds, parse_cram
from zswapsim.study.settings.folios import folio_order
from zswapsim.study.settings.groups import parse_groups
from zswapsim.study.settings.sizes import parse_ranges, parse_size
from zswapsim.traces import read_trace
from zswapsim.traces.contents import RECIPE_KEYS
from zswapsim.traces.process import process_id
from zswapsim.traces.recipes import RECIPES
from zswapsim.traces.specs import parse_spec


def parser(name: str, parse: Callable[[str], object], *samples: str) -> Target:
    """Make the target of a function that parses text."""

    def read(data: bytes, _folder: Path) -> object:
        return parse(data.decode("utf-8", "surrogateescape"))

    return Target(name, lambda: [sample.encode() for sample in samples], read, specification, takes_files=False)


def settings_of(text: str) -> Settings:
    """Make settings of a line with a field and its value."""
    field, _, value = text.partition("=")
    return Settings(**({field: value} if field in Settings.__struct_fields__ and field else {"dram": value}))


SETTINGS = (
    "dram=50%",
    "swap=none",
    "backend=zram:algo=lz4",
    "groups=a:processes=1",
    "depth=bytes",
    "folio=16KiB",
    "cram=form=tier",
    "reclaim=lru",
    "cost=cxl-nvme",
    "isolation=private-flag",
)
TARGETS = [
    parser(
        "generator",
        lambda text: repr(read_trace(text)),
        "gen:zipf,pages=1e5,events=1e7,alpha=0.9,writes=0.2,seed=0",
        "gen:phases,pages=100,set=0.25,phase=5e5,overlap=0.8",
        "gen:scan,pages=10,repeat=3",
        "gen:loop,seed=9223372036854775807",
        "gen:uniform,writes=1",
        "bundled:json",
    ),
    parser(
        "recipe",
        lambda text: parse_spec(text, "recipe", dict.fromkeys(RECIPES, RECIPE_KEYS)),
        "mix,pages=4096,seed=1",
        "zero",
        "half,seed=4294967296",
    ),
    parser(
        "compressor",
        lambda text: get_compressor(text).spec,
        "lz4:acceleration=2",
        "zstd:level=3",
        "deflate:level=9",
        "lzo-rle",
        "store",
        "zstd:level=1,dict=/dev/null",
    ),
    parser(
        "backend",
        parse_backend,
        "zswap:max_pool_percent=40,shrinker_enabled=1,version=6.6,max=5",
        "zram:algorithms=zstd+lz4,recompress_every=1000,priority=1,disksize=64M,mem_limit=1M",
        "zram:writeback_every=5,page_indexes=1+5-9,idle_every=3,idle_age=2",
        "private-node/zswap:max_pool_percent=40",
        "disk",
        "cram",
    ),
    parser(
        "groups",
        parse_groups,
        "web:processes=1+2-4000000000,max=16M;web/front:processes=0,writeback=0;b",
        "a/b/c:max=0",
        "x",
    ),
    parser(
        "cram",
        lambda text: parse_cram(text).plan(1 << 20),
        "form=tier,ratio=2.5,control=tokens,delay=100us,zero=1s,budget=10%",
        "delay=500,zero=0,line_ns=1e3",
    ),
    parser("reclaim", parse_reclaim, "two-list:fault_access=1,stats_every=500", "mglru", "opt"),
    parser("objectives", lambda text: parse_objectives(text.split(";")), "slowdown<5%;p99<20us", "save > 30%", "cost"),
    parser("size", lambda text: parse_size(text, "--x", 1 << 30), "64MiB", "50%", "1e3K", "+.5 gib", "4096"),
    parser("ranges", lambda text: parse_ranges(text, "x"), "1+5-9", "4294967295", "0-4294967295"),
    parser("folio", folio_order, "4KiB", "16KiB", "131072"),
    parser("time", lambda text: nanoseconds("delay", text), "100us", "5ms", "0", "1s"),
    parser("process", process_id, "1", "4711", "4194304"),
    parser("settings", lambda text: settings_of(text).frames(1 << 16), *SETTINGS),
]
