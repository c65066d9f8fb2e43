"""The commands over HTTP, for another department's programs (docs/service.md).

Nothing is decided here: every operation is a command in a process of its own, so that its checks, its codes and what a
crash leaves are the command's. What this package adds is who may ask (`tokens`), how much (`limits`), doing each thing
once (`jobs`), and saying it in HTTP (`api`, `problems`, `description`).
"""
