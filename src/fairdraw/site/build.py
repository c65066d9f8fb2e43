"""Which files a site consists of, and which of them must be made anew since it was built last.

A draw's page and bundle depend on what was logged about it and on nothing that every checkpoint changes, so that one
more draw makes one more page. What each depended on is remembered in `site.json`; whoever deletes that file, or any
draw's page or bundle, has them made again.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from fairdraw import encoding
from fairdraw.messages import Catalogue
from fairdraw.regulation import Regulation
from fairdraw.render.csvfile import BOM
from fairdraw.schema import Draw, SnapshotStatement
from fairdraw.site import dossier
from fairdraw.site.feed import atom
from fairdraw.site.pages import PAGE, Look, Pages, is_unproven, pages_of
from fairdraw.site.register import Gap, Register, Row
from fairdraw.site.tables import draws_csv, results_csv

MEMORY: Final = "site.json"
Held = Callable[[str], bool]
"""Says whether the site's folder has a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of the site: its path below the folder, and its bytes, None where there must be none (any more)."""

    path: str
    data: bytes | None


@dataclass(slots=True, kw_only=True)
class Memory:
    """What the last building left: for each draw what its page depended on and which checks failed."""

    common: str = ""
    draws: dict[int, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    @classmethod
    def parse(cls, data: bytes) -> Self | None:
        """Return what a file says, None where it is not one of ours: everything is then made anew."""
        try:
            match json.loads(data):
                case {"v": 0, "common": str(common), "draws": dict(draws)}:
                    known = {int(index): (str(one["depends"]), tuple(map(str, one["failed"])))
                             for index, one in draws.items()}  # fmt: skip
                    return cls(common=common, draws=known)
        except (ValueError, TypeError, KeyError, RecursionError):
            pass
        return None

    def format(self) -> bytes:
        """Return the file's bytes."""
        draws = {str(index): {"depends": depends, "failed": list(failed)}
                 for index, (depends, failed) in sorted(self.draws.items())}  # fmt: skip
        told = {"v": 0, "common": self.common, "draws": draws}
        return json.dumps(told, indent=0, sort_keys=True).encode() + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a site is made with beside its log: look, words, templates by name, regulations, and files as they are."""

    look: Look
    catalogues: Sequence[Catalogue]
    templates: Mapping[str, str]
    regulations: Sequence[Regulation]
    files: Mapping[str, bytes]
    version: str


def build(register: Register, material: Material, before: Memory | None, held: Held) -> Iterator[File]:
    """Yield the files to be written, whether or not they differ from what is there; the memory comes last.

    Whoever writes them removes the old memory before the first file of a draw: it would vouch for the files that a
    building which breaks off has made anew.

    Args:
        register: the log's rows.
        material: what everything is made with.
        before: what the last building of this folder left, None for a new one.
        held: whether the folder has a file, for a draw whose files were deleted.
    """
    pages = Pages(register, material.look, material.templates, material.catalogues)
    now = Memory(common=_common(register, material, held))
    known = before.draws if before is not None and before.common == now.common else {}
    for path, data in sorted(material.files.items()):
        yield File(path=path, data=data)
    for row in register.draws:
        depends = depends_on(row, held)
        page, bundle = f"d/{row.index}/index.html", f"d/{row.index}/bundle.fairdraw.json"
        if row.index in known and known[row.index][0] == depends and held(page) and held(bundle):
            now.draws[row.index] = known[row.index]
            continue
        made, proof = dossier.make(row)
        now.draws[row.index] = depends, made.failed
        yield File(path=bundle, data=proof.format())
        # A result that was withdrawn must not stay as a table.
        table = _sheet(results_csv(made, material.catalogues[0])) if made.drawn else None
        yield File(path=f"d/{row.index}/results.csv", data=table)
        yield File(path=page, data=pages.draw(made).encode())
    yield from _whole(register, material, pages, set(unproven(register, now)))
    yield File(path=MEMORY, data=now.format())


def _whole(register: Register, material: Material, pages: Pages, unproven: set[int]) -> Iterator[File]:
    """Yield the files about all draws."""
    look, told = material.look, pages_of(register)
    for number, rows in enumerate(told, 1):
        page = pages.listing(rows, number=number, pages=len(told), unproven=unproven)
        yield File(path=f"page/{number}/index.html", data=page.encode())
    yield File(path="about/index.html", data=pages.about(look, material.regulations).encode())
    yield File(path="draws.csv",
               data=_sheet(draws_csv(register, material.catalogues[0], url=look.url, unproven=unproven)))  # fmt: skip
    yield File(path="feed.atom", data=atom(register, title=look.title, url=look.url, catalogues=material.catalogues))
    # The newest rows, whole pages or not: somebody who comes the day after page 12 was full sees more than one row.
    newest = [row for rows in told[-2:] for row in rows][-PAGE:]
    front = pages.listing(newest, number=None, pages=len(told), unproven=unproven)
    yield File(path="index.html", data=front.encode())


def _sheet(text: str) -> bytes:
    return (BOM + text).encode()


def unproven(register: Register, memory: Memory) -> tuple[int, ...]:
    """Return the draws that claim what their verification here does not bear out, by the announcement's entry."""
    failed = {index for index, (_, codes) in memory.draws.items() if codes}
    return tuple(row.index for row in register.draws if is_unproven(row, failed=row.index in failed))


def _common(register: Register, material: Material, held: Held) -> str:
    """Return the digest of what every draw's page depends on: look, words, trust, and faults of the bureau's chain.

    And withdrawals: a list that was withdrawn may lie in the bundle of any later draw.
    """
    look = material.look
    faults = [[row.index, row.entry.text_hash] for row in register.rows if isinstance(row, Gap)]
    return _digest(
        material.version, register.log, register.trust, look.title, look.url, look.script, look.style,
        encoding.format_time(register.as_of) if register.as_of_given else None,
        *(material.templates[name] for name in sorted(material.templates)),
        *(json.dumps([one.lang, dict(one.sections)], sort_keys=True) for one in material.catalogues),
        faults, [[one.index, one.text_hash] for one in register.loose],
        [[digest, held(f"artifact/{digest}")] for digest in register.withdrawn],
    )  # fmt: skip


def depends_on(row: Row, held: Held) -> str:
    """Return the digest of what a draw's page and bundle depend on.

    A log only grows, so what lies below the draw never changes. Of what lies above it, a page depends on the acts about
    it, on other announcements of its slots, on its files and on openings of the draws before it; and while the draw is
    still to come, on everything.
    """
    newest = row.ledger.whole.newest
    return _digest(
        row.entry.text_hash, row.state, row.lock.size, row.lock.quorum_time, [list(line) for line in row.lock.lines],
        [[one.index, one.text_hash, row.ledger.shown(one.index)] for one in (*row.acts, *row.again, *row.history)],
        [[digest, held(f"artifact/{digest}")] for digest in _files(row)], row.names,
        newest.size if row.is_open and newest is not None else None,
    )  # fmt: skip


def _files(row: Row) -> Iterator[str]:
    """Yield the digests of the files that a draw stands on: lists, rosters, regulation, result."""
    said = row.said
    yield from (said.recusals.digest, said.exclusions.digest)
    for ref in (said.objects, said.inspectors, *said.joint):
        if (snapshot := row.ledger.named(ref, SnapshotStatement)) is not None:
            yield snapshot[1].roster.digest
    if said.regulation is not None:
        yield said.regulation.digest
    if row.draw is not None:
        yield row.draw.of(Draw).results.digest


def _digest(*parts: object) -> str:
    return encoding.digest(json.dumps(parts, ensure_ascii=True, default=list).encode())
