import numpy as np
from numpy.typing import NDArray

class Readahead:
    def __init__(self, *, page_cluster: int = 3) -> None: ...
    def stats(self) -> dict[str, int]: ...
    def check(self) -> None: ...

class ClusterReadahead(Readahead):
    def slots(self) -> list[int]: ...

class VmaReadahead(Readahead):
    def __init__(
        self,
        pages: NDArray[np.uint32],
        addresses: NDArray[np.uint64],
        mappings: NDArray[np.uint32],
        *,
        page_cluster: int = 3,
    ) -> None: ...
