"""Codecs: the built-in ones over libraries found at run time, and third parties'."""

from zswapsim.compressors.registry import CompressorInfo, available, get_compressor

__all__ = ["CompressorInfo", "available", "get_compressor"]
