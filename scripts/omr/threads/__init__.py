"""Forum threads: read from files, cleaned of quotes, cut to a limit of tokens."""
