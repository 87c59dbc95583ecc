"""Choosing the best of several solutions: pools of candidates, groups, comparisons, and what was chosen."""
