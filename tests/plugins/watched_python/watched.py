"""A codec that notes each call in a file, whichever process makes it, and can end its process on the way."""

import os
import signal
import zlib

LOG = "WATCHED_LOG"
ENDS_AT = "WATCHED_ENDS_AT"  # NUMBER:SIGNAL: at that call, by that signal


class Watched:
    parameters = {"level": (1, 9, 1, "zlib's level")}

    def __init__(self, level):
        self.level = level

    def compress(self, page):
        calls = note()
        number, _, name = os.environ.get(ENDS_AT, "0:").partition(":")
        if calls == int(number):
            os.kill(os.getpid(), signal.Signals[name])
        return zlib.compress(page, self.level)

    def decompress(self, data):
        return zlib.decompress(data)


def note():
    """Add a byte to the log; how many are in it."""
    log = os.open(os.environ[LOG], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(log, b".")
        return os.fstat(log).st_size
    finally:
        os.close(log)
