"""Test page contents: files of pages, recipes, kinds, and which image follows which."""

import hashlib
import mmap
import os
from pathlib import Path

import numpy as np
import pages as truth
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from zswapsim._core.base.errors import InputError, OutputError
from zswapsim.traces import Contents, read_contents, write_pages
from zswapsim.traces import contents as module
from zswapsim.traces.contents import read_pages
from zswapsim.traces.kinds import DATA, SAME_FILLED, ZERO, Tally, kind_name, sort_into_kinds, variant
from zswapsim.traces.recipes import MIX, RECIPES, recipe_page, recipe_pages

# The SHA-256 of each recipe's pages 0 … 63, made by the program that wrote them to a kernel's zram.
GOLDEN = {
    "zero": "8a39d2abd3999ab73c34db2476849cddf303ce389b35826850f9a700589b4a90",
    "pattern": "dff4798e1444ae4d12011957cf88dc608b6af433f85c87b4bf63d30f1b0a3fd6",
    "noise": "68a57dc53c568b3e6e87f6cc96cc373c94cf731ca5dc8685304fc83e86d02c2c",
    "text": "efeb062964b1bd0b1b5735d0408464a6b24a4216ccb47484ae42d9cf79b6e1af",
    "pointers": "4999725ff33866d755e9c091570e5aa521fc4a9699c89919885a6482fbc9f05f",
    "floats": "5f3a8a0d9966a857996d823fbda86965abacbc648a20041dad99b1d1b8d37949",
    "integers": "a57b95a111669a6d9c664d2e0541305c70135af6187bac2cc1ed7819eda21169",
    "sparse": "9d8a195afffa5c9608b513ece45294022abe95869a3b5d26521b3ad77394f2e3",
    "half": "fc2ed4f527e771b31f08d4edec8974c6d1ea56dfab3521e30b6ecc4a8ea2ba90",
    "mix": "435ac997fd187e9d3ed8e678213647f4fc1b9e3dbbef76a559d06574752e8ea6",
}


def check(contents: Contents) -> None:
    """Check what every Contents promises."""
    images, following, kind = contents.images, contents.next_image, contents.kind
    assert images.dtype == np.uint8
    assert images.flags.c_contiguous
    assert not any(array.flags.writeable for array in (images, following, kind))
    assert len(images) == len(following) == len(kind) == len(contents)
    assert (kind[following] == kind).all()
    equal = (images[following] == images).all(axis=1)
    zero = ~images.any(axis=1)
    assert (equal == zero).all()
    assert ((kind == ZERO) == zero).all()
    words = images.view(np.uint64)
    assert ((kind <= SAME_FILLED) == (words == words[:, :1]).all(axis=1)).all()
    numbers = sort_into_kinds(images)[1]
    for code in np.unique(kind):
        _, counts = np.unique(numbers[kind == code], return_counts=True)
        if code == ZERO or 2 * counts.max() <= counts.sum():
            members = np.flatnonzero(kind == code)
            assert sorted(following[members]) == members.tolist(), "a permutation"


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipes_are_those_that_a_kernel_was_given(recipe: str) -> None:
    assert hashlib.sha256(recipe_pages(recipe, 64).tobytes()).hexdigest() == GOLDEN[recipe]
    for index in (64, 255, 1000, 4095, 65_536, 1 << 20, (3 << 20) + 5):
        assert recipe_page(recipe, index) == truth.page(recipe, index)


def test_the_mix_has_the_shares_it_says() -> None:
    assert sum(MIX.values()) == 100
    kinds = sort_into_kinds(recipe_pages("mix", 2000))[0]
    assert abs((kinds == ZERO).mean() - 0.12) < 0.03
    assert abs((kinds == SAME_FILLED).mean() - 0.03) < 0.02


@pytest.mark.parametrize("recipe", RECIPES)
def test_contents_of_recipes(recipe: str) -> None:
    contents = read_contents(f"recipe:{recipe},pages=300")
    assert contents is not None
    check(contents)
    assert len(contents) >= 300
    assert contents.name == f"recipe:{recipe},pages=300"
    for image in (0, 1, 299):
        assert contents.images[image].tobytes() == truth.page(recipe, image)


