"""Exact integer accounts of what flowed, what it cost and what it emitted."""
