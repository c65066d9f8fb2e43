"""What is compiled where that pays. Each module is the twin of a plain one, which is the reference.

Nothing here is imported but through `transparency_log.fast.load`, after a self-test against `hashlib`.
"""
