"""Benchmarks, and the nets that find their problems among ours."""
