from zswapsim._core.trace.dense import DenseMap
from zswapsim._core.trace.wholefile import FileReader

class ParquetFile(FileReader):
    def __init__(self, descriptor: int, foot: bytes, most_events: int, pages: DenseMap) -> None: ...
