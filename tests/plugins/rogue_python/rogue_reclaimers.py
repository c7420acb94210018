"""Break the interface of Python reclaimers, one promise in each."""

NUMBER = 42


class Honest:
    """Evict first in, first out."""

    def __init__(self, host):
        self.host = host
        self.queue = []

    def insert(self, page, refault):
        self.queue.append(page)

    def reclaim(self, page, nr_to_reclaim):
        self.host.evict(self.queue.pop(0))


class EvictsWildly(Honest):
    def reclaim(self, page, nr_to_reclaim):
        self.host.evict(1 << 30)


class EvictsWhatComes(Honest):
    def reclaim(self, page, nr_to_reclaim):
        self.host.evict(page)


class EvictsTwice(Honest):
    def reclaim(self, page, nr_to_reclaim):
        self.host.evict(self.queue[0])
        self.host.evict(self.queue[0])


class EvictsNone(Honest):
    def reclaim(self, page, nr_to_reclaim):
        pass


class EvictsNegative(Honest):
    def reclaim(self, page, nr_to_reclaim):
        self.host.evict(-1)


class EvictsText(Honest):
    def reclaim(self, page, nr_to_reclaim):
        self.host.evict("page")


class EvictsWhenItMayNot(Honest):
    def insert(self, page, refault):
        super().insert(page, refault)
        if len(self.queue) == 3:
            self.host.evict(self.queue[0])


class AsksForAbsent(Honest):
    def reclaim(self, page, nr_to_reclaim):
        self.host.accessed(page)


class AsksTooEarly(Honest):
    def __init__(self, host):
        super().__init__(host)
        host.accessed(0)


class HidesItsMistake(Honest):
    def reclaim(self, page, nr_to_reclaim):
        try:
            self.host.evict(page)
        except Exception:
            super().reclaim(page, nr_to_reclaim)


class NeverGivesUp(Honest):
    """Never stop if every page must stay."""

    def reclaim(self, page, nr_to_reclaim):
        while not self.host.evict(self.queue[0]):
            self.queue.append(self.queue.pop(0))


class RaisesInInsert(Honest):
    def insert(self, page, refault):
        raise ZeroDivisionError("in\ninsert")


class RaisesInReclaim(Honest):
    def reclaim(self, page, nr_to_reclaim):
        raise KeyError("reclaim")


class Mute(Exception):
    def __str__(self):
        raise ValueError


class CannotTell(Honest):
    def reclaim(self, page, nr_to_reclaim):
        raise Mute


class Interrupted(Honest):
    def reclaim(self, page, nr_to_reclaim):
        raise KeyboardInterrupt


class FindsItselfWrong(Honest):
    def check(self):
        raise AssertionError("lists")


class FailsToStart(Honest):
    def __init__(self, host):
        raise OSError("no licence file")


class HalfDone:
    def __init__(self, host):
        pass

    def insert(self, page, refault):
        pass


class CountsTwo(Honest):
    max_hits = 2


class NoBatch(Honest):
    batch = 0


class BadParameters(Honest):
    parameters = {"level": (1, 9)}
