"""A whole run: how it starts, what it counted, what it costs, where a row comes from."""
