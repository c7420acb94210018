"""Hold a content profile in memory."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from zswapsim._core.base.arguments import instance, listed, text
from zswapsim._core.base.errors import InputError
from zswapsim._core.codec.codec import Codec
from zswapsim.compressors import get_compressor
from zswapsim.compressors.measure import Columns, Measured, measured_of
from zswapsim.traces.contents import Contents
from zswapsim.traces.kinds import SAME_FILLED, ZERO, link

DIGEST_BYTES = 16  # length of a content's digest, which kinds.py computes


class Origin(msgspec.Struct, frozen=True):
    """Describe the origin of a codec's figures."""

    library: str
    """The file of the codec's library; empty if it needs none."""
    version: str
    """The version of that library, of the plug-in, or of this package."""
    cpu: str
    """The processor on which the times were measured."""

    def same_code(self, other: "Origin") -> bool:
        """Tell if both come from the same code, so that lengths are equal; times may be those of another machine."""
        return (self.library, self.version) == (other.library, other.version)


@dataclass(eq=False)
class Profile:
    """Hold the lengths and times of codecs for K images, of which D are distinct. See :func:`make_profile`."""

    name: str
    """The file of the profile, for messages."""
    contents_name: str
    contents_hash: str
    """:attr:`Contents.hash` of all images in their order."""
    content: NDArray[np.uint32]
    """uint32[K]: the row of each image, in order of first appearance."""
    kind: NDArray[np.uint8]
    """uint8[D]: see :mod:`zswapsim.traces.kinds`."""
    digest: NDArray[np.uint64]
    """uint64[D, 2]: 128 bits of BLAKE2b of each content."""
    columns: dict[str, Columns]
    """Lengths and times of every row, by the :func:`profile_key` of each codec."""
    origins: dict[str, Origin]
    """The origin of each codec's figures, by the same keys."""
    added: dict[str, int] = field(default_factory=dict)
    """Number of rows that :func:`make_profile` measured, by the same keys; the others were known."""
    private: bool = False
    """True if the contents are private, so that the profile's file is for its owner alone."""
    _expanded: dict[str, Measured] = field(default_factory=dict, repr=False)

    def measured(self, codec: str | Codec) -> Measured:
        """Return lengths and times of every image with that codec. Raises InputError if it was not measured."""
        key = profile_key(get_compressor(codec))
        if key not in self.columns:
            known = ", ".join(self.columns) or "no codec"
            raise InputError(f"{self.name}: holds {known}: expected {key} too (zswapsim profile adds it)")
        return self.by_key(key)

    def by_key(self, key: str) -> Measured:
        """Return the same for a codec by its name in the profile; the codec need not be on this machine."""
        if text(key, "codec") not in self.columns:
            raise InputError(f"{self.name}: holds no codec {key}")
        if key not in self._expanded:
            columns, kind = self.columns[key].at(self.content), self.kind[self.content]
            self._expanded[key] = measured_of(key, columns, kind <= SAME_FILLED, kind == ZERO)
        return self._expanded[key]

    def summary(self) -> dict[str, Any]:
        """Return what `zswapsim profile` shows of the contents and of each codec."""
        codecs = [
            {"compressor": key}
            | self.by_key(key).summary()
            | {"measured": self.added.get(key, 0)}
            | msgspec.to_builtins(self.origins[key])
            for key in self.columns
        ]
        return {
            "contents": self.contents_name,
            "contents_hash": self.contents_hash,
            "pages": len(self.content),
            "distinct": len(self.kind),
            "codecs": codecs,
        }

    def check(self, contents: Contents, codecs: Iterable[str] = ()) -> None:
        """Raise InputError if the profile was made of other contents, or lacks one of `codecs`."""
        instance(contents, Contents, "contents")
        if contents.hash != self.contents_hash:
            raise InputError(
                f"{self.name}: a profile of other contents ({self.contents_name}, {len(self.content)} pages, hash"
                f" {self.contents_hash}): expected {contents.name} ({len(contents)} pages, hash {contents.hash})"
            )
        for codec in listed(codecs, "compressors"):
            self.measured(codec)

    @property
    def specs(self) -> list[str]:
        """Return the codecs whose key is their spec: all but those with a dictionary."""
        return [key for key in self.columns if "dict=" not in key]

    def contents(self) -> Contents:
        """Return the contents without their bytes, for runs at sizes depth."""
        return ProfiledContents(self)


class ProfiledContents(Contents):
    """Describe contents by a profile, which has kinds, digests and lengths, but no bytes."""

    holds_bytes = False

    def __init__(self, profile: Profile) -> None:
        self.name, self.private = profile.contents_name, profile.private
        self.content = profile.content
        self.kind = profile.kind[profile.content]
        self.digest = profile.digest[profile.content]
        self.next_image = link(self.kind, profile.content.astype(np.int64))


def profile_key(codec: Codec) -> str:
    """Return a codec's name in a profile: its spec, with a dictionary named by its content.

    An example is ``zstd:dict=blake2b-0123456789abcdef``. So a dictionary may be moved to another file, and another
    dictionary in its place has another name.
    """
    if not codec.dictionary:
        return codec.spec
    named = hashlib.blake2b(codec.dictionary, digest_size=8).hexdigest()
    return codec.spec.removesuffix(f"dict={codec.settings['dict']}") + f"dict=blake2b-{named}"
