"""Content profiles: what codecs make of every distinct content, measured once and kept. See docs/profile.md."""

from zswapsim.study.profile.file import read_profile, write_profile
from zswapsim.study.profile.make import make_profile
from zswapsim.study.profile.record import Origin, Profile, profile_key

__all__ = ["Origin", "Profile", "make_profile", "profile_key", "read_profile", "write_profile"]
