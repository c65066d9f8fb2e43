"""What the service says of itself: a line of JSON a request, and counts for Prometheus.

Neither has a body, a query, a token's secret, a path as it came, or the id of a draw or a row: a log file is copied to
places where nobody may know who was drawn.
"""

import json
import logging
import sys
import time
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from fairdraw.encoding import format_time

MEDIA_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
LOGGER: Final = "fairdraw.service"
_log = logging.getLogger(LOGGER)


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {"time": format_time(int(record.created)), "level": record.levelname.lower()}
        if record.name == LOGGER and isinstance(record.args, dict):
            told |= {"event": record.msg, **record.args}
        else:
            told |= {"event": "note", "from": record.name, "text": record.getMessage()}
        if record.exc_info is not None and record.exc_info[0] is not None:
            told["fault"] = record.exc_info[0].__name__  # its message may quote what somebody sent
        return json.dumps(told, ensure_ascii=False)


def set_up_logging() -> None:
    """Send all that is logged in this process to standard error, a line of JSON each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)


class Telemetry:
    """The counts of a service. Labels are names out of our own tables, never something that a caller wrote."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels = ("route", "method", "status")
        self._requests = Counter("fairdraw_requests", "Requests answered.", labels, registry=self._registry)
        self._seconds = Histogram("fairdraw_request_seconds", "Time to answer.", ("route",), registry=self._registry)
        self._jobs = Counter("fairdraw_jobs", "Jobs over.", ("operation", "state"), registry=self._registry)
        self.waiting = Gauge("fairdraw_jobs_waiting", "Jobs that are not over.", registry=self._registry)

    def answered(self, *, route: str, method: str, status: int, began: float, **who: str | None) -> None:
        """Count and log a request."""
        spent = time.monotonic() - began
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(spent)
        told = {"route": route, "method": method, "status": status, "ms": round(spent * 1000), **who}
        _log.info("request", told)

    def job_over(self, operation: str, state: str, code: str | None, job: str) -> None:
        """Count and log a job."""
        self._jobs.labels(operation, state).inc()
        _log.info("job", {"operation": operation, "state": state, "code": code, "job": job})

    def text(self) -> bytes:
        """Return all counts, as Prometheus reads them."""
        return generate_latest(self._registry)


def fault(error: BaseException) -> None:
    """Log a fault of the program by its kind alone."""
    told = {"fault": type(error).__name__, "at": _place(error)}
    _log.error("fault", told)


def _place(error: BaseException) -> str:
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return "" if at is None else f"{at.tb_frame.f_globals.get('__name__', '')}:{at.tb_lineno}"
