"""Questions to a store, asked through a connection that can't write to it."""
