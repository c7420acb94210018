"""Compress and decompress: tables of C functions, codecs made from them, the libraries that they come from."""
