"""The command line of fairdraw: what touches clock, chance, files and the terminal."""
