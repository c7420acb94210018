"""Codecs: the built-in ones over libraries found at run time, and third parties'; and what they do with given pages."""

from zswapsim.compressors.measure import Measured, measure
from zswapsim.compressors.registry import CompressorInfo, available, get_compressor

__all__ = ["CompressorInfo", "Measured", "available", "get_compressor", "measure"]
