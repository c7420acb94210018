"""The compressing device: frames in a dict, the history of its readings as a list, tokens as three numbers."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from tests.reference.replay import Contents, Machine, Swap

PAGE = 4096
BATCH = 32


class BusError(Exception):
    """A lost page was read, and the run is to end with that."""


@dataclass
class Frame:
    taken: int = 0
    poisoned: bool = False


@dataclass
class Device:
    """`frames` are advertised over `physical` bytes. They have no numbers: only how many are out counts."""

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
    busy: int = 0
    allocated: int = 0
    raised: bool = False
    interrupts: int = 0
    waiting: list[Frame] = field(default_factory=list)
    history: list[tuple[int, int, int, int]] = field(default_factory=lambda: [(-(1 << 62), 0, 0, 0)])
    in_hand: int = 0
    coming: tuple[int, int] | None = None  # tokens, and when they arrive
    batches: int = 0  # of zeroing that were due so far

    def tick(self, now: int) -> None:
        self.now = now
        if self.zero and now // self.zero + 1 > self.batches:
            self.batches = now // self.zero + 1
            self.zero_some(self.zero_batch or len(self.waiting))
        self.arrive()

    def arrive(self) -> None:
        if self.coming is not None and self.coming[1] <= self.now:
            self.in_hand += self.coming[0]
            self.coming = None

    def note(self) -> None:
        pressure = self.used * 1000 // self.physical
        self.peak = max(self.peak, self.used)
        if not self.raised and pressure >= self.high:
            self.raised = True
            self.interrupts += 1
        elif self.raised and pressure <= self.low:
            self.raised = False
        self.history.append((self.now, self.used, self.allocated, self.busy))

    def seen(self) -> tuple[int, int, int]:
        """Bytes taken, frames handed out and frames not zeroed, as software knows them now."""
        return next(entry[1:] for entry in reversed(self.history) if entry[0] + self.delay <= self.now)

    def take(self) -> Frame | None:
        if self.busy == self.frames:
            return None
        self.busy += 1
        self.allocated += 1
        return Frame()

    def give(self, frame: Frame) -> None:
        self.waiting.append(frame)
        if not self.zero:
            self.zero_some(len(self.waiting))

    def zero_some(self, most: int) -> None:
        done, self.waiting = self.waiting[:most], self.waiting[most:]
        self.used -= sum(frame.taken for frame in done)
        self.busy -= len(done)
        if done:
            self.note()

    def write(self, frame: Frame, taken: int) -> None:
        """Where there is no room the write is lost, and nobody is told."""
        if self.used - frame.taken + taken > self.physical:
            frame.poisoned = True
        else:
            self.used += taken - frame.taken
            frame.taken = taken
        self.note()

    def has_token(self) -> bool:
        if self.coming is None and self.in_hand <= self.tokens // 2:
            spare = (self.physical - self.used - self.in_hand * PAGE) // PAGE
            self.coming = (min(self.tokens, spare), self.now + self.delay)
            if self.delay == 0 or not self.coming[0]:
                self.in_hand += self.coming[0]
                self.coming = None
        return self.in_hand > 0


class CramMachine(Machine):
    """As a Replay over a CramBackend, whose clock counts accesses. `taken[image]` are physical bytes."""

    def __init__(
        self, frames: int, contents: Contents, device: Device, taken: list[int], device_pages: int, **options: Any
    ) -> None:  # fmt: skip
        own = ("control", "tier", "maps", "exclusive", "ends", "budget")
        settings = {name: options.pop(name) for name in own}
        super().__init__(frames, contents, Swap(None, device_pages), **options)
        self.control, self.tier, self.maps = settings["control"], settings["tier"], settings["maps"] or settings["tier"]
        self.exclusive, self.ends, self.budget = settings["exclusive"], settings["ends"], settings["budget"]
        self.node, self.taken = device, taken
        self.at_node: dict[int, Frame] = {}
        self.queue: OrderedDict[int, bool] = OrderedDict()  # slot -> referenced, oldest first
        self.mapped: set[int] = set()
        self.writable: set[int] = set()
        self.gone: set[int] = set()  # lost, as the shrinker found
        self.refusing = self.bus_error = False
        self.acted_at: int | None = None
        more = "lost_pages poisoned_reads mapped_reads in_place_writes promotions"
        self.count |= dict.fromkeys([*more.split(), "reject_pressure", "reject_bound", "reject_token"], 0)

    # -- accesses -------------------------------------------------------------------------------------------------

    def access(self, number: int, write: bool) -> None:
        if self.bus_error:
            return
        try:
            if self.touch_mapped(number, write):
                self.count["accesses"] += 1
                self.count["writes"] += write
            else:
                super().access(number, write)
        except BusError:
            self.bus_error = True

    def touch_mapped(self, number: int, write: bool) -> bool:
        """Whether the access was served where the page is."""
        swapped = number in self.at_node or number in self.swap.device or number in self.gone
        if self.out_of_memory or not self.maps or number in self.resident or not swapped:
            return False
        self.attend()
        if number not in self.at_node or self.at_node[number].poisoned:
            return False
        if write:
            return self.write_in_place(number)
        if number in self.mapped:
            self.count["mapped_reads"] += 1
        else:
            self.count["zswpin"] += 1
            self.count["major_faults"] += 1
        self.mapped.add(number)
        self.queue[number] = True
        return True

    def write_in_place(self, number: int) -> bool:
        if number not in self.writable and (self.refusing or len(self.writable) >= self.budget):
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
        self.attend()
        if number in self.swap.device:
            self.count["pswpin"] += 1
            return
        self.count["zswpin"] += 1
        if number in self.gone or self.at_node[number].poisoned:
            self.count["poisoned_reads"] += 1
            self.forget(number)
            page.dirty = True
            if self.ends:
                raise BusError
        elif self.maps or self.exclusive:
            self.count["promotions"] += self.maps
            self.forget(number)
            page.dirty = True
        else:
            self.queue[number] = True

    def forget(self, number: int) -> None:
        self.swap.device.discard(number)
        self.gone.discard(number)
        if number in self.at_node:
            self.drop_frame(number)

    def drop_frame(self, number: int) -> None:
        del self.queue[number]
        self.mapped.discard(number)
        self.writable.discard(number)
        self.node.give(self.at_node.pop(number))

    # -- stores ---------------------------------------------------------------------------------------------------

    def swap_out(self, number: int, data: bytes) -> bool:
        self.attend()
        frame = None
        if self.admits():
            frame = self.node.take()
            if frame is None:
                self.count["pool_limit_hit"] += 1
                if not self.node.waiting:
                    self.write_back(BATCH)
                self.node.zero_some(len(self.node.waiting))
                frame = self.node.take()
            if frame is None:
                self.count["reject_alloc_fail"] += 1
        if frame is None:
            return self.to_device(number)
        self.at_node[number] = frame
        self.queue[number] = True
        if self.tier:
            self.mapped.add(number)
        self.count["zswpout"] += 1
        self.write(number)
        return True

    def write(self, number: int) -> None:
        if self.control == "tokens":
            self.node.in_hand -= 1
        frame = self.at_node[number]
        before = frame.poisoned
        self.node.write(frame, self.taken[self.pages[number].image])
        self.count["lost_pages"] += frame.poisoned and not before

    def admits(self) -> bool:
        used, allocated, _ = self.node.seen()
        if self.refusing:
            self.count["reject_pressure"] += 1
        elif self.control == "counting" and used + (self.node.allocated - allocated + 1) * PAGE > self.node.physical:
            self.count["reject_bound"] += 1
        elif self.control == "tokens" and not self.node.has_token():
            self.count["reject_token"] += 1
        else:
            return True
        return False

    # -- what software does about the device ----------------------------------------------------------------------

    def attend(self) -> None:
        self.node.tick(self.count["accesses"])
        pressure = self.node.seen()[0] * 1000 // self.node.physical
        if pressure >= self.node.high:
            self.refusing = True
        elif pressure <= self.node.low:
            self.refusing = False
        if self.refusing:
            self.shrink_to_low_mark()

    def shrink_to_low_mark(self) -> None:
        used, _, frames = self.node.seen()
        since = 0 if self.acted_at is None else self.acted_at
        if self.node.now < since + self.node.delay or not frames:
            return
        mean = -(-used // frames)
        over = used - self.node.physical * self.node.low // 1000 - len(self.node.waiting) * mean
        if over > 0:
            self.acted_at = self.node.now
            self.write_back(-(-over // mean))

    def write_back(self, most: int) -> None:
        while most and self.queue and len(self.swap.device) < self.swap.device_pages:
            slot, referenced = next(iter(self.queue.items()))
            if referenced:
                self.queue[slot] = False
                self.queue.move_to_end(slot)
                continue
            most -= 1
            poisoned = self.at_node[slot].poisoned
            self.drop_frame(slot)
            if poisoned:
                self.gone.add(slot)
                continue
            self.to_device(slot)
            self.count["zswpwb"] += 1
            self.count["written_back_pages"] += 1

    # -- looking in -----------------------------------------------------------------------------------------------

    def lost(self) -> list[int]:
        return sorted([*self.gone, *(number for number, frame in self.at_node.items() if frame.poisoned)])

    def counters(self) -> dict[str, int]:
        frames = self.at_node.values()
        return super().counters() | {
            "stored_pages": len(self.at_node),
            "stored_incompressible_pages": sum(frame.taken == PAGE for frame in frames),
            "compr_data_size": sum(frame.taken for frame in frames),
            "pool_total_size": self.node.used,
            "peak_pool_total_size": self.node.peak,
            "poisoned_pages": len(self.lost()),
            "writable_pages": len(self.writable),
            "physical_size": self.node.physical,
            "peak_pressure": self.node.peak * 1000 // self.node.physical,
            "pressure_interrupts": self.node.interrupts,
            "zeroing_pages": len(self.node.waiting),
        }
