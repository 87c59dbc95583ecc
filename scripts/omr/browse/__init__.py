"""Pages to look around in a run: an index of where its rows are, and a local server that shows them."""
