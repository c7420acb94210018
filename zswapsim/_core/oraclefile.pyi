from zswapsim._core.dense import DenseMap
from zswapsim._core.wholefile import FileReader

class OracleFile(FileReader):
    def __init__(self, descriptor: int, events: int, pages: DenseMap) -> None: ...
