from zswapsim._core.reclaim.plugin_table import ReclaimerTable
from zswapsim._core.reclaim.reclaimer import Reclaimer

class PluginReclaimer(Reclaimer):
    table: ReclaimerTable
    values: dict[str, int]
    def __new__(cls, table: ReclaimerTable, values: dict[str, int]) -> PluginReclaimer: ...
