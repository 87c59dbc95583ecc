"""A run while it goes on: what its jobs say of themselves, what is spent, how long it will take; drawn, or told."""
