from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.backend.backend import Backend
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.backend.foliocodec import FolioCodec
from zswapsim._core.backend.groups import PoolGroups
from zswapsim._core.codec.codec import Codec
from zswapsim._core.frames.arena import Grant

Measured = tuple[NDArray[np.uint16], NDArray[np.uint8], NDArray[np.uint32], NDArray[np.uint32]]

class CompressedPool(Backend):
    def __init__(
        self,
        cost: Iterable[float],
        grant: Grant,
        device: SwapDevice,
        codec: Codec | None = None,
        measured: Measured | None = None,
        *,
        chain_size: int = 8,
        raw_from: int | None = None,
        accept_threshold_percent: int = 90,
        exclusive: bool = True,
        rules: object | None = None,
        more_codecs: Sequence[Codec | Measured] = (),
        node: str = "private",
        groups: PoolGroups | None = None,
        whole: FolioCodec | None = None,
    ) -> None: ...
    def group_stats(self) -> list[dict[str, int]]: ...
    def compact(self) -> int: ...
    def inject_fault(self, slot: int, offset: int, mask: int) -> None: ...