def test_recipes_have_4096_images_and_seeds() -> None:
    plain, other = read_contents("recipe:text"), read_contents("recipe:text,seed=2")
    assert plain is not None
    assert other is not None
    assert len(plain) == len(other) == 4096
    assert other.images[5].tobytes() == truth.page("text", (2 << 20) + 5)


def test_none_has_no_contents() -> None:
    assert read_contents("none") is None


PAGE = st.one_of(
    st.just(bytes(4096)),
    st.integers(1, 3).map(lambda word: word.to_bytes(8, "little") * 512),
    st.integers(0, 2).map(lambda index: truth.page("text", index)),
    st.integers(0, 2).map(lambda index: truth.page("noise", index)),
    st.tuples(st.integers(0, 511), st.integers(1, 3)).map(
        lambda at: bytes(8 * at[0]) + bytes([at[1]]) * 8 + bytes(4088 - 8 * at[0])
    ),
)


@given(st.lists(PAGE, min_size=1, max_size=40))
def test_any_pages_make_contents(pages: list[bytes]) -> None:
    images = np.frombuffer(b"".join(pages), np.uint8).reshape(-1, 4096)
    contents = Contents(images)
    check(contents)
    assert np.array_equal(contents.images[: len(images)], images), "pages stay where they are"
    assert len(contents) - len(images) <= len(set(contents.kind.tolist()))


@given(npst.arrays(np.uint8, 4096, elements=st.integers(0, 3)))
def test_a_variant_is_of_the_same_kind_and_another(page: np.ndarray) -> None:
    if not page.any():
        page[7] = 1
    other = variant(page)
    assert not np.array_equal(page, other)
    for image in (page, other):
        words = image.view(np.uint64)
        assert image.any()
        assert bool((words == words[0]).all()) == bool((page.view(np.uint64) == page.view(np.uint64)[0]).all())


def test_a_variant_of_counters_that_become_alike() -> None:
    words = np.full(512, 6, np.uint64)
    words[::128] = 5
    other = variant(words.view(np.uint8)).view(np.uint64)
    assert other[::128].tolist() == [7] * 4
    assert np.flatnonzero(other != words).tolist() == [0, 128, 256, 384]


def test_equal_images_never_follow_each_other() -> None:
    for shares in ([3, 1, 1, 1], [5, 1], [2, 2], [1, 1, 1], [7]):
        pages = [truth.page("noise", content) for content, share in enumerate(shares) for _ in range(share)]
        contents = Contents(np.frombuffer(b"".join(pages), np.uint8).reshape(-1, 4096))
        check(contents)
        assert len(contents) == len(pages) + (len(shares) == 1)


def test_a_cycle_visits_every_content_of_a_kind() -> None:
    contents = read_contents("recipe:noise,pages=50")
    assert contents is not None
    image, seen = 0, set()
    while image not in seen:
        seen.add(image)
        image = int(contents.next_image[image])
    assert len(seen) == 50


def test_kinds_tell_data_apart() -> None:
    kinds = {recipe: set(sort_into_kinds(recipe_pages(recipe, 50))[0].tolist()) for recipe in RECIPES}
    assert kinds["zero"] == {ZERO}
    assert kinds["pattern"] == {SAME_FILLED}
    assert kinds["noise"] == {DATA + 7}
    assert min(kinds["text"]) > DATA + 2
    assert not kinds["text"] & kinds["noise"]
    assert max(kinds["integers"]) < min(kinds["text"])
    assert [kind_name(kind) for kind in (ZERO, SAME_FILLED, DATA + 7)] == ["zero", "same-filled", "data, 7 bits a byte"]


def test_a_file_of_pages(tmp_path: Path) -> None:
    path = tmp_path / "a.pages"
    assert write_pages(path, recipe_pages("mix", 70)) == 70
    contents = read_contents(str(path))
    assert contents is not None
    check(contents)
    assert contents.images[69].tobytes() == truth.page("mix", 69)
    assert contents.name == str(path)


