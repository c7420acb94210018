from zswapsim._core.trace.dense import DenseMap
from zswapsim._core.trace.wholefile import FileReader

class OracleFile(FileReader):
    def __init__(self, descriptor: int, events: int, pages: DenseMap) -> None: ...
