"""Test the size classes: known rows, counts and limits of a kernel."""

import numpy as np
import pytest

from tests.reference import zsmalloc as reference
from zswapsim import InputError
from zswapsim._core.frames.arena import FrameArena
from zswapsim._core.zsmalloc.classes import huge_class_size, size_classes
from zswapsim._core.zsmalloc.pool import ZsPool, frames_for_lengths

CLASS_COUNTS = {
    4: 69, 5: 86, 6: 94, 7: 110, 8: 119, 9: 136, 10: 141, 11: 153, 12: 159, 13: 173, 14: 179, 15: 186, 16: 192,
}  # fmt: skip
HUGE = {4: 3257, 5: 3401, 6: 3497, 8: 3625, 16: 3833}
GOLDEN = {  # length -> class size, frames, objects, at chain size 8
    100: (112, 7, 256),
    2048: (2176, 8, 15),
    2500: (2512, 8, 13),
    3000: (3072, 3, 4),
    3257: (3408, 5, 6),
    3624: (3632, 8, 9),
    3625: (4096, 1, 1),
}


@pytest.mark.parametrize(("chain", "count"), CLASS_COUNTS.items())
def test_number_of_classes(chain: int, count: int) -> None:
    assert len(size_classes(chain)) == count


@pytest.mark.parametrize(("chain", "limit"), HUGE.items())
def test_huge_limit(chain: int, limit: int) -> None:
    assert huge_class_size(chain) == limit


@pytest.mark.parametrize(("length", "row"), GOLDEN.items())
def test_golden_rows(length: int, row: tuple[int, int, int]) -> None:
    assert next(found for found in size_classes(8) if found[0] >= length + 8 or found[0] == 4096) == row
    _, frames, objects = row
    assert frames_for_lengths(np.full(objects, length, np.uint16)) == frames
    assert frames_for_lengths(np.full(objects + 1, length, np.uint16)) == 2 * frames


@pytest.mark.parametrize("chain", range(4, 17))
def test_every_length_takes_the_frames_that_the_reference_says(chain: int) -> None:
    pool = reference.Pool(1 << 20, chain)
    sizes = reference.class_table(chain).values()
    assert {(size, *reference.shape(size, chain)) for size in sizes} == set(size_classes(chain))
    for length in [1, 24, 25, 40, *range(50, 4097, 53), 4088, 4089, 4096]:
        assert frames_for_lengths(np.array([length], np.uint16), chain) == pool.class_for(length).frames


@pytest.mark.parametrize("chain", [3, 17, 0, -1])
def test_a_chain_size_out_of_range_is_refused(chain: int) -> None:
    with pytest.raises(InputError, match="4 to 16"):
        size_classes(chain)
    with pytest.raises(InputError, match="4 to 16"):
        ZsPool(FrameArena(4096).grant("pool"), chain)


def test_lengths_past_a_page_are_refused() -> None:
    with pytest.raises(InputError, match="4096"):
        frames_for_lengths(np.array([4097], np.uint16))
