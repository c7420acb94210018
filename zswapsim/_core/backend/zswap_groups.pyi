from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

class ZswapGroups:
    def __init__(
        self, groups: Iterable[tuple[int | None, int | None, bool]], group_of: NDArray[np.uint16] | None = None
    ) -> None: ...
