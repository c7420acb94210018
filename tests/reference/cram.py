"""Model the compressing device: frames in a dict, the history of its readings as a list, tokens as three numbers."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from tests.reference.faults import Ended
from tests.reference.replay import Contents, Machine, Swap
from tests.reference.store import same_filled

PAGE = 4096
BATCH = 32


class BusError(Exception):
    """A lost page was read, and the settings say that this ends the run."""


@dataclass
class Frame:
    taken: int = 0
    poisoned: bool = False
    compressed: bytes = b""  # the page that the device has compressed and stored; none if it is raw or one word


@dataclass
class Device:
    """A device that advertises `frames` frames but has `physical` bytes. It counts frames; they have no numbers."""

    frames: int
    physical: int
    high: int = 900
    low: int = 800
    delay: int = 0
    zero: int = 0
    zero_batch: int = 0
    tokens: int = 32
    now: int = 0
    used: int = 0
    peak: int = 0
    in_use: int = 0
    allocated: int = 0
    raised: bool = False
    interrupts: int = 0
    unzeroed: list[Frame] = field(default_factory=list)
    history: list[tuple[int, int, int, int]] = field(default_factory=lambda: [(-(1 << 62), 0, 0, 0)])
    tokens_left: int = 0
    arriving: tuple[int, int] | None = None  # (tokens, time of arrival) of a request under way
    batches: int = 0  # zeroing batches that were due so far

    def tick(self, now: int) -> None:
        self.now = now
        if self.zero and now // self.zero + 1 > self.batches:
            self.batches = now // self.zero + 1
            self.zero_some(self.zero_batch or len(self.unzeroed))
        self.arrive()

    def arrive(self) -> None:
        if self.arriving is not None and self.arriving[1] <= self.now:
            self.tokens_left += self.arriving[0]
            self.arriving = None

    def record_reading(self) -> None:
        pressure = self.used * 1000 // self.physical
        self.peak = max(self.peak, self.used)
        if not self.raised and pressure >= self.high:
            self.raised = True
            self.interrupts += 1
        elif self.raised and pressure <= self.low:
            self.raised = False
        self.history.append((self.now, self.used, self.allocated, self.in_use))

    def last_reading(self) -> tuple[int, int, int]:
        """Return bytes used, frames allocated so far and frames in use, as of the last reading that has arrived."""
        return next(entry[1:] for entry in reversed(self.history) if entry[0] + self.delay <= self.now)

    def alloc_frame(self) -> Frame | None:
        if self.in_use == self.frames:
            return None
        self.in_use += 1
        self.allocated += 1
        return Frame()

    def free_frame(self, frame: Frame) -> None:
        self.unzeroed.append(frame)
        if not self.zero:
            self.zero_some(len(self.unzeroed))

    def zero_some(self, limit: int) -> None:
        done, self.unzeroed = self.unzeroed[:limit], self.unzeroed[limit:]
        self.used -= sum(frame.taken for frame in done)
        self.in_use -= len(done)
        if done:
            self.record_reading()

    def write(self, frame: Frame, taken: int, compressed: bytes) -> None:
        """Write a page's compressed bytes. If they don't fit, the device loses the page and reports nothing."""
        if self.used - frame.taken + taken > self.physical:
            frame.poisoned = True
        else:
            self.used += taken - frame.taken
            frame.taken = taken
            frame.compressed = compressed
        self.record_reading()

    def has_token(self) -> bool:
        if self.arriving is None and self.tokens_left <= self.tokens // 2:
            free_pages = (self.physical - self.used - self.tokens_left * PAGE) // PAGE
            self.arriving = (min(self.tokens, free_pages), self.now + self.delay)
            if self.delay == 0 or not self.arriving[0]:
                self.tokens_left += self.arriving[0]
                self.arriving = None
        return self.tokens_left > 0


class CramMachine(Machine):
    """Model a Replay over a CramBackend whose clock counts accesses.

    `taken[image]` is an image's size on the device, and `raw` has the images that its codec does not shrink.
    """

    def __init__(
        self, frames: int, contents: Contents, device: Device, taken: list[int], device_pages: int, *,
        raw: frozenset[int] = frozenset(), **options: Any
    ) -> None:  # fmt: skip
        own = ("control", "tier", "maps", "exclusive", "loss_ends_run", "budget")
        settings = {name: options.pop(name) for name in own}
        super().__init__(frames, contents, Swap(None, device_pages), **options)
        self.control, self.tier, self.maps = settings["control"], settings["tier"], settings["maps"] or settings["tier"]
        self.exclusive, self.budget = settings["exclusive"], settings["budget"]
        self.loss_ends_run = settings["loss_ends_run"]
        self.node, self.taken, self.raw = device, taken, raw
        self.stored: dict[int, Frame] = {}
        self.queue: OrderedDict[int, bool] = OrderedDict()  # slot -> referenced, oldest first
        self.mapped: set[int] = set()
        self.writable: set[int] = set()
        self.lost_slots: set[int] = set()  # slots whose page writeback found to be lost
        self.rejecting = self.bus_error = False
        self.shrunk_at: int | None = None
        more = "lost_pages poisoned_reads mapped_reads in_place_writes promotions"
        self.count |= dict.fromkeys([*more.split(), "reject_pressure", "reject_bound", "reject_token"], 0)

    # -- accesses -------------------------------------------------------------------------------------------------

    def access(self, number: int, write: bool) -> None:
        if self.bus_error:
            return
        try:
            if self.access_mapped(number, write):
                self.count["accesses"] += 1
                self.count["writes"] += write
            else:
                super().access(number, write)
        except BusError:
            self.bus_error = True

    def access_mapped(self, number: int, write: bool) -> bool:
        """Access the page on the device, without a frame of DRAM. Return True if that was possible."""
        swapped = number in self.stored or number in self.swap.device or number in self.lost_slots
        if self.out_of_memory or not self.maps or number in self.resident or not swapped:
            return False
        self.poll_device()
        if number not in self.stored or self.stored[number].poisoned:
            return False
        if write:
            return self.write_in_place(number)
        self.decode_frame(number)
        if number in self.mapped:
            self.count["mapped_reads"] += 1
        else:
            self.count["zswpin"] += 1
            self.count["major_faults"] += 1
        self.mapped.add(number)
        self.queue[number] = True
        return True

    def write_in_place(self, number: int) -> bool:
        if number not in self.writable and (self.rejecting or len(self.writable) >= self.budget):
            return False
        if self.control == "tokens" and not self.node.has_token():
            self.count["reject_token"] += 1
            return False
        self.writable.add(number)
        self.queue[number] = True
        self.count["in_place_writes"] += 1
        page = self.pages[number]
        page.image = self.contents.next_image[page.image]
        page.written = True
        self.write(number)
        return True

    def swap_in(self, number: int) -> None:
        page = self.pages[number]
        if page.zero_mapped:
            super().swap_in(number)
            return
        self.poll_device()
        if number in self.swap.device:
            self.faults.check_device("read")
            self.count["pswpin"] += 1
            return
        self.count["zswpin"] += 1
        if number in self.lost_slots or self.stored[number].poisoned:
            self.count["poisoned_reads"] += 1
            self.invalidate(number)
            page.dirty = True
            if self.loss_ends_run:
                raise BusError
            return
        self.decode_frame(number)
        if self.maps or self.exclusive:
            self.count["promotions"] += self.maps
            self.invalidate(number)
            page.dirty = True
        else:
            self.queue[number] = True

    def decode_frame(self, number: int) -> None:
        """Let the device decompress a page. A failure ends the run, also at writeback."""
        error = self.faults.decompress.get(self.stored[number].compressed)
        if error is not None:
            self.count["decompress_fail"] += 1
            raise Ended(error)

    def invalidate(self, number: int) -> None:
        self.swap.device.discard(number)
        self.lost_slots.discard(number)
        if number in self.stored:
            self.drop_frame(number)

    def drop_frame(self, number: int) -> None:
        del self.queue[number]
        self.mapped.discard(number)
        self.writable.discard(number)
        self.node.free_frame(self.stored.pop(number))

    # -- stores ---------------------------------------------------------------------------------------------------

    def swap_out(self, number: int, data: bytes) -> bool:
        self.poll_device()
        frame = None
        if self.accepts():
            frame = self.node.alloc_frame()
            if frame is None:
                self.count["pool_limit_hit"] += 1
                if not self.node.unzeroed:
                    self.write_back(BATCH)
                self.node.zero_some(len(self.node.unzeroed))
                frame = self.node.alloc_frame()
            if frame is None:
                self.count["reject_alloc_fail"] += 1
        if frame is None:
            return self.to_device(number)
        self.stored[number] = frame
        self.queue[number] = True
        if self.tier:
            self.mapped.add(number)
        try:
            self.write(number)
        except Ended:
            self.invalidate(number)
            raise
        self.count["zswpout"] += 1
        return True

    def write(self, number: int) -> None:
        if self.control == "tokens":
            self.node.tokens_left -= 1
        frame = self.stored[number]
        before = frame.poisoned
        self.node.write(frame, *self.compress(self.pages[number].image))
        self.count["lost_pages"] += frame.poisoned and not before

    def compress(self, image: int) -> tuple[int, bytes]:
        """Return the size of an image on the device, and the page if the device stores it compressed."""
        data = self.contents.images[image]
        if same_filled(data):
            return self.taken[image], b""
        if self.faults.refuses(data):
            return PAGE, b""
        return self.taken[image], b"" if image in self.raw else data

    def accepts(self) -> bool:
        used, allocated, _ = self.node.last_reading()
        if self.rejecting:
            self.count["reject_pressure"] += 1
        elif self.control == "counting" and used + (self.node.allocated - allocated + 1) * PAGE > self.node.physical:
            self.count["reject_bound"] += 1
        elif self.control == "tokens" and not self.node.has_token():
            self.count["reject_token"] += 1
        else:
            return True
        return False

    # -- pressure -------------------------------------------------------------------------------------------------

    def poll_device(self) -> None:
        self.node.tick(self.count["accesses"])
        pressure = self.node.last_reading()[0] * 1000 // self.node.physical
        if pressure >= self.node.high:
            self.rejecting = True
        elif pressure <= self.node.low:
            self.rejecting = False
        if self.rejecting:
            self.shrink_to_low_mark()

    def shrink_to_low_mark(self) -> None:
        used, _, frames = self.node.last_reading()
        since = 0 if self.shrunk_at is None else self.shrunk_at
        if self.node.now < since + self.node.delay or not frames:
            return
        mean = -(-used // frames)
        excess = used - self.node.physical * self.node.low // 1000 - len(self.node.unzeroed) * mean
        if excess > 0:
            self.shrunk_at = self.node.now
            self.write_back(-(-excess // mean))

    def write_back(self, limit: int) -> None:
        while limit and self.queue and len(self.swap.device) < self.swap.device_pages:
            slot, referenced = next(iter(self.queue.items()))
            if referenced:
                self.queue[slot] = False
                self.queue.move_to_end(slot)
                continue
            limit -= 1
            poisoned = self.stored[slot].poisoned
            if not poisoned:
                self.decode_frame(slot)
                self.faults.check_device("write")
            self.drop_frame(slot)
            if poisoned:
                self.lost_slots.add(slot)
                continue
            self.to_device(slot)
            self.count["zswpwb"] += 1
            self.count["written_back_pages"] += 1

    # -- statistics -----------------------------------------------------------------------------------------------

    def lost(self) -> list[int]:
        return sorted([*self.lost_slots, *(number for number, frame in self.stored.items() if frame.poisoned)])

    def counters(self) -> dict[str, int]:
        frames = self.stored.values()
        return super().counters() | {
            "stored_pages": len(self.stored),
            "stored_incompressible_pages": sum(frame.taken == PAGE for frame in frames),
            "compr_data_size": sum(frame.taken for frame in frames),
            "pool_total_size": self.node.used,
            "peak_pool_total_size": self.node.peak,
            "poisoned_pages": len(self.lost()),
            "writable_pages": len(self.writable),
            "physical_size": self.node.physical,
            "peak_pressure": self.node.peak * 1000 // self.node.physical,
            "pressure_interrupts": self.node.interrupts,
            "zeroing_pages": len(self.node.unzeroed),
        }
