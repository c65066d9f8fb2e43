"""What a slip on paper shows: one number, whether it was drawn, and with what its holder checks that.

Everything is taken from the slip itself, so that paper and file cannot say different things. While a draw is sealed the
paper has neither key nor ticket nor the file in codes: it may lie on a desk (attack 33).
"""

from dataclasses import dataclass, replace
from typing import Final

from fairdraw import encoding, tickets
from fairdraw.announcement import read_exclusions
from fairdraw.bundle import Slip
from fairdraw.permalink import permalink, verifier_link
from fairdraw.record import DrawnLine, StratumLine
from fairdraw.render.access import Access
from fairdraw.render.parts import Phrase, Section, Shown, by_hand, fingerprint, local_time, named
from fairdraw.schema import Announcement, Draw, Until
from fairdraw.slip import drawn_line, stratum_line
from fairdraw.statement import Entry
from fairdraw.tickets import KeyMaterial
from fairdraw.trust import REHEARSAL

NOT_SHOWN: Final = {"objects": "not-the-cutoff", "inspectors": "not-all-teams"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipSheet:
    """A slip as it is printed: `says` is its one sentence, `link` what the small code holds.

    `codes` are the file's bytes for the large codes, links that begin with `verifier`; None while the draw is sealed.
    `file` names the file, whose picture the paper is. `access` stands beside the codes, where one needs it.
    """

    no: str
    own: bool
    bureau: str
    text_hash: str
    rehearsal: bool
    says: Phrase
    sections: tuple[Section, ...]
    access: Section
    link: str
    verifier: str
    codes: bytes | None
    file: str

    @property
    def fingerprint(self) -> str:
        """Return the draw's fingerprint."""
        return fingerprint(self.text_hash)


def make_slip_sheet(
    slip: Slip, announcement: Entry, draw: Entry, *, known: KeyMaterial | Until, access: Access, file: str
) -> SlipSheet:
    """Return the sheet of a slip; `known` is what the draw's key is made of, or until when that is sealed."""
    sections = [_draw(slip, announcement, draw)]
    if slip.own:
        # Whoever is handed another's slip must see it, on paper too (attack 40).
        rows = tuple((opening.field, opening.value) for opening in slip.own)
        sections.insert(0, Section(code="own", header=("field", "value"), rows=rows))
    if isinstance(known, Until):
        says = Phrase("paper", "sealed", {"no": slip.no, "date": known.date})
    else:
        says, found = (_object if slip.registry == "objects" else _inspector)(slip, draw, known)
        sections += found
        notes = tuple(Phrase("paper", code) for code in (NOT_SHOWN[slip.registry], "not-later", "not-for-another"))
        sections.append(Section(code="slip-shows-not", notes=notes))
    return SlipSheet(
        no=slip.no,
        own=bool(slip.own),
        bureau=slip.bureau,
        text_hash=draw.text_hash,
        rehearsal=slip.log.endswith(REHEARSAL),
        says=says,
        sections=tuple(sections),
        access=access.section(),
        link=permalink(access.site, slip.log, index=announcement.index, text=draw.text_hash, no=slip.no),
        verifier=verifier_link(access.site, slip.log),
        codes=None if isinstance(known, Until) else slip.format(),
        file=file,
    )


def _draw(slip: Slip, announcement: Entry, draw: Entry) -> Section:
    said = announcement.of(Announcement)
    return Section(
        code="draw",
        facts=(
            ("slots", ", ".join(said.slots)),
            ("what", Phrase("sheet", slip.registry)),
            ("origin", slip.log),
            ("announcement-entry", f"{announcement.index}"),
            ("draw-entry", f"{draw.index}"),
            ("draw-time", local_time(encoding.parse_time(draw.statement.time))),
        ),
    )


def _object(slip: Slip, draw: Entry, material: KeyMaterial) -> tuple[Phrase, list[Section]]:
    ticket = tickets.ticket(material.key(), "object", slip.no).hex()
    lines = [stratum_line(path) for path in slip.strata]
    out = {one.item for one in read_exclusions(encoding.from_base64(slip.exclusions)) if one.no == slip.no}
    told = Section(
        code="slip-ticket",
        facts=(("ticket", ticket), *(_team(drawn_line(path)) for path in slip.teams)),
        header=("item", "stratum", "cutoff", "compared"),
        rows=tuple((line.item, named(line.stratum), _cutoff(line), _compared(line, ticket, out)) for line in lines),
    )
    passed_over = all({None, line.item} & out for line in lines)
    code = "drawn" if slip.teams else "of-no-stratum" if not lines else "passed-over" if passed_over else "not-drawn"
    by_shell = _by_hand(draw, material, (slip.no, ticket), "by-hand-this-ticket")
    return Phrase("paper", code, {"no": slip.no}), [told, by_shell]


def _cutoff(line: StratumLine) -> str | Phrase:
    return Phrase("word", "none") if line.cutoff is None else line.cutoff


def _compared(line: StratumLine, ticket: str, out: set[str | None]) -> Phrase:
    if {None, line.item} & out:
        return Phrase("paper", "excluded")
    if line.cutoff is None:
        return Phrase("paper", "none-drawn")
    return Phrase("paper", "not-above" if ticket <= line.cutoff else "above")


def _team(line: DrawnLine) -> tuple[str, Shown]:
    members = [f"{no} ({department})" if department else no for department, no in line.team]
    return "team", " ".join([*members, *(f"+{no}" for no in line.experts)])


def _inspector(slip: Slip, draw: Entry, material: KeyMaterial) -> tuple[Phrase, list[Section]]:
    lines = sorted((drawn_line(path) for path in slip.teams), key=lambda line: line.ticket)
    rows = tuple((line.no, ", ".join(item for item, _ in line.strata), line.ticket) for line in lines)
    told = [Section(code="slip-objects", header=("object", "items", "ticket"), rows=rows)] if lines else []
    first = (lines[0].no, lines[0].ticket) if lines else None
    code = "sent" if lines else "not-sent"
    told.append(_by_hand(draw, material, first, "by-hand-sent-ticket"))
    return Phrase("paper", code, {"no": slip.no, "count": len(lines)}), told


def _by_hand(draw: Entry, material: KeyMaterial, row: tuple[str, str] | None, ticket: str) -> Section:
    """Return the shell's lines; `ticket` is the code of what the last one says."""
    commands = by_hand(draw.of(Draw).pulses, material, row)
    told = (replace(one, code=ticket) if one.code == "by-hand-ticket" else one for one in commands)
    return Section(code="by-hand", commands=tuple(told), notes=(Phrase("paper", "by-hand"),))
