"""Measurements: ratios against a peer or a limit taken in the same run. `make bench` writes docs/performance.md."""
