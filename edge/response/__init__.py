"""Demand response on the gateway: events that are kept, when each is what, and what they ask.
Loaded where a site has a table [response]."""

from edge.response.engine import part

__all__ = ["part"]
