"""Measurements with a bound each: `python -m benchmarks.NAME [--json]`. docs/benchmarks.md says what they
mean.
"""
