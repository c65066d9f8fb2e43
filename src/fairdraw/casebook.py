"""What a bureau's log and the artifacts beside it tell: its draws, their proofs and their records.

For a program that shows draws and makes none, a page of a web site, say: it needs no private key and locks nothing.
One thread at a time uses a `Casebook`; what it returns never changes and may be handed to others.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from fairdraw import encoding
from fairdraw.announcement import Inputs, key_material, limit_of, read_exclusions, read_recusals
from fairdraw.artifacts import files_of
from fairdraw.bundle import Bundle, Proofs, artifact_names, bundle_of
from fairdraw.draw import Outcome, draw_lots
from fairdraw.errors import BureauError, StatementError
from fairdraw.exclusion import draws_of_the_year, looks_back
from fairdraw.logged import Statements
from fairdraw.randomness import check_value, settled_at
from fairdraw.regulation import read_artifact
from fairdraw.render import Access, Cosigners, Sheet, make_sheet
from fairdraw.roster import Roster, read_roster
from fairdraw.schema import Announcement, Draw, ItemList, Key, Plan, SnapshotStatement, Statement, Void
from fairdraw.statement import Entry, check_signatures, new_key, read_entry
from fairdraw.tickets import KeyMaterial
from fairdraw.trust import Trust
from fairdraw.values import PulseValue, Ref
from fairdraw.verify.case import LogView
from transparency_log.checkpoint import cosignatures
from transparency_log.cosigned import SignedSize, cosigned_before, signed_sizes
from transparency_log.note import Note, Verifier
from transparency_log.reader import MAX_COSIGNED, LogReader
from transparency_log.storage import Storage

S = TypeVar("S", bound=Statement)


@dataclass
class Casebook:
    """A log as anybody reads it, where its files and artifacts lie, the reader's trust file, and whose draws are meant.

    `name` is the bureau's key name.
    """

    reader: LogReader
    storage: Storage
    trust: Trust
    name: str
    _data: list[bytes] = field(default_factory=list, init=False, repr=False)
    _statements: Statements = field(default_factory=Statements, init=False, repr=False)
    _own: list[Entry] = field(default_factory=list, init=False, repr=False)
    _sizes: dict[bytes, SignedSize] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self._lines = self.trust.bureau_keys(self.name, self.reader.origin)
        self._keys = [line.key for line in self._lines]

    # -- what is there ------------------------------------------------------------------------------------------------

    @property
    def entries(self) -> Statements:
        """Every statement of the log, in its order."""
        size = self.reader.checkpoint().checkpoint.size
        for data in self.reader.entries(len(self._data), size, size):
            with suppress(StatementError):  # anybody's bytes may stand in a log
                entry = read_entry(data, len(self._data))
                self._statements.append(entry)
                if entry.statement.by == self.name and self._is_signed(entry):
                    self._own.append(entry)
            self._data.append(data)
        return self._statements

    def keys_at(self, time: int) -> tuple[Verifier, ...]:
        """Return the keys that may sign in the bureau's name, as its `key` statements have changed the trust file's."""
        _ = self.entries
        return tuple(key for line, key in zip(self._lines, self._keys, strict=True) if line.covers(time))

    def own(self, kind: type[S]) -> Iterator[tuple[Entry, S]]:
        """Yield the statements of a type that this bureau has signed, in log order."""
        _ = self.entries
        for entry in self._own:
            if isinstance(entry.statement, kind):
                yield entry, entry.statement

    def _is_signed(self, entry: Entry) -> bool:
        """Say whether the bureau's key has signed an entry in its name: else a stranger could take its slots."""
        others = {name: supervisor.key for name, supervisor in self.trust.supervisors.items()}
        time = encoding.parse_time(entry.statement.time)
        for at, (line, key) in enumerate(zip(self._lines, self._keys, strict=True)):
            if not line.covers(time):
                continue  # a key that was given up, in a thief's hands
            try:
                check_signatures(entry, {**others, self.name: key})
            except StatementError:
                continue
            if isinstance(entry.statement, Key):
                self._keys[at] = new_key(entry.statement)
            return True
        return False

    def announced(self, slots: Sequence[str]) -> Entry | None:
        """Return the announcement of exactly these slots that is not voided, None where there is none."""
        voided = {void.announcement.text for _, void in self.own(Void)}
        same = (entry for entry, said in self.own(Announcement) if said.slots == tuple(sorted(slots)))
        return next((entry for entry in same if entry.text_hash not in voided), None)

    def drawn(self, announcement: Entry) -> Entry | None:
        """Return the draw of an announcement, None where it was not drawn yet."""
        draws = self.own(Draw)
        return next((entry for entry, said in draws if said.announcement.text == announcement.text_hash), None)

    def due(self, announcement: Entry) -> int:
        """Return when the last announced round is due, POSIX seconds."""
        return settled_at(announcement.of(Announcement).beacon, self.trust.chains, {})

    def artifact(self, digest: str) -> bytes:
        """Return what was kept beside the log.

        Raises:
            BureauError: `artifact-not-there`: missing, or no longer what the log names.
        """
        data = self.storage.read(f"artifact/{digest}")
        if data is None or encoding.digest(data) != digest:
            raise BureauError("artifact-not-there", found=digest)
        return data

    def view(self) -> LogView:
        """Return the log as any reader gets it, to verify against; what is not public is not there."""
        names = {name for entry in self.entries for name, _ in files_of(entry.statement).named}
        found = {name: self.storage.read(f"artifact/{name}") for name in sorted(names)}
        sizes = [one.data for one in self.sizes()]
        return LogView(list(self._data), sizes, {name: data for name, data in found.items() if data is not None})

    def named(self, ref: Ref) -> Entry:
        """Return the statement that another one names.

        Raises:
            BureauError: `statement-not-there`.
        """
        found = self.entries.get(ref.text)
        if found is None:
            raise BureauError("statement-not-there", found=ref.text)
        return found

    def roster(self, ref: Ref) -> Roster:
        """Return the roster of a snapshot."""
        statement = self.named(ref).of(SnapshotStatement)
        return read_roster(self.artifact(statement.roster.digest), statement)

    def newest(self, registry: str) -> Entry:
        """Return a registry's newest snapshot, the only one that an announcement may cite (attack 15).

        Raises:
            BureauError: `not-frozen-yet`.
        """
        logged = [entry for entry, said in self.own(SnapshotStatement) if said.registry == registry]
        if not logged:
            raise BureauError("not-frozen-yet", found=registry)
        return logged[-1]

    def earlier(self, plan: Plan, index: int) -> list[tuple[Entry, Plan, Announcement]]:
        """Return the draws under plans of the same year and objects that were logged below an index."""
        return draws_of_the_year([entry for entry, _ in self.own(Statement) if entry.index < index], plan)

    def sizes(self) -> list[SignedSize]:
        """Return the signed checkpoints, by size, and when a quorum had cosigned each."""
        return signed_sizes(self.storage.read, self.trust.policy, self._sizes)

    # -- what people are given ----------------------------------------------------------------------------------------

    def bundle(self, drawn: Entry) -> Bundle:
        """Return the bundle that proves a draw to a stranger (specs/bundle.md).

        Raises:
            BundleError: `no-checkpoint`.
        """
        announcement = self.named(drawn.of(Draw).announcement)
        said = announcement.of(Announcement)
        rules = self.named(said.plan).of(Plan)
        snapshots = [self.named(ref).of(SnapshotStatement) for ref in (said.objects, said.inspectors, *said.joint)]
        earlier = [entry.of(Draw) for entry, _, _ in self.earlier(rules, announcement.index)]
        draws = [drawn.of(Draw), *(earlier if looks_back(rules, said.slots) else ())]
        names = artifact_names(
            said,
            snapshots,
            [one for one in draws if one.key is not None],  # a sealed result is nobody's before its day
            None if rules.items is None else self.named(rules.items).of(ItemList),
            pulses=drawn.of(Draw).pulses,
            regulation=None if said.regulation is None else self.artifact(said.regulation.digest),
        )
        size = self.reader.checkpoint().checkpoint.size
        return bundle_of(
            self.entries, Proofs(read=self.reader.node(size), sizes=[one for one in self.sizes() if one.size <= size]),
            announcement=announcement, draw=drawn, pulses=drawn.of(Draw).pulses,
            artifacts={name: self.artifact(name) for name in names},
        )  # fmt: skip

    def sheet(self, drawn: Entry, *, site: str | None = None) -> Sheet:
        """Return the record of a draw, for `record_text` and `record_html`; `site` is the log's public address."""
        inputs, outcome, material = self.outcome(drawn)
        said, policy = inputs.announcement.of(Announcement), self.trust.policy
        limit = limit_of(said, self.trust.chains, self.trust.margin)
        early = cosigned_before(self.sizes(), inputs.announcement.index, limit)
        if early is None:
            raise BureauError("cosigned-too-late", index=inputs.announcement.index, limit=encoding.format_time(limit))
        note = Note.parse(early.data, max_signatures=MAX_COSIGNED)
        lines = cosignatures(note, [witness.verifier for witness in policy.witnesses])
        return make_sheet(
            inputs, drawn, outcome=outcome, material=material, chains=self.trust.chains,
            cosigners=Cosigners.of(early.size, early.quorum_time, lines, policy),
            access=Access(site=site, trust=self.trust.digest, releases=()),
            regulation=None if said.regulation is None else read_artifact(self.artifact(said.regulation.digest)),
        )  # fmt: skip

    def outcome(self, drawn: Entry) -> tuple[Inputs, Outcome, KeyMaterial]:
        """Return a logged draw once more, from nothing but what is logged: its inputs, what came of them, its key."""
        announcement = self.named(drawn.of(Draw).announcement)
        inputs, material = self.inputs(announcement), self.material(announcement, drawn.of(Draw).pulses)
        return inputs, draw_lots(inputs, material.key()), material

    def inputs(self, announcement: Entry) -> Inputs:
        """Return all that a draw is a function of, besides its key."""
        said = announcement.of(Announcement)
        return Inputs(
            announcement=announcement,
            plan=self.named(said.plan).of(Plan),
            objects=self.roster(said.objects),
            inspectors=self.roster(said.inspectors),
            joint=tuple(map(self.roster, said.joint)),
            recusals=read_recusals(self.artifact(said.recusals.digest)),
            exclusions=read_exclusions(self.artifact(said.exclusions.digest)),
        )

    def material(self, announcement: Entry, values: Sequence[PulseValue]) -> KeyMaterial:
        """Return what a draw's key is made of, every pulse verified.

        Raises:
            BureauError: `beyond-bureau`: a secret is part of it, which does not lie beside the log.
        """
        said = announcement.of(Announcement)
        if said.seed.kind != "published" or said.disclosure.kind != "at-once":
            raise BureauError("beyond-bureau", found="seed" if said.seed.kind != "published" else "sealed")
        randomness = [
            check_value(source, value, self.trust.chains, read=self.artifact)
            for source, value in zip(said.beacon, values, strict=True)
        ]
        return key_material(announcement, seeds=(), pulses=randomness, embargo=None)
