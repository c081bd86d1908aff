"""The HTTP API: what `query` answers, for whoever has a token."""
