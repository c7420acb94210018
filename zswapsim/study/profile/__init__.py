"""Measure what codecs make of every distinct content, once, and keep that as a profile. See docs/profile.md."""

from zswapsim.study.profile.file import read_profile, write_profile
from zswapsim.study.profile.make import make_profile
from zswapsim.study.profile.record import Origin, Profile, profile_key

__all__ = ["Origin", "Profile", "make_profile", "profile_key", "read_profile", "write_profile"]
