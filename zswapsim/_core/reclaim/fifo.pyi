from zswapsim._core.reclaim.reclaimer import Reclaimer

class QueueReclaimer(Reclaimer):
    def __init__(self, *, second_chance: bool = False) -> None: ...
