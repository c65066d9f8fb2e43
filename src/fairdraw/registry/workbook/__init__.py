"""Spreadsheets of three formats: what stands in them is in `reading`, what is hidden, merged or computed in `marks`.

Importing this loads no reader of spreadsheets: a verifier has none to read.
"""
