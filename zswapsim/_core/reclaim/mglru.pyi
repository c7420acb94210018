from zswapsim._core.reclaim.reclaimer import Reclaimer

class MglruReclaimer(Reclaimer):
    def __init__(self, *, fault_access: bool = True) -> None: ...
