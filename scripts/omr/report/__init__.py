"""The page for people: figures, charts, samples, as one HTML file."""
