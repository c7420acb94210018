"""Note each call of a codec in a file, whichever process makes it, and end the process at a given call."""

import os
import signal
import zlib

LOG = "WATCHED_LOG"
ENDS_AT = "WATCHED_ENDS_AT"  # NUMBER:SIGNAL: the call at which, and the signal by which the process ends


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
    """Add a byte to the log, and return how many bytes it has."""
    log = os.open(os.environ[LOG], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(log, b".")
        return os.fstat(log).st_size
    finally:
        os.close(log)
