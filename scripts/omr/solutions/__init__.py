"""Solutions as replies tell them, how they are judged, and their new summaries."""
