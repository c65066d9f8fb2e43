"""How the simulated year draws: from a bureau's own files to the logged record of each draw."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from examples import registries
from examples.world import BUREAU, World, name_of, secret
from fairdraw.announcement import Inputs, announce, key_material, read_exclusions, read_recusals
from fairdraw.bundle import Bundle, artifact_names, make_bundle
from fairdraw.draw import Outcome, draw_lots
from fairdraw.encoding import lines as joined
from fairdraw.exclusion import Earlier, draws_of_the_year, exclude, format_exclusions, looks_back
from fairdraw.itemlist import format_items
from fairdraw.randomness import check_value, settled_at
from fairdraw.record import Record, drawn_items, make_record
from fairdraw.registry import Registry, read_pairs
from fairdraw.regulation import Regulation, artifact_bytes
from fairdraw.schema import (
    Announcement,
    AtOnce,
    Commitment,
    Committed,
    Contributor,
    Deposit,
    Draw,
    ItemList,
    Plan,
    Published,
    Receipt,
    Reveal,
    RevealsClosed,
    SignOff,
    SnapshotStatement,
    Until,
)
from fairdraw.seed import commitment, embargo_commitment
from fairdraw.snapshot import Snapshot, freeze
from fairdraw.statement import Entry
from fairdraw_cli.commands.plan import plan_fields
from fairdraw_cli.forms import DrawForm, read_form
from fairdraw_cli.planform import ItemsForm, PlanForm

FOLDER: Final = Path(__file__).parent
MARGIN: Final = 300  # seconds between the cosigned announcement and its round
DEPOSITARIES: Final = ("discipline.example.cn/rehearsal", "social.example.cn/rehearsal")
DAY: Final = 86_400
COUNTY_STAFF: Final = 100


Pair = tuple[Entry, Snapshot]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """The snapshots of a draw."""

    objects: Pair
    staff: Pair
    joint: tuple[Pair, ...]

    @property
    def all(self) -> tuple[Pair, ...]:
        """Return them in the order in which an announcement names them."""
        return self.objects, self.staff, *self.joint


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """A draw that waits for its round."""

    entry: Entry
    inputs: Inputs
    seeds: tuple[tuple[str, str], ...]
    embargo: bytes | None


@dataclass(frozen=True, kw_only=True)
class Matter:
    """A draw of the year: what it was made from and what came of it."""

    name: str
    form: DrawForm
    plan: Entry
    frozen: "Frozen"
    announcement: Entry
    inputs: Inputs
    seeds: tuple[tuple[str, str], ...]
    embargo: bytes | None
    outcome: Outcome
    record: Record
    draw: Entry

    @property
    def said(self) -> Announcement:
        """The announcement."""
        return self.announcement.of(Announcement)


@dataclass(kw_only=True)
class Year:
    """A year under a regulation in one bureau's log."""

    id: str
    regulation: Regulation
    world: World
    objects: int
    inspectors: int
    items: Entry = field(init=False)
    plans: dict[str, Entry] = field(default_factory=dict)
    matters: dict[str, Matter] = field(default_factory=dict)
    _versions: int = 0

    @property
    def folder(self) -> Path:
        """Where the bureau's own files are."""
        return FOLDER / self.id

    @property
    def number(self) -> int:
        """Which year it is."""
        return next(iter(self.plans.values())).of(Plan).year

    # -- item list and plans ------------------------------------------------------------------------------------------

    def list_items(self) -> None:
        """Log the item list, signed off by whom the regulation names."""
        form, _ = read_form(self.folder / "ITEMS.toml", ItemsForm)
        world = self.world
        told = world.keep(format_items(form.chosen(self.regulation, file="ITEMS.toml")))
        named = world.keep(artifact_bytes(self.regulation))
        said = world.head().make(ItemList, items=told, regulation=named, reason=form.reason)
        self.items = world.add("items", said)
        self.sign_off("items", self.items, self.regulation.sign_offs_of("item-list"))

    def plan(self, file: str) -> None:
        """Log a plan from its file, signed off by whom the regulation names."""
        form, _ = read_form(self.folder / file, PlanForm)
        if self.inspectors > COUNTY_STAFF:
            # The files are a county's: a cap of four cannot be kept where each inspector has four objects on average.
            form = form.model_copy(update={"team": form.team.model_copy(update={"cap": None})})
        step = f"plan:{form.id}" + ("" if form.id not in self.plans else ":again")
        said = self.world.head().make(Plan, **plan_fields(form, self.world.now, self.regulation, self.items))
        self.plans[form.id] = self.world.add(step, said)
        filed = [self.regulation.plan_filing.value] if self.regulation.plan_filing else []
        self.sign_off(step, self.plans[form.id], [*self.regulation.sign_offs_of("plan"), *filed])
        self.world.checkpoint()  # before any registry is frozen: nobody may fit a plan to its rows

    def sign_off(self, step: str, of: Entry, roles: Sequence[str]) -> None:
        """Let everybody of some roles sign a statement off; `any` is somebody of discipline inspection."""
        for role in sorted({"discipline" if role == "any" else role for role in roles}):
            name = self.who(role)
            said = self.world.head(name).make(SignOff, of=of.ref, role=role)
            self.world.add(f"sign-off:{step}:{role}", said)

    @staticmethod
    def who(role: str) -> str:
        """Return the key name of whoever has a role."""
        return name_of(role)

    # -- a draw -------------------------------------------------------------------------------------------------------

    def draw(self, file: str) -> Matter:
        """Go the whole way of a draw, the day before its round, and of its record and signatures after it."""
        form, _ = read_form(self.folder / file, DrawForm)
        at = form.beacon[0].at
        if at is None:
            raise RuntimeError("the examples draw by rounds")
        self.world.now = max(self.world.now, at - DAY)
        plan = self.plans[form.slots[0].split("/")[0]]
        rules = plan.of(Plan)
        self._versions += 1
        objects = self._freeze(form.id, "objects", rules.objects, self._objects())
        staff = self._freeze(form.id, "staff", rules.inspectors, self._staff("ybj", "I", self.inspectors))
        joint = tuple(self._joint(form.id, one.name, one.inspectors) for one in rules.joint)
        for role, (entry, _) in (("objects", objects), ("staff", staff)):
            self._receipt(f"{form.id}:{role}", entry)
        frozen = Frozen(objects=objects, staff=staff, joint=joint)
        return self._record(form, plan, frozen, self._announce(form, plan, frozen, at))

    def _objects(self) -> Registry:
        return registries.objects(self.id, self.objects, version=self._versions)

    def _staff(self, department: str, prefix: str, count: int) -> Registry:
        return registries.inspectors(self.id, count, department=department, prefix=prefix, year=self.number)

    def _freeze(self, draw: str, role: str, name: str, registry: Registry, by: str = BUREAU) -> Pair:
        frozen = freeze(registry, secret(f"{self.id} {name} {draw}"))
        self.world.keep(frozen.roster.data)
        said = self.world.head(by).make(
            SnapshotStatement, registry=name, roster=frozen.roster.listing(), published=True, attrs=frozen.attrs,
            private=frozen.private, left_out=None,
        )  # fmt: skip
        return self.world.add(f"snapshot:{draw}:{role}", said), frozen

    def _joint(self, draw: str, by: str, registry: str) -> Pair:
        count = max(self.inspectors // 3, 8)
        return self._freeze(draw, f"joint:{by}", registry, self._staff("health", "J", count), by)

    def _receipt(self, step: str, snapshot: Entry) -> None:
        """Let a supervisor recompute the roster with all openings and say so."""
        name = self.who("discipline")
        digest = snapshot.of(SnapshotStatement).roster.digest
        said = self.world.head(name).make(Receipt, snapshot=snapshot.ref, digest=digest, openings=True)
        self.world.add(f"receipt:{step}", said)

    def _announce(self, form: DrawForm, plan: Entry, frozen: Frozen, at: int) -> Announced:
        world, slots = self.world, tuple(sorted(form.slots))
        rule = self._commitments(form, slots[0])
        disclosure, embargo = self._seal(form, slots[0])
        recusals, exclusions = self._recusals(form), self.exclusions(plan.of(Plan), slots, frozen.objects[1])
        world.keep(recusals)
        world.keep(exclusions)
        world.checkpoint()
        said = announce(
            world.head(), plan=plan, objects=frozen.objects[0], inspectors=frozen.staff[0],
            joint=[entry for entry, _ in frozen.joint], slots=slots, recusals=recusals, exclusions=exclusions,
            sources=[(world.chain, world.chain.round_at_or_after(at))], seed=rule, disclosure=disclosure,
            window=form.window, margin=MARGIN, history_size=len(world.entries),
        )  # fmt: skip
        entry = world.add(f"announcement:{form.id}", said)
        world.checkpoint()
        seeds = self._reveal(form, entry, rule)
        told = entry.of(Announcement)
        inputs = Inputs(
            announcement=entry, plan=plan.of(Plan), objects=frozen.objects[1].roster,
            inspectors=frozen.staff[1].roster, joint=tuple(one.roster for _, one in frozen.joint),
            recusals=read_recusals(world.artifacts[told.recusals.digest]),
            exclusions=read_exclusions(world.artifacts[told.exclusions.digest]),
        )  # fmt: skip
        return Announced(entry=entry, inputs=inputs, seeds=seeds, embargo=embargo)

    def exclusions(self, plan: Plan, slots: Sequence[str], objects: Snapshot) -> bytes:
        """Return the exclusion list that the draws of the year so far yield."""
        if not looks_back(plan, slots):
            return b""
        chain = [step for step in self.world.steps.values() if step.statement.by == BUREAU]
        earlier = [
            Earlier(
                plan=rules,
                slots=said.slots,
                drawn=drawn_items(self.world.artifacts[entry.of(Draw).results.digest], entry.of(Draw)),
            )
            for entry, rules, said in draws_of_the_year(chain, plan)
        ]
        return format_exclusions(exclude(plan, slots, {row.no for row in objects.roster.rows}, earlier))

    def _recusals(self, form: DrawForm) -> bytes:
        if form.recusals is None:
            return b""
        told, _ = read_pairs((self.folder / form.recusals).read_bytes(), name=form.recusals)
        return joined(told)

    def _commitments(self, form: DrawForm, slot: str) -> Published | Committed:
        if form.seed.kind == "published":
            return Published(kind="published", digits=form.seed.digits)
        told = []
        for one in form.seed.contributors:
            value = commitment(slot, one.name, secret(f"seed {one.name} {slot}"))
            said = self.world.head(one.name).make(Commitment, slot=slot, commitment=value)
            entry = self.world.add(f"commitment:{form.id}:{one.name}", said)
            told.append(Contributor(name=one.name, commitment=entry.ref, required=one.required))
        minimum = len(told) if form.seed.minimum is None else form.seed.minimum
        return Committed(kind="committed", contributors=tuple(told), minimum=minimum)

    def _reveal(self, form: DrawForm, announcement: Entry, rule: Published | Committed) -> tuple[tuple[str, str], ...]:
        if not isinstance(rule, Committed):
            return ()
        refs, seeds = [], []
        for one in rule.contributors:
            value = secret(f"seed {one.name} {min(form.slots)}").hex()
            said = self.world.head(one.name).make(Reveal, commitment=one.commitment, seed=value)
            refs.append(self.world.add(f"reveal:{form.id}:{one.name}", said).ref)
            seeds.append((one.name, value))
        said = self.world.head().make(RevealsClosed, announcement=announcement.ref, reveals=tuple(refs))
        self.world.add(f"reveals-closed:{form.id}", said)
        self.world.checkpoint()
        return tuple(seeds)

    def _seal(self, form: DrawForm, slot: str) -> tuple[AtOnce | Until, bytes | None]:
        if form.disclosure is None:
            return AtOnce(kind="at-once"), None
        embargo = secret(f"embargo {self.id} {slot}")
        value = embargo_commitment(slot, embargo)
        for name in DEPOSITARIES:
            said = self.world.head(name).make(Deposit, slot=slot, embargo=value)
            self.world.add(f"deposit:{form.id}:{name}", said)
        return Until(kind="until", date=form.disclosure.until, embargo=value), embargo

    def _record(self, form: DrawForm, plan: Entry, frozen: Frozen, began: Announced) -> Matter:
        world, said = self.world, began.entry.of(Announcement)
        chains = {world.chain.id: world.chain}
        world.now = max(world.now, settled_at(said.beacon, chains, world.artifacts) + 5)
        pulses = world.pulses(said.beacon)
        values = [check_value(source, value, chains, read=world.artifacts.__getitem__)
                  for source, value in zip(said.beacon, pulses, strict=True)]  # fmt: skip
        key = key_material(began.entry, seeds=began.seeds, pulses=values, embargo=began.embargo).key()
        outcome = draw_lots(began.inputs, key)
        record = make_record(world.head(), began.inputs, pulses=pulses, outcome=outcome, embargo=began.embargo)
        world.keep(record.artifact)
        entry = world.add(f"draw:{form.id}", record.statement)
        roles = {*self.regulation.sign_offs_of("draw"), "people-congress"}
        if self.regulation.supervisors is not None:
            roles |= set(self.regulation.supervisors.value.roles)
        self.sign_off(f"draw:{form.id}", entry, sorted(roles & {"any", "people-congress", "legal", "department"}))
        world.checkpoint()
        matter = Matter(name=form.id, form=form, plan=plan, frozen=frozen, announcement=began.entry,
                        inputs=began.inputs, seeds=began.seeds, embargo=began.embargo, outcome=outcome,
                        record=record, draw=entry)  # fmt: skip
        self.matters[form.id] = matter
        return matter

    # -- what readers get ---------------------------------------------------------------------------------------------

    def bundle(self, matter: Matter) -> Bundle:
        """Return the bundle of a draw, as the bureau hands it out."""
        world, said = self.world, matter.said
        snapshots = [entry.of(SnapshotStatement) for entry, _ in matter.frozen.all]
        chain = [step for step in world.steps.values() if step.index < matter.announcement.index]
        earlier = [entry.of(Draw) for entry, _, _ in draws_of_the_year(chain, matter.plan.of(Plan))]
        names = artifact_names(said, snapshots, [matter.draw.of(Draw), *earlier], self.items.of(ItemList))
        return make_bundle(
            world.entries, world.sizes(), announcement=matter.announcement, draw=matter.draw,
            pulses=world.pulses(said.beacon), artifacts={n: world.artifacts[n] for n in names if n in world.artifacts},
        )  # fmt: skip
