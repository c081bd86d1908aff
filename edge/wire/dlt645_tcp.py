"""DL/T 645-2007 through a serial server: the same frames, on a connection."""

from edge.wire.dlt645 import link

__all__ = ["link"]
