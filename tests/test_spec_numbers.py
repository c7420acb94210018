"""Give every number of every specification string hostile values: it is taken, or refused with an InputError.

The parameters are read from the tables of the parsers, so that a new one is covered by itself.
"""

import math
from collections.abc import Callable

import msgspec
import pytest
from test_cli_numbers import NUMBERS

from zswapsim import get_compressor, read_trace
from zswapsim._core.base.errors import InputError
from zswapsim.compressors.registry import builtins, integer
from zswapsim.reclaimers.names import PARAMETERS as OF_RECLAIMERS
from zswapsim.reclaimers.names import parse_reclaim
from zswapsim.study.cram.headroom import HeadroomCase
from zswapsim.study.plan.objectives import KINDS, parse_objectives
from zswapsim.study.settings import Settings
from zswapsim.study.settings.backends import PARAMETERS, parse_backend
from zswapsim.study.settings.cram import CramSettings, nanoseconds, parse_cram, parse_time
from zswapsim.study.settings.folios import folio_order
from zswapsim.study.settings.groups import parse_groups
from zswapsim.study.settings.sizes import UNITS, parse_ranges, parse_size
from zswapsim.traces.contents import RECIPE_KEYS
from zswapsim.traces.generators import GENERATORS
from zswapsim.traces.process import process_id
from zswapsim.traces.specs import parse_spec

Parser = Callable[[str], object]


def _recipe(text: str) -> object:
    return parse_spec(text, "recipe", {"mix": RECIPE_KEYS})


def _objective(text: str) -> object:
    return parse_objectives([text])


def _size(text: str) -> object:
    return parse_size(text, "--dram", 1 << 20)


PARSERS: dict[str, tuple[Parser, str]] = {
    "groups max": (parse_groups, "a:max={}"),
    "groups processes": (parse_groups, "a:processes={}"),
    "groups range": (parse_groups, "a:processes=1-{}"),
    "groups writeback": (parse_groups, "a:writeback={}"),
    "ranges": (lambda text: parse_ranges(text, "--x"), "{}"),
    "folio": (folio_order, "{}"),
    "time": (lambda text: parse_time("delay", text), "{}"),
    "a delay": (lambda text: nanoseconds("delay", text), "{}ns"),
    "a process": (process_id, "{}"),
}
for name, kind in GENERATORS.items():
    PARSERS |= {f"gen {name} {key}": (read_trace, f"gen:{name},{key}={{}}") for key in kind.keys}
for name, keys in PARAMETERS.items():
    PARSERS |= {f"backend {name} {key}": (parse_backend, f"{name}:{key}={{}}") for key in keys}
for name, ranges in OF_RECLAIMERS.items():
    PARSERS |= {f"reclaim {name} {key}": (parse_reclaim, f"{name}:{key}={{}}") for key in ranges}
for name, limit in KINDS.items():
    PARSERS |= {f"objective {name} {unit}": (_objective, f"{name}{limit.sign}{{}}{unit}") for unit in limit.units}
PARSERS |= {f"cram {name}": (parse_cram, f"{name}={{}}") for name in CramSettings.__struct_fields__}
PARSERS |= {f"recipe {key}": (_recipe, f"mix,{key}={{}}") for key in RECIPE_KEYS}
PARSERS |= {f"size in {unit!r}": (_size, f"{{}}{unit}") for unit in (*UNITS, "%")}
NAMES = ("backend zram algorithms", "backend zram algo")
"""Take names of codecs, which are looked up when the backend is made."""
COMPRESSORS = [(name, each.name) for name, table in builtins().items() for each in table.parameters]


@pytest.mark.parametrize("name", sorted(set(PARSERS) - set(NAMES)))
def test_a_hostile_number_is_taken_or_refused(name):
    parse, template = PARSERS[name]
    for value in NUMBERS:
        try:
            found = parse(template.format(value))
        except InputError as error:
            assert str(error), value
        else:
            assert "inf" not in repr(found).lower(), (value, found)
            assert "nan" not in repr(found).lower(), (value, found)


@pytest.mark.parametrize(("name", "key"), COMPRESSORS)
def test_a_hostile_parameter_of_a_compressor_is_taken_or_refused(name, key):
    for value in NUMBERS:
        try:
            assert abs(integer(builtins()[name], key, value)) < 10**18
            get_compressor(f"{name}:{key}={value}")
        except InputError as error:
            assert str(error), value


@pytest.mark.parametrize("field", [each.name for each in msgspec.structs.fields(Settings)])
def test_a_setting_of_python_is_taken_or_refused(field):
    for value in (10**5000, -(10**5000), 1 << 64, -1, math.nan, math.inf, -math.inf, 1e400, 0.5, None, True, b"x", [1]):
        usual = getattr(Settings(), field)
        if not isinstance(usual, int) and not isinstance(value, str | int):
            continue  # what is no text is found by the type checker
        if isinstance(usual, str) and field not in ("dram", "node", "swap", "folio"):
            continue
        try:
            Settings(**{field: value}).frames(1000)
        except InputError as error:
            assert len(str(error)) < 500


def test_a_case_of_a_device_takes_no_number_past_its_range():
    for field in ("headroom_percent", "ratio_before", "ratio_after", "physical", "advertised_ratio"):
        for value in (math.nan, math.inf, -math.inf, -1, 1e300):
            with pytest.raises(InputError):
                HeadroomCase(**{field: value})


def test_a_percentage_is_exact():
    """A share of a footprint is footprint * share / 100, rounded down, as when figures were recorded."""
    for pages in (1, 7, 999, 12345, 1 << 20):
        for share in (10, 12.5, 33.3, 99.9, 150):
            try:
                found = parse_size(f"{share}%", "--dram", pages * 4096)
            except InputError:
                found = 0
            assert found == int(pages * 4096 * share / 100) // 4096 * 4096
