"""Print every measurement."""

import platform

from benchmarks import freeze, log, selection, serving, startup, verification

print(f"Python {platform.python_version()}, {platform.machine()}")
freeze.main()
selection.main()
verification.main()
startup.main()
log.main()
serving.main()
