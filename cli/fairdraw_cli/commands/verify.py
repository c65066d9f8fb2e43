"""`verify`: what a stranger does with a bundle or a slip, with a trust file of one's own."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from fairdraw import packaged, slipcode
from fairdraw.bundle import Bundle, read_file
from fairdraw.encoding import parse_time
from fairdraw.render import report_text
from fairdraw.snapshot import read_openings
from fairdraw.trust import parse_trust
from fairdraw.verify.report import Report
from fairdraw.verify.slips import verify_slip
from fairdraw_cli.files import read
from fairdraw_cli.helping import command
from fairdraw_cli.session import Session

STEPS: Final = 3  # that are told to who watches: the file, the log, the checks


def _judge(
    session: Session,
    file: Path,
    trust: Path,
    *,
    log: str | None,
    as_of: str | None,
    bundle_only: bool,
    openings: Path | None,
) -> Report:
    known = parse_trust(read(trust))
    carried = read_file(_unscanned(read(file)))
    time_of = int(time.time()) if as_of is None else parse_time(as_of)
    session.progress(1, STEPS, "read")
    opened = tuple(read_openings(read(openings))) if openings else ()
    seen = None
    if log is not None:
        from fairdraw_cli.source import open_source, rosters_in, view

        seen = replace(view(open_source(log), known, where=log), roster=rosters_in(log))
    given = as_of is not None
    session.progress(2, STEPS, "log")
    if isinstance(carried, Bundle):
        from fairdraw.verify import verify_bundle

        return verify_bundle(
            carried, known, as_of=time_of, as_of_given=given, log=seen, bundle_only=bundle_only, openings=opened
        )
    return verify_slip(carried, known, as_of=time_of, as_of_given=given, log=seen)


def _unscanned(data: bytes) -> bytes:
    """Return a file's bytes, or those of the slip whose codes somebody scanned from paper into the file."""
    if data.startswith(b"{"):
        return data
    parts = slipcode.parts_in(data[: 2 * slipcode.MAX_DIGITS].decode("utf-8", "replace"))
    return slipcode.decode(parts) if parts else data


@command(
    click.argument("file", metavar="BUNDLE|SLIP", type=click.Path(path_type=Path)),
    click.option("--trust", required=True, metavar="FILE", type=click.Path(path_type=Path)),
    click.option("--log", metavar="DIR|URL"),
    click.option("--as-of", metavar="TIME"),
    click.option("--bundle-only", is_flag=True),
    click.option("--openings", metavar="FILE", type=click.Path(path_type=Path)),
    json=True,
)
def verify(
    session: Session,
    file: Path,
    trust: Path,
    log: str | None,
    as_of: str | None,
    openings: Path | None,
    *,
    bundle_only: bool,
) -> int:
    """Verify a bundle or a slip."""
    if bundle_only and log is not None:
        raise click.UsageError(session.word("verify.either"))
    report = _judge(session, file, trust, log=log, as_of=as_of, bundle_only=bundle_only, openings=openings)
    session.progress(3, STEPS, "checked")
    session.answer(report.as_json())
    session.line(report_text(report, packaged.catalogue(session.lang)).rstrip("\n"))
    asked = {check.code: check.reason for check in report.checks}
    if asked.get("no-other-draw") == "no-log":
        session.say("verify.use-log")
    return report.exit_code
