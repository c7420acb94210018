"""Check the settings of large folios: their size, how they are swapped in and how they are compressed."""

from zswapsim._core.base.errors import InputError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.study.settings.backends import backend_name, two_tiers
from zswapsim.study.settings.sizes import parse_size

ORDERS = (0, 2, 3, 4, 5)
"""Orders of anonymous folios up to 128 KiB; Linux has none of two pages (THP_ORDERS_ALL_ANON)."""
SWAPINS = ("auto", "page", "whole")
COMPRESSED = ("page", "whole")


def folio_order(folio: str | int) -> int:
    """Return the binary logarithm of a folio's pages. Raises InputError if folios do not have that size."""
    pages = parse_size(folio, "--folio") // PAGE_SIZE
    order = pages.bit_length() - 1
    if pages != 1 << order or order not in ORDERS:
        sizes = ", ".join(f"{4 << each}KiB" for each in ORDERS)
        raise InputError(f"--folio {folio}: expected one of {sizes}")
    return order


def swaps_in_whole(backend: str, swapin: str, compress: str) -> bool:
    """Tell if a fault swaps in all of a folio that was swapped out as one. With ``auto``, only zram does so.

    In Linux 6.18, do_swap_page() requires a device that completes synchronously, and alloc_swap_folio() that zswap was
    never enabled. A folio that was compressed whole is always swapped in whole.
    """
    if swapin == "auto" and compress == "page":
        return backend_name(backend) == "zram" and not two_tiers(backend)[1]
    return swapin != "page"


def check_folio(folio: str | int, swapin: str, backend: str, readahead: str) -> None:
    """Raise InputError for a value out of range, and for settings that do not fit together."""
    if swapin not in SWAPINS:
        raise InputError(f"--folio-swapin {swapin}: expected one of {', '.join(SWAPINS)}")
    if folio_order(folio) and backend_name(backend) == "cram":
        raise InputError(f"--folio {folio}: with --backend cram, which maps single pages, expected 4KiB")
    if folio_order(folio) and readahead != "none":
        raise InputError(f"--folio {folio}: with --readahead {readahead}, which reads single pages, expected 4KiB")


def check_compress(compress: str, swapin: str, backend: str) -> None:
    """Raise InputError if large folios cannot be compressed this way."""
    if compress not in COMPRESSED:
        raise InputError(f"--folio-compress {compress}: expected one of {', '.join(COMPRESSED)}")
    if compress == "whole" and backend != "private-node":
        raise InputError(f"--folio-compress whole: expected --backend private-node, got {backend}")
    if compress == "whole" and swapin == "page":
        raise InputError(
            "--folio-compress whole: such folios are swapped in whole: expected --folio-swapin auto or whole"
        )
