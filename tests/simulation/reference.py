"""Make the steps of a simulated run with its reference."""

from __future__ import annotations

from tests.reference.pools import spare_frames
from tests.simulation.case import Case
from tests.simulation.models import build_model
from tests.simulation.worlds import world


class Reference:
    """Hold the model of one run. Its methods are the kinds of steps."""

    def __init__(self, case: Case) -> None:
        self.case, self.place = case, world(case.world)
        self.model = build_model(case)

    def is_over(self) -> bool:
        """Return True if the run can't go on."""
        return self.model.out_of_memory or getattr(self.model, "bus_error", False)

    def access(self, accesses: list[tuple[int, bool]]) -> int:
        """Make accesses, and return how many were made before the run ended."""
        before = self.model.count["accesses"]
        for page, write in accesses:
            self.model.access(self.case.places[page] if self.case.places else page, write)
            if self.is_over():
                break
        return self.model.count["accesses"] - before

    def idle(self, age: int | None) -> None:
        self.model.mark_idle(age)

    def recompress(self, choice: str, threshold: int, priority: int, most: int) -> None:
        self.model.recompress(choice, threshold, min(priority, len(self.model.stronger)), most)

    def write_back(self, choice: str, most: int, spans: list[tuple[int, int]] | None) -> int:
        slots = range(1 << 20) if spans is None else {slot for first, last in spans for slot in range(first, last + 1)}
        return self.model.write_back_slots(choice, most, slots)

    def compact(self) -> int:
        return (self.model.swap.store if self.case.backend == "private-node" else self.model.store).compact()

    def codec(self, compress: dict[int, str], decompress: dict[int, str]) -> None:
        """Set the contents on which the codec fails, for the reference and the core."""
        images = self.place.images
        self.place.faults.compress = {images[number]: error for number, error in compress.items()}
        self.place.faults.decompress = {images[number]: error for number, error in decompress.items()}

    def device(self, broken: tuple[str, ...]) -> None:
        self.place.faults.device = set(broken)

    def others(self, wanted: int) -> int:
        """Let others hold `wanted` frames of the node, or as many as there are. Return how many."""
        model = self.model
        if self.case.backend.startswith("private-node"):
            pool = model.fast.pool if "/" in self.case.backend else model.swap.store.pool
            held = min(wanted, self.case.node - pool.frames())
            pool.limit = self.case.node - held
            return held
        pools = model.frames_of_pools() if self.case.backend == "zram/zswap" else model.pool.frames()
        room = self.case.frames + spare_frames(self.case.frames) - len(model.resident) - pools
        model.others = min(wanted, room)
        return model.others
