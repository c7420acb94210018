"""Break the interface of Python codecs, one promise in each."""

NUMBER = 42


class Honest:
    """Keep the first eight bytes: correct only for pages that repeat them."""

    def compress(self, page):
        return page[:8]

    def decompress(self, data):
        return data * 512


class Raises(Honest):
    def compress(self, page):
        raise ZeroDivisionError("in the\ncodec")

    def decompress(self, data):
        raise KeyError("decompress")


class TooMuch(Honest):
    def compress(self, page):
        return page * 3


class NoBytes(Honest):
    def compress(self, page):
        return "text"

    def decompress(self, data):
        return None


class ShortPage(Honest):
    def decompress(self, data):
        return bytes(4095)


class LongPage(Honest):
    def decompress(self, data):
        return bytes(1 << 20)


class OtherPage(Honest):
    def decompress(self, data):
        return bytes(4096)


class SaysCorrupt(Honest):
    def decompress(self, data):
        from zswapsim import CorruptPageError

        raise CorruptPageError("checksum")


class FailsToStart(Honest):
    def __init__(self):
        raise OSError("no licence file")


class HalfDone:
    def compress(self, page):
        return None


class Mute(Exception):
    def __str__(self):
        raise ValueError


class CannotTell(Honest):
    def compress(self, page):
        raise Mute


class BadParameters(Honest):
    parameters = {"level": (1, 9)}
