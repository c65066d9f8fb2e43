"""Print every measurement."""

import platform

from benchmarks import freeze, log, selection, serving, startup, uniformity, verification, year

print(f"Python {platform.python_version()}, {platform.machine()}")
freeze.main()
selection.main()
uniformity.main()
verification.main()
startup.main()
log.main()
serving.main()
year.main()
