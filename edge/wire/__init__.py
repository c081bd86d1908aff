"""Codecs without input or output: bytes in, meaning out, in buffers that are made once."""
