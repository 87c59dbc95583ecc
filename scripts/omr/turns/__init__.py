"""Solutions that run code: the turns of a conversation, what code showed in them, and how they go on after a kill."""
