"""Find codecs, built-in ones over libraries found at run time and third parties', and measure them on given pages."""

from zswapsim._core.codec.codec import Codec
from zswapsim._core.codec.parameters import Parameter
from zswapsim.compressors.dictionary import train_dictionary
from zswapsim.compressors.measure import Measured, measure
from zswapsim.compressors.registry import CompressorInfo, available, get_compressor

__all__ = [
    "Codec",
    "CompressorInfo",
    "Measured",
    "Parameter",
    "available",
    "get_compressor",
    "measure",
    "train_dictionary",
]
