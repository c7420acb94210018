"""Serve swap: one backend a file, over slots, codecs and the writeback queue that they share."""
