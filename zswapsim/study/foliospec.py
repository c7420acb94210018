"""How large folios are asked for: their size, and how they come back."""

from zswapsim._core.base.errors import InputError
from zswapsim.study.backendspec import backend_name, two_tiers
from zswapsim.study.sizes import PAGE_SIZE, parse_size

ORDERS = (0, 2, 3, 4, 5)
"""Of anonymous folios up to 128 KiB; Linux has none of two pages (THP_ORDERS_ALL_ANON)."""
SWAPINS = ("auto", "page", "whole")
COMPRESSED = ("page", "whole")


def folio_order(folio: str | int) -> int:
    """The binary logarithm of a folio's pages. Raises InputError where the size is none of those allowed."""
    pages = parse_size(folio, "--folio") // PAGE_SIZE
    order = pages.bit_length() - 1
    if pages != 1 << order or order not in ORDERS:
        sizes = ", ".join(f"{4 << each}KiB" for each in ORDERS)
        raise InputError(f"--folio {folio}: expected one of {sizes}")
    return order


def swaps_in_whole(backend: str, swapin: str, compress: str) -> bool:
    """Whether a fault brings in all of a folio that went as one. By itself, Linux 6.18 does so with zram alone.

    do_swap_page() asks for a device that completes synchronously, and alloc_swap_folio() for no zswap. What was
    compressed whole comes back whole.
    """
    if swapin == "auto" and compress == "page":
        return backend_name(backend) == "zram" and not two_tiers(backend)[1]
    return swapin != "page"


def check_folio(folio: str | int, swapin: str, backend: str, readahead: str) -> None:
    """Raises InputError for a value out of range, and for what does not go together."""
    if swapin not in SWAPINS:
        raise InputError(f"--folio-swapin {swapin}: expected one of {', '.join(SWAPINS)}")
    if folio_order(folio) and backend_name(backend) == "cram":
        raise InputError(f"--folio {folio}: with --backend cram, which maps single pages, expected 4KiB")
    if folio_order(folio) and readahead != "none":
        raise InputError(f"--folio {folio}: with --readahead {readahead}, which reads single pages, expected 4KiB")


def check_compress(compress: str, swapin: str, backend: str) -> None:
    """The same for how large folios are compressed."""
    if compress not in COMPRESSED:
        raise InputError(f"--folio-compress {compress}: expected one of {', '.join(COMPRESSED)}")
    if compress == "whole" and backend != "private-node":
        raise InputError(f"--folio-compress whole: expected --backend private-node, got {backend}")
    if compress == "whole" and swapin == "page":
        raise InputError("--folio-compress whole: a folio comes back as it went: expected --folio-swapin auto or whole")
