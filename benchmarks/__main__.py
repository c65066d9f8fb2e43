"""Print every measurement."""

import platform

from benchmarks import freeze, log, selection, serving, startup, uniformity, verification, web, year

print(f"Python {platform.python_version()}, {platform.machine()}")
freeze.main()
selection.main()
uniformity.main()
verification.main()
web.main()
startup.main()
log.main()
serving.main()
year.main()
