"""What the bureau drew earlier in the year, from its own chain. specs/verification.md §5, specs/announcement.md §4.

The chain is carried back to the year before, so that no earlier draw can be left out of a file to lower a count.
"""

from collections.abc import Mapping, Sequence

from fairdraw import encoding
from fairdraw.encoding import year_of
from fairdraw.errors import EncodingError
from fairdraw.exclusion import Earlier, draws_of_the_year, looks_back
from fairdraw.record import drawn_items
from fairdraw.schema import Announcement, Draw, Key
from fairdraw.statement import Entry
from fairdraw.verify.anchors import judged_at
from fairdraw.verify.case import Case
from fairdraw.verify.report import CannotTellError, CheckFailedError


def earlier_draws(case: Case) -> list[Earlier]:
    """Return the earlier draws that count for the announcement under verification.

    Raises:
        CheckFailedError: `history-cut`, the carried chain does not reach back to the year before; or a result list is
            missing or malformed.
        CannotTellError: an earlier draw is sealed, or the chain began under another origin.
    """
    if not looks_back(case.plan, case.said.slots):
        return []
    judged = judged_at(case)
    chain = [entry for entry in case.chain(case.file.bureau) if entry.index < judged]
    _check_reaches_back(case, chain)
    return [
        Earlier(plan=rules, slots=said.slots, drawn=_drawn(case, entry.of(Draw), said))
        for entry, rules, said in draws_of_the_year(chain, case.plan)
    ]


def _check_reaches_back(case: Case, chain: Sequence[Entry]) -> None:
    keys = [entry.statement for entry in chain if isinstance(entry.statement, Key)]
    if former := [key.former.log for key in keys if key.former is not None]:
        raise CannotTellError("former-log", found=former)
    said = [entry.statement for entry in chain]
    # Of what stands before a gap, changes of keys and item lists, nothing shows which draws the gap leaves out.
    whole = next((at for at in range(len(said) - 1, 0, -1) if said[at].seq != said[at - 1].seq + 1), 0)
    first = next(iter(said[whole:]), None)
    if first is not None and first.seq and year_of(encoding.parse_time(first.time)) >= case.plan.year:
        raise CheckFailedError("history-cut", year=case.plan.year, found=first.time)


def _drawn(case: Case, drew: Draw, said: Announcement) -> Mapping[str, tuple[str, ...]]:
    data = case.artifacts.get(drew.results.digest)
    if data is None:
        if drew.key is None:
            raise CannotTellError("earlier-draw-sealed", slots=list(said.slots))
        raise CheckFailedError("artifact-missing", digest=drew.results.digest)
    try:
        return drawn_items(data, drew)
    except EncodingError as error:
        raise CheckFailedError("bad-result-list", why=str(error)) from None
