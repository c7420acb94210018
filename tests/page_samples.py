"""Provide a few dozen pages of every kind, and their compressed lengths with lz4."""

from functools import cache

import numpy as np

from zswapsim import get_compressor
from zswapsim.traces.recipes import RECIPES, recipe_pages


@cache
def sample_pages() -> list[bytes]:
    """Return four pages of each recipe, and pages of such lengths that every size class is used."""
    pages = [page.tobytes() for name in sorted(RECIPES) for page in recipe_pages(name, 4)]
    noise = recipe_pages("noise", 1, 99)[0].tobytes()
    pages += [noise[:length].ljust(4096, b"\x05") for length in range(60, 4096, 211)]
    return pages


@cache
def lz4_length(page: bytes) -> int:
    """Return the compressed length, 4096 if lz4 does not shrink the page."""
    made = get_compressor("lz4").compress(page)
    return 4096 if made is None else len(made)


def sample_array(pages: list[bytes]) -> np.ndarray:
    """uint8[n, 4096]."""
    return np.frombuffer(b"".join(pages), np.uint8).reshape(-1, 4096)
