"""fairdraw inside a program of one's own: docs/embedding.md shows these files, and its test runs them."""
