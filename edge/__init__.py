"""parkedge's portable control core: the same files run on MicroPython and on CPython."""

__version__ = "0.1.0"
