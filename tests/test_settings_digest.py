"""Compare every setting with its record (tests/data/settings_digest.json): nothing that a run counts may change."""

from typing import Any

import pytest

from tests.digest_inputs import library_version
from tests.digest_settings import all_cases
from tests.settings_digest import SHOWN, all_names, codec_named, compute_named, differences, read_record

# It does not run under the sanitizers, where so many runs take minutes; they have tests of every part of it.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    return read_record()


@pytest.mark.parametrize("name", all_names())
def test_a_setting_counts_what_was_recorded(recorded: dict[str, Any], name: str) -> None:
    codec = codec_named(name)
    if codec and library_version(codec) != recorded["versions"][codec]:
        pytest.skip(f"recorded with {codec} {recorded['versions'][codec]}, here is {library_version(codec)}")
    lines = differences(recorded["settings"].get(name), compute_named(name))
    more = f"\n  and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
    assert not lines, f"{name} differs from its record:\n  " + "\n  ".join(lines[:SHOWN]) + more


def test_the_record_has_these_settings_and_no_others(recorded: dict[str, Any]) -> None:
    assert list(recorded["settings"]) == all_names()
    assert len(all_cases()) > 300


def test_a_difference_names_the_counter() -> None:
    before = {"outcome": "completed", "counters": {"zswpin": 3, "zswpout": 4}, "sizes": [1, 2]}
    after = {"outcome": "completed", "counters": {"zswpin": 5, "pswpin": 1}, "sizes": [1, 3]}
    assert differences(before, after) == [
        "counters zswpin: recorded 3, now 5",
        "counters zswpout: recorded 4, now 0 or none",
        "counters pswpin: recorded 0 or none, now 1",
        "sizes[1]: recorded 2, now 3",
    ]
    assert differences(before, before) == []
