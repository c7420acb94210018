"""Define the bytes of pages: by a file of pages, a recipe, or a live process."""

from __future__ import annotations

import hashlib
import itertools
import stat
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.arguments import flag, instance, path_text
from zswapsim._core.base.errors import HostMemoryError, InputError, OutputError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.files.arrays import map_array, read_array
from zswapsim.files.atomic import atomic_write
from zswapsim.files.found import exists, state_of
from zswapsim.files.opening import open_file
from zswapsim.files.operation import reason
from zswapsim.files.privacy import is_private, permissions_for
from zswapsim.files.temporary import room_needed, unnamed_file
from zswapsim.traces.kinds import ZERO, link, lonely, sort_into_kinds, variant
from zswapsim.traces.recipes import RECIPES, recipe_pages
from zswapsim.traces.specs import Key, parse_spec

IN_MEMORY_BYTES = 256 << 20  # larger sets of pages are kept in a temporary file
PART_BYTES = 16 << 20
PART_PAGES = 1024
SEED_STRIDE = 1 << 20  # recipes of another seed begin at another index
RECIPE_KEYS = {
    "pages": Key(4096, 1, SEED_STRIDE, help="how many images"),
    "seed": Key(0, 0, 1 << 32, help="other images of the same recipe"),
}
EXPECTED = "FILE.pages, recipe:NAME, pid:PID or none"


class Contents:
    """A finite set of page images, and the rule for which image a page gets when it is written.

    Dense page p begins with image p % K. At the first write after each swap-in a page moves to `next_image` of its
    image: no backend sees the bytes that it holds between two writes of one residency.

    `images` is uint8[K, 4096] and not empty. K grows by one for each kind that had a single content. Raises InputError
    on another shape or type.
    """

    images: NDArray[np.uint8]
    """uint8[K, 4096], C-contiguous and read only; it may be a memory map."""
    next_image: NDArray[np.uint32]
    """uint32[K]: an image of the same kind with other bytes; an all-zero page stays as it is."""
    kind: NDArray[np.uint8]
    """uint8[K]: the kind of each image, see :mod:`zswapsim.traces.kinds`."""
    content: NDArray[np.uint32]
    """uint32[K]: equal numbers mean equal bytes; they count up from 0 in order of first appearance."""
    digest: NDArray[np.uint64]
    """uint64[K, 2]: 128 bits of BLAKE2b of each image."""
    name: str
    holds_bytes = True
    """True if there are `images`. A run at sizes depth needs none; shared or profiled contents may have none."""
    private = False
    """True if they are of a process, or of a file that others may not read: what is made of them is for its owner."""
    files: tuple[str, ...] = ()
    """The file that they were read from."""

    def __init__(self, images: NDArray[np.uint8], name: str = "array") -> None:
        instance(images, np.ndarray, "images")
        if images.dtype != np.uint8 or images.ndim != 2 or images.shape[1] != PAGE_SIZE:
            raise InputError(f"{name}: expected pages as uint8[K, {PAGE_SIZE}]")
        if not 0 < len(images) < 1 << 32:
            raise InputError(f"{name}: {len(images)} pages: expected at least one, and fewer than 2**32")
        kind, content, digest = sort_into_kinds(images)
        alone = lonely(kind, content)
        if alone:
            more = np.stack([variant(images[image]) for image in alone])
            images = _extended(images, more)
            kind = np.append(kind, kind[alone])
            content = np.append(content, content.max() + 1 + np.arange(len(alone)))
            digest = np.concatenate([digest, sort_into_kinds(more)[2]])
        self.images, self.kind, self.name = np.ascontiguousarray(images).view(), kind, name
        self.next_image, self.content, self.digest = link(kind, content), content.astype(np.uint32), digest
        for array in (self.images, self.kind, self.next_image, self.content, self.digest):
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.next_image)

    @cached_property
    def hash(self) -> str:
        """Return 128 bits of BLAKE2b of all images' digests in their order, in hexadecimal."""
        return hashlib.blake2b(self.digest.tobytes(), digest_size=16).hexdigest()

    def with_zeros(self, *, images: bool = True) -> Contents:
        """Return the same contents with an all-zero image as the last one; it stays zero when it is written.

        Without `images`, the bytes are left out, for callers that don't read them.
        """
        images = flag(images, "images")
        zeros = np.zeros((1, PAGE_SIZE), np.uint8)
        made = Contents.__new__(Contents)
        made.name, made.holds_bytes = self.name, images and self.holds_bytes
        made.private, made.files = self.private, self.files
        if made.holds_bytes:
            made.images = _extended(self.images, zeros)
        made.kind = np.append(self.kind, np.uint8(ZERO))
        made.next_image = np.append(self.next_image, np.uint32(len(self)))
        made.digest = np.concatenate([self.digest, sort_into_kinds(zeros)[2]])
        made.content = np.append(self.content, self.content.max() + np.uint32(1))
        return made

    def __repr__(self) -> str:
        return f"<Contents {self.name}: {len(self)} images>"


