from zswapsim._core.codec.parameters import Parameter

class ReclaimerTable:
    """A kind of reclaimer, not yet given parameters."""

    name: str
    parameters: tuple[Parameter, ...]
    max_hits: int
    batch: int

def table_of_capsule(capsule: object, what: str) -> ReclaimerTable: ...
