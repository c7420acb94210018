"""Hold the settings of a run in one immutable record, which is checked when it is made."""

import msgspec

from zswapsim._core.base.arguments import whole
from zswapsim._core.base.errors import InputError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.machine.isolation import RULES
from zswapsim.reclaimers.names import default_batch, parse_reclaim
from zswapsim.study.settings.backends import backend_name, parse_backend
from zswapsim.study.settings.cost import PRESETS
from zswapsim.study.settings.cram import parse_cram
from zswapsim.study.settings.folios import check_compress, check_folio, folio_order
from zswapsim.study.settings.groups import parse_groups
from zswapsim.study.settings.kinds import check_kinds
from zswapsim.study.settings.sizes import parse_size

DEPTHS = ("bytes", "sizes", "counts")
READAHEADS = ("none", "cluster", "vma")
MOST_PAGE_CLUSTER = 9
MOST_FRAMES = (1 << 32) - 1
NO_HOST_NODE = -1


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hold the settings of one run. Sizes are bytes, ``64MiB``, or ``50%`` of the trace's footprint.

    Raises :class:`~zswapsim.InputError` if a value is not allowed. :meth:`frames` checks sizes in per cent when the
    footprint is known.
    """

    dram: str | int = "50%"
    """Memory that the workload's pages may occupy."""
    node: str | int = "25%"
    """Memory of the private node, which holds the pool."""
    equal_memory: bool = False
    """Give a backend without a private node the node's size as additional DRAM, so that all have the same memory."""
    swap: str | int = "unlimited"
    """The device behind the node: ``none``, ``unlimited`` or a size."""
    isolation: str = "private-flag"
    """The rule that keeps others off the private node (:data:`zswapsim.machine.RULES`); counters don't depend on it."""
    bind_node: int = NO_HOST_NODE
    """At bytes depth, the NUMA node of this machine on which the private node's frames are to lie; -1 for any."""
    backend: str = "private-node"
    """The swap backend: ``private-node``, ``zswap``, ``zram``, ``cram`` or ``disk``; with parameters as in
    ``zswap:max_pool_percent=40,shrinker_enabled=1``."""
    cram: str = ""
    """The compressing device: ``form=tier,ratio=2.5,...`` (:class:`~zswapsim.study.settings.cram.CramSettings`)."""
    compressor: str = "lz4"
    """Codec and parameters, as in ``zstd:level=3``."""
    reclaim: str = "lru"
    """The reclaimer: ``lru`` (exact), ``two-list`` and ``mglru`` (as in Linux), ``clock``, ``fifo``, ``sieve``,
    ``s3fifo``, ``opt`` (Belady's minimum) or a plug-in; with parameters as in
    ``two-list:fault_access=1,stats_every=500``."""
    reclaim_batch: int = 0
    """Pages reclaimed when no frame is free; 0 is 32 (SWAP_CLUSTER_MAX) for ``two-list`` and ``mglru``, for a plug-in
    the number that it states, else 1."""
    readahead: str = "none"
    """The pages that a major fault reads from swap beside its own: ``none``, ``cluster`` (neighbouring swap slots) or
    ``vma`` (neighbouring addresses). There is no readahead if the backend completes synchronously."""
    page_cluster: int = 3
    """The largest readahead window is 1 << page_cluster pages (vm.page-cluster), by VMA at most 32; 0 is off."""
    depth: str = "bytes"
    """``bytes`` (pages are compressed and compared), ``sizes`` (lengths measured once), ``counts`` (faults only)."""
    chain_size: int = 8
    """Maximum number of frames in a zspage (the kernel's ZSMALLOC_CHAIN_SIZE), 4 to 16."""
    accept_threshold_percent: int = 90
    """A full pool is written back until this share of its limit is in use; then zswap accepts pages again."""
    exclusive_loads: bool = True
    """A load drops the pool's copy and leaves the page dirty, as zswap does. Otherwise the copy stays until a write;
    in zram, until its slot is overwritten."""
    assumed_length: int = 1365
    """At counts depth, the compressed length in bytes that every page of a pool in DRAM has."""
    groups: str = ""
    """With zswap, groups of the trace's processes, as in ``web:processes=1+2,max=16M;web/front:processes=3``."""
    folio: str | int = "4KiB"
    """Size of the folios of anonymous memory: ``4KiB``, or a large one of 16KiB to 128KiB."""
    folio_swapin: str = "auto"
    """The way to swap in a large folio that was swapped out as one: ``page`` by page, ``whole`` with one fault, or
    ``auto``, as in Linux (whole from zram)."""
    folio_compress: str = "page"
    """The way to compress a large folio: ``page`` by page as in Linux, or, with a private node, ``whole``."""
    zero_map: bool = True
    """Pages of zero bytes never reach the backend (Linux since 6.12)."""
    verify: bool = True
    """At bytes depth, compare every page that is loaded with what was stored."""
    cost: str = "cxl-nvme"
    """The machine whose times are modelled: a preset of :class:`~zswapsim.study.settings.cost.CostModel`."""
    seed: int = 0
    """Shift the content that each page starts with."""
    window: int = 0
    """Accesses in a row of the timeline; 0 is a hundredth of the trace."""

    def __post_init__(self) -> None:
        check_kinds(self)
        parse_backend(self.backend)
        _one_of("isolation", self.isolation, tuple(RULES))
        parse_reclaim(self.reclaim)
        parse_cram(self.cram)
        _one_of("readahead", self.readahead, READAHEADS)
        _one_of("depth", self.depth, DEPTHS)
        _one_of("cost", self.cost, tuple(PRESETS))
        parse_groups(self.groups)
        check_folio(self.folio, self.folio_swapin, self.backend, self.readahead)
        check_compress(self.folio_compress, self.folio_swapin, self.backend)
        _between("reclaim-batch", self.reclaim_batch, 0, 1 << 20)
        _between("page-cluster", self.page_cluster, 0, MOST_PAGE_CLUSTER)
        _between("chain-size", self.chain_size, 4, 16)
        _between("accept-threshold-percent", self.accept_threshold_percent, 1, 100)
        _between("assumed-length", self.assumed_length, 1, PAGE_SIZE)
        _between("seed", self.seed, 0, (1 << 63) - 1)
        _between("bind-node", self.bind_node, NO_HOST_NODE, 1023)
        _between("window", self.window, 0, (1 << 62))

    @property
    def batch(self) -> int:
        """Return how many pages are reclaimed when no frame is free, at least 1."""
        return self.reclaim_batch or default_batch(self.reclaim)

    def frames(self, pages: int) -> tuple[int, int, int]:
        """Return the frames of DRAM, the frames of the node and the pages of the device, for `pages` pages.

        Raises InputError for a size that is too large or too small.
        """
        footprint = whole(pages, "pages", 0, 1 << 40) * PAGE_SIZE
        dram = parse_size(self.dram, "--dram", footprint) // PAGE_SIZE
        node = parse_size(self.node, "--node", footprint) // PAGE_SIZE
        if self.equal_memory and backend_name(self.backend) != "private-node":
            dram += node
        for name, text, frames in (("dram", self.dram, dram), ("node", self.node, node)):
            if frames >= MOST_FRAMES:
                raise InputError(
                    f"--{name} {text}: larger than can be reserved: expected at most {MOST_FRAMES - 1} frames"
                )
        if dram < self.batch:
            raise InputError(f"--dram {self.dram}: {dram} frames are fewer than a reclaim batch of {self.batch} pages")
        if dram >> folio_order(self.folio) == 0:
            raise InputError(f"--dram {self.dram}: {dram} frames are fewer than a folio of {self.folio} has")
        if self.swap == "none":
            return dram, node, 0
        if self.swap == "unlimited":
            return dram, node, (1 << 32) - 1
        return dram, node, min(parse_size(self.swap, "--swap", footprint) // PAGE_SIZE, (1 << 32) - 1)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"--{name} {value}: expected one of {', '.join(allowed)}")


def _between(name: str, value: int, lowest: int, highest: int) -> None:
    if isinstance(value, int) and abs(value) >> 64:  # which str() may refuse to write
        raise InputError(f"--{name}: expected a whole number from {lowest} to {highest}, got one of more than 64 bits")
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise InputError(f"--{name} {value}: expected a whole number from {lowest} to {highest}")