def read_contents(source: str | Path) -> Contents | None:
    """Return the contents that `source` names.

    A source is ``FILE.pages``, ``recipe:NAME[,pages=N][,seed=S]``, ``pid:PID``, or ``none``. Raises InputError on a
    wrong name, key, range or file (its size must be a multiple of 4096 and not zero), and what :func:`capture_pages`
    raises.
    """
    text = path_text(source, "contents")
    if text == "none":
        return None
    if text.startswith("recipe:"):
        return _from_recipe(text.removeprefix("recipe:"))
    if text.startswith("pid:"):
        from zswapsim.traces.capture import capture_pages  # psutil is slow to import

        made = Contents(np.concatenate(list(capture_pages(text.removeprefix("pid:")))), text)
        made.private = True
        return made
    if not text or (not text.endswith(".pages") and not exists(text)):
        raise InputError(f"{text}: no such file of pages: expected {EXPECTED}")
    made = Contents(read_pages(text), text)
    made.private, made.files = is_private(text), (text,)
    return made


def _from_recipe(spec: str) -> Contents:
    name, values = parse_spec(spec, "recipe", dict.fromkeys(RECIPES, RECIPE_KEYS))
    count, seed = int(values["pages"] or 0), int(values["seed"] or 0)
    try:
        return Contents(_recipe_images(name, count, SEED_STRIDE * seed), f"recipe:{spec}")
    except MemoryError as error:
        raise HostMemoryError(f"recipe:{spec}: the host is out of memory for {count} pages") from error


def _recipe_images(name: str, count: int, first: int) -> NDArray[np.uint8]:
    """Return pages of a recipe, in memory up to 256 MiB, else in a file without a name."""
    if count * PAGE_SIZE <= IN_MEMORY_BYTES:
        return recipe_pages(name, count, first)
    starts = range(0, count, PART_PAGES)
    parts = (recipe_pages(name, min(PART_PAGES, count - start), first + start).data.cast("B") for start in starts)
    return _spilled(parts).reshape(-1, PAGE_SIZE)


def read_pages(path: str | Path) -> NDArray[np.uint8]:
    """Return the pages of a file: uint8[n, 4096], in memory up to 256 MiB, else a mapped copy of the file.

    The copy has no name. A mapping of the file itself would end the process with SIGBUS if somebody shortened the file.
    Raises InputError if the file can't be read, is empty, or ends within a page, OutputError if there is no room for
    the copy.
    """
    try:
        state = state_of(path)
        size = state.st_size
        if stat.S_ISDIR(state.st_mode):
            raise IsADirectoryError(21, "Is a directory")
        if size == 0 or size % PAGE_SIZE:
            raise InputError(f"{path}: {size} bytes: expected whole pages of {PAGE_SIZE} bytes, at least one")
        pages = _spilled(_read_in_parts(path)) if size > IN_MEMORY_BYTES else read_array(path, np.uint8, size)
    except (InputError, OutputError):
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot read: {reason(error)}") from error
    if pages.size != size:
        raise InputError(f"{path}: expected {size} bytes, got {pages.size}: it changed while it was read")
    return pages.reshape(-1, PAGE_SIZE)


def write_pages(
    path: str | Path, pages: NDArray[np.uint8] | Iterable[NDArray[np.uint8] | bytes], permissions: int | None = None
) -> int:
    """Write pages into a file of pages, whole or not at all, and return how many.

    An item holds any number of whole pages. Pages that :func:`capture_pages` reads are for their owner alone, unless
    `permissions` say otherwise. Raises InputError on a part of a page or on no page at all, OutputError if
    the file can't be written.
    """
    count = 0
    path_text(path, "path")
    if permissions is None:
        permissions = permissions_for(getattr(pages, "private", False))
    with atomic_write(path, permissions=permissions) as file:
        for item in pages:
            data = np.ascontiguousarray(item).data.cast("B") if isinstance(item, np.ndarray) else memoryview(item)
            if len(data) % PAGE_SIZE:
                raise InputError(f"{path}: {len(data)} bytes to write: expected whole pages of {PAGE_SIZE} bytes")
            file.write(data)
            count += len(data) // PAGE_SIZE
        if not count:
            raise InputError(f"{path}: no page to write: expected at least one")
    return count


def _extended(images: NDArray[np.uint8], more: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return `images` followed by `more`; a result too large for memory lies in an unlinked temporary file."""
    if images.nbytes <= IN_MEMORY_BYTES:
        return np.concatenate([images, more])
    parts = (images[start : start + 1024] for start in range(0, len(images), 1024))
    return _spilled(np.ascontiguousarray(part).data for part in itertools.chain(parts, [more])).reshape(-1, PAGE_SIZE)


def _read_in_parts(path: str | Path) -> Iterator[bytes]:
    with open_file(path) as file:
        while part := file.read(PART_BYTES):
            yield part


def _spilled(parts: Iterable[bytes | memoryview]) -> NDArray[np.uint8]:
    """Map a temporary file without a name that holds the bytes of all parts. Raises OutputError if there is no room."""
    with unnamed_file() as file:
        for part in parts:
            with room_needed(file.name):
                file.write(part)
        with room_needed(file.name):
            return map_array(file, np.uint8) if file.tell() else np.empty(0, np.uint8)
