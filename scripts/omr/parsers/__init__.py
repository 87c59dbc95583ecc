"""What a reply says: problems, classes, answers, conversions, verdicts; or that it cannot be read."""
