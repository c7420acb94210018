"""Parse the settings of a compressing device, written ``form=tier,ratio=2.5,control=tokens,delay=100us``."""

from typing import Any

import msgspec

from zswapsim._core.base.errors import InputError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.study.settings.kinds import check_kinds
from zswapsim.study.settings.sizes import whole

FULL = 1000
CONTROLS = ("watermarks", "counting", "tokens")
FORMS, READS, LOSSES = ("swap", "tier"), ("map", "copy"), ("go-on", "end")
UNITS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
LONGEST = 1 << 62


class CramSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Describe one device, and how the kernel uses it. Raises InputError for a value out of range."""

    form: str = "swap"
    """``swap``: pages are swapped out to it. ``tier``: they are demoted to it, and stay mapped."""
    read: str = "map"
    """With ``swap``, a read fault ``map``s the page in place, or loads a ``copy``."""
    ratio: float = 2.0
    """Advertised capacity over physical capacity. The node's size is the advertised one."""
    control: str = "watermarks"
    """The control that keeps writes from overflowing the device: ``watermarks``, ``counting`` or ``tokens``."""
    high: int = 900
    """Pressure, of 1000, at which the device interrupts, and software rejects stores and writes back."""
    low: int = 800
    """Pressure at which software stops that."""
    delay: str = "100us"
    """Age of a reading of the capacity, or of a token, when software gets it: accesses (``500``) or a time."""
    zero: str = "1s"
    """Interval between two batches of zeroing freed frames, in the unit of `delay`; 0 zeroes them at once."""
    zero_batch: int = 0
    """Frames in such a batch; 0 is all that wait."""
    line_ns: float = 800.0
    """Time of a cache line through the device; 600 ns to 1 µs is quoted."""
    sector: int = 64
    """Bytes of the pieces in which physical space is allocated."""
    budget: str = "0"
    """Pages that may be writable on a tier: a number, or ``10%`` of the advertised frames."""
    tokens: int = 32
    """Write tokens granted at a time."""
    loss: str = "go-on"
    """When a lost page is read, its process makes it anew (``go-on``), or the run ends (``end``)."""

    def __post_init__(self) -> None:
        check_kinds(self)
        for name, allowed in (("form", FORMS), ("read", READS), ("control", CONTROLS), ("loss", LOSSES)):
            if getattr(self, name) not in allowed:
                raise _wrong(f"{name}={getattr(self, name)}", f"one of {', '.join(allowed)}")
        if not 1 <= self.ratio <= 1000:
            raise _wrong(f"ratio={self.ratio}", "1 to 1000")
        if not 0 <= self.low < self.high <= FULL:
            raise _wrong(f"low={self.low},high={self.high}", f"0 <= low < high <= {FULL}")
        if not 8 <= self.sector <= PAGE_SIZE or self.sector & (self.sector - 1):
            raise _wrong(f"sector={self.sector}", f"a power of two from 8 to {PAGE_SIZE}")
        if not 0 <= self.line_ns < 1e9:
            raise _wrong(f"line_ns={self.line_ns}", "0 to 1e9")
        if not 0 <= self.zero_batch < 1 << 32 or not 0 < self.tokens < 1 << 32:
            raise _wrong(f"zero_batch={self.zero_batch},tokens={self.tokens}", "0 or more, and at least one")
        self.clock()
        self.writable(1)

    def clock(self) -> tuple[int, int, bool]:
        """Return `delay` and `zero` in the clock's units, and True if these are nanoseconds, False if accesses."""
        (delay, delay_timed), (zero, zero_timed) = (parse_time("delay", self.delay), parse_time("zero", self.zero))
        if delay and zero and delay_timed != zero_timed:
            raise _wrong(f"delay={self.delay},zero={self.zero}", "both in accesses or both with a unit of time")
        return delay, zero, delay_timed or zero_timed

    def writable(self, frames: int) -> int:
        """Return how many pages may be writable on a device of `frames` advertised frames."""
        text = self.budget
        number = whole(text.removesuffix("%"))
        if not 0 <= number < 1 << 32 or (text.endswith("%") and number > 100):
            raise _wrong(f"budget={text}", "a number of pages, or 0% to 100%")
        if number and self.form != "tier":
            raise _wrong(f"budget={text}", "form=tier with it")
        return frames * number // 100 if text.endswith("%") else number

    def physical(self, frames: int) -> int:
        """Return the physical bytes of a device of `frames` advertised frames."""
        return max(1, int(frames * PAGE_SIZE / self.ratio))

    def plan(self, frames: int) -> dict[str, Any]:
        """Return the fields of a :class:`~zswapsim.backends.cram.CramPlan` for `frames` advertised frames."""
        delay, zero, timed = self.clock()
        same = {name: getattr(self, name) for name in ("control", "high", "low", "zero_batch", "line_ns", "sector")}
        return same | {
            "physical": self.physical(frames),
            "tier": self.form == "tier",
            "maps": self.read == "map",
            "delay": delay,
            "zero_every": zero,
            "timed": timed,
            "budget": self.writable(frames),
            "token_batch": self.tokens,
            "ends": self.loss == "end",
        }


def parse_cram(spec: str) -> CramSettings:
    """Return the settings that ``NAME=VALUE,...`` gives; the others keep their defaults. Raises InputError."""
    given: dict[str, Any] = {}
    kinds = {field.name: field.type for field in msgspec.structs.fields(CramSettings)}
    for each in spec.split(",") if spec else ():
        name, equals, text = each.partition("=")
        if name not in kinds or not equals:
            raise InputError(f"--cram {spec}: expected NAME=VALUE with one of {', '.join(kinds)}, got {each!r}")
        if name in given:
            raise InputError(f"--cram {spec}: {name} is given twice")
        try:
            given[name] = kinds[name](text)
        except ValueError:
            raise _wrong(each, "a whole number" if kinds[name] is int else "a number") from None
    return CramSettings(**given)


def parse_time(name: str, text: str) -> tuple[int, bool]:
    """Return nanoseconds and True for a time, or a number of accesses and False."""
    digits = text.rstrip("nsum")
    unit = text[len(digits) :]
    value = whole(digits) * UNITS.get(unit, 1)
    if not 0 <= value < LONGEST or (unit and unit not in UNITS):
        raise _wrong(f"{name}={text}", f"accesses, or a time with one of {', '.join(UNITS)}")
    return value, bool(unit)


def nanoseconds(name: str, text: str) -> int:
    """Return the nanoseconds of a time such as ``100us``. Raises InputError."""
    value, timed = parse_time(name, text)
    if value and not timed:
        raise InputError(f"--{name} {text}: expected a time with one of {', '.join(UNITS)}")
    return value


def _wrong(what: str, expected: str) -> InputError:
    return InputError(f"--cram {what}: expected {expected}")
