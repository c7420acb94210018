class SwapDevice:
    capacity: int
    used: int
    peak: int
    def __init__(self, capacity: int, *, backed: bool = False) -> None: ...
