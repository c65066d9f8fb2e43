"""Coverage-guided fuzzing of every parser: `python -m fuzz all --seconds 60`. See README.md beside this file."""
