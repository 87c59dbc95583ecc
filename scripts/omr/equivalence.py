"""The comparison of answers by its public name: what programs outside of this project import, wherever it lies inside.

    from omr.equivalence import EquivalenceChecker, Verdict
"""

from omr.answers.equivalence import EquivalenceChecker, Verdict

__all__ = ["EquivalenceChecker", "Verdict"]
