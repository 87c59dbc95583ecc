"""A final answer: found in a text, spelled, read, compared with another, voted on."""
