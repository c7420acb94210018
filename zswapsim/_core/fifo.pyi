from zswapsim._core.reclaim import Reclaimer

class QueueReclaimer(Reclaimer):
    def __init__(self, *, second_chance: bool = False) -> None: ...
