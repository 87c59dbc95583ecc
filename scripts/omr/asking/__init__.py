"""From rows to requests to replies: prompts, pacing, the client, a shard's way through a server."""
