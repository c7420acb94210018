from zswapsim._core.reclaim.reclaimer import Reclaimer

class TwoListReclaimer(Reclaimer):
    def __init__(self, *, fault_access: bool = False, stats_every: int = 0, stats_cpus: int = 0) -> None: ...