def test_a_large_file_that_is_cut_during_a_run_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the file itself were mapped, the next access beyond its end would kill the process."""
    monkeypatch.setattr(module, "IN_MEMORY_BYTES", 8192)
    path = tmp_path / "a.pages"
    write_pages(path, recipe_pages("noise", 50))
    pages = read_pages(path)
    os.truncate(path, 4096)
    assert pages.tobytes() == recipe_pages("noise", 50).tobytes()


def test_a_large_file_that_is_cut_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_MEMORY_BYTES", 8192)
    path = tmp_path / "a.pages"
    write_pages(path, recipe_pages("noise", 5))
    monkeypatch.setattr(module, "_read_in_parts", lambda path: iter([Path(path).read_bytes()[:9000]]))
    with pytest.raises(InputError, match=r"a\.pages: expected 20480 bytes, got 9000: it changed while it was read"):
        read_pages(path)


def test_no_room_for_a_large_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_MEMORY_BYTES", 8192)
    write_pages(tmp_path / "a.pages", recipe_pages("noise", 5))

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OutputError, match=r"cannot write: No space left on device \(TMPDIR moves it\)"):
        read_pages(tmp_path / "a.pages")


def test_a_large_file_is_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_MEMORY_BYTES", 8192)
    path = tmp_path / "a.pages"
    write_pages(path, recipe_pages("noise", 5))
    assert isinstance(read_pages(path), np.memmap)
    contents = Contents(read_pages(path))
    check(contents)
    owner: object = contents.images
    while isinstance(owner, np.ndarray):
        owner = owner.base
    assert isinstance(owner, mmap.mmap)
    write_pages(path, [*recipe_pages("noise", 4), truth.page("pattern", 3)])
    contents = Contents(read_pages(path))
    check(contents)
    assert len(contents) == 6
    assert contents.images[3].tobytes() == truth.page("noise", 3)


@pytest.mark.parametrize("size", [0, 1, 4095, 4097, 12_289])
def test_a_file_of_other_sizes(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.pages"
    path.write_bytes(b"x" * size)
    with pytest.raises(InputError) as caught:
        read_contents(str(path))
    assert str(caught.value) == f"{path}: {size} bytes: expected whole pages of 4096 bytes, at least one"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("recipe:nothing", "unknown name 'nothing': expected one of zero, pattern, noise, text"),
        ("recipe:mix,pages=0", "pages: expected a whole number from 1 to 1048576, got '0'"),
        ("recipe:mix,page=3", "'page=3': expected KEY=VALUE, KEY one of pages, seed"),
        ("recipe:mix,seed=x", "seed: expected a whole number from 0"),
        ("nowhere.pages", "nowhere.pages: cannot read: No such file or directory"),
        ("nowhere", "nowhere: no such file of pages: expected FILE.pages, recipe:NAME, pid:PID or none"),
        ("", ": no such file of pages"),
        ("a\0b.pages", "expected a file's name"),
        ("pid:x", "pid x: expected the number of a process"),
    ],
)
def test_other_sources(source: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        read_contents(source)
    assert expected in str(caught.value)


def test_a_folder_is_no_file_of_pages(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read: Is a directory"):
        read_contents(str(tmp_path))


@pytest.mark.parametrize(
    "images",
    [np.zeros((0, 4096), np.uint8), np.zeros((2, 4095), np.uint8), np.zeros((2, 512), np.uint64), [[0] * 4096], None],
)
def test_contents_refuse_other_arrays(images: object) -> None:
    with pytest.raises(InputError):
        Contents(images)  # type: ignore[arg-type]


def test_pages_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.pages"

    def failing():  # type: ignore[no-untyped-def]
        yield bytes(4096)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_pages(path, failing())
    with pytest.raises(InputError, match="100 bytes to write: expected whole pages"):
        write_pages(path, [bytes(4096), bytes(100)])
    with pytest.raises(InputError, match="no page to write"):
        write_pages(path, [])
    assert list(tmp_path.iterdir()) == []
    path.symlink_to("/dev/full")
    with pytest.raises(OutputError, match="cannot write: No space left on device"):
        write_pages(path, recipe_pages("noise", 64))


def test_tally_counts_what_goes_by() -> None:
    tally, pages = Tally(), recipe_pages("mix", 300)
    assert np.array_equal(np.concatenate(list(tally.over([pages[:100], pages[100:]]))), pages)
    kinds = sort_into_kinds(pages)[0]
    assert (tally.pages, tally.zero, tally.same_filled) == (300, (kinds == ZERO).sum(), (kinds == SAME_FILLED).sum())
