"""Registries of any size: what `registry` and `snapshot` make of a file in memory, made with files, byte for byte.

`freezing` is the road and names its stations; a program begins there. All work is in a scratch folder, which is the
caller's. Clock and chance are arguments, files and threads are not.
"""
