"""How large folios are asked for: their size, and how they come back."""

from zswapsim._core.errors import InputError
from zswapsim.study.backendspec import backend_name, two_tiers
from zswapsim.study.sizes import PAGE_SIZE, parse_size

ORDERS = (0, 2, 3, 4, 5)
"""Of anonymous folios up to 128 KiB; Linux has none of two pages (THP_ORDERS_ALL_ANON)."""
SWAPINS = ("auto", "page", "whole")


def folio_order(folio: str | int) -> int:
    """The binary logarithm of a folio's pages. Raises InputError where the size is none of those allowed."""
    pages = parse_size(folio, "--folio") // PAGE_SIZE
    order = pages.bit_length() - 1
    if pages != 1 << order or order not in ORDERS:
        sizes = ", ".join(f"{4 << each}KiB" for each in ORDERS)
        raise InputError(f"--folio {folio}: expected one of {sizes}")
    return order


def swaps_in_whole(backend: str, swapin: str) -> bool:
    """Whether a fault brings in all of a folio that went as one. By itself, Linux 6.18 does so with zram alone.

    do_swap_page() asks for a device that completes synchronously, and alloc_swap_folio() for no zswap.
    """
    if swapin != "auto":
        return swapin == "whole"
    return backend_name(backend) == "zram" and not two_tiers(backend)[1]


def check_folio(folio: str | int, swapin: str, backend: str, readahead: str) -> None:
    """Raises InputError for a value out of range, and for what does not go together."""
    if swapin not in SWAPINS:
        raise InputError(f"--folio-swapin {swapin}: expected one of {', '.join(SWAPINS)}")
    if folio_order(folio) and backend_name(backend) == "cram":
        raise InputError(f"--folio {folio}: with --backend cram, which maps single pages, expected 4KiB")
    if folio_order(folio) and readahead != "none":
        raise InputError(f"--folio {folio}: with --readahead {readahead}, which reads single pages, expected 4KiB")
