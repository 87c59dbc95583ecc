"""The comparison of answers by its public name: what other programs import, wherever it lies inside."""

from omr.answers.equivalence import EquivalenceChecker, Verdict

__all__ = ["EquivalenceChecker", "Verdict"]
