"""Demand response on the gateway: events that are kept, when each is what, and what they ask."""
