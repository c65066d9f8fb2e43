"""Draws of every kind, and what anybody might do to them: to the log, to the file, to the own trust file."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from fairdraw.announcement import artifact_of
from fairdraw.bundle import Bundle, Slip
from fairdraw.encoding import canonical, lines, parse
from fairdraw.errors import BundleError, Error
from fairdraw.record import Record
from fairdraw.registry import Registry, Row
from fairdraw.schema import Draw, Plan, SnapshotStatement
from fairdraw.slip import make_slip
from fairdraw.snapshot import open_row
from fairdraw.verify import LogView
from support import acts
from support.story import (
    SLOT,
    Story,
    Told,
    committed,
    inspectors,
    objects,
    past_the_round,
    recusal,
    rule,
    sealed,
    secret,
    sizes,
    swap,
    team,
    trust_text,
)

SECONDS = ((), ("s0.example.cn/rehearsal",), ("s1.example.cn/rehearsal",),
           ("s0.example.cn/rehearsal", "s1.example.cn/rehearsal"))  # fmt: skip
SKILLS = ("accounting", "law", "medicine")


def staff(count: int) -> Registry:
    """Return inspectors with everything that a rule can ask for."""
    rows = tuple(
        Row(
            row.no,
            {
                **row.attrs,
                "expert": i % 5 == 4,
                "level": i % 4 if i % 7 else None,
                "skills": tuple(sorted({SKILLS[i % 3], SKILLS[i % 2]})),
                "until": ("2026-12-31", "2026-09-30", "2026-08-31")[i % 3],
            },
            row.private,
        )
        for i, row in enumerate(inspectors(count).rows)
    )
    attrs = (("department", "string"), ("expert", "boolean"), ("level", "integer"), ("qualified", "boolean"),
             ("region", "string"), ("skills", "strings"), ("until", "string"))  # fmt: skip
    return Registry(attrs, (("name", True),), rows)


def institutions(count: int) -> Registry:
    """Return objects with a level and a speciality each."""
    rows = tuple(
        Row(row.no, {**row.attrs, "level": i % 3 if i % 11 else None, "need": SKILLS[i % 3]}, row.private)
        for i, row in enumerate(objects(count).rows)
    )
    attrs = (("level", "integer"), ("need", "string"), ("region", "string"), ("type", "string"))
    return Registry(attrs, objects(1).private, rows)


ELIGIBLE = (
    {"rule": "same", "object": "region", "inspector": "region"},
    {"rule": "differ", "object": "region", "inspector": "region"},
    {"rule": "valid", "object": None, "inspector": "until"},
    {"rule": "at-least", "object": "level", "inspector": "level"},
    {"rule": "contains", "object": "need", "inspector": "skills"},
    {"rule": "under", "object": "region", "inspector": "region"},
)
FILTERS = (
    "",
    'type != "care"',
    'type in {"hospital","pharmacy"}',
    "level in 0..1",
    'not region under "370102"',
    'level != null and (type = "hospital" or need = "law")',
    "level >= 2",
)


def mostly(usual: Any, *strange: Any) -> st.SearchStrategy[Any]:
    """Return the usual value four times in five, so that one strange step in a draw is not hidden behind another."""
    return st.integers(0, 4).flatmap(lambda at: st.sampled_from(strange) if at == 4 else st.just(usual))


@st.composite
def teams(draw: st.DrawFn) -> dict[str, Any]:
    """Return the rules of a team."""
    size = draw(st.integers(2, 3))
    asked = draw(mostly((), *((one,) for one in ELIGIBLE), ELIGIBLE[2:4]))
    fields: dict[str, Any] = {"size": size, "eligible": (*team()["eligible"], *asked)}
    if draw(st.integers(0, 3)) == 0:
        fields |= {"department": "department", "quota": (("wjw", 1), ("ybj", size - 1))}
    if draw(st.integers(0, 3)) == 0:
        fields["specialities"] = ({"field": "skills", "value": draw(st.sampled_from(SKILLS)), "number": 1},)
    if draw(st.integers(0, 4)) == 0:
        fields["experts"] = {"number": draw(mostly(1, 0, 2)), "expert": "expert", "eligible": asked[:1]}
    if draw(st.integers(0, 5)) == 0:
        fields["pool"] = draw(st.integers(size, 10))
    if draw(st.booleans()):
        fields |= {"cap": draw(st.integers(1, 6)), "limit": draw(st.sampled_from((1, 3, 60)))}
        fields["beyond"] = draw(st.sampled_from(("raise-cap", "switch-chain", "void")))
        if fields["beyond"] == "switch-chain":
            fields["steps"] = draw(st.integers(1, 30))
    return team(**fields)


@st.composite
def plans(draw: st.DrawFn) -> dict[str, Any]:
    """Return a plan: one rule of many kinds, and a team."""
    strata = tuple(sorted(draw(st.sets(st.sampled_from(("type", "region"))))))
    fields: dict[str, Any] = {"strata": strata, "filter": draw(st.sampled_from(FILTERS))}
    numerator, denominator = draw(st.integers(0, 6)), draw(st.integers(6, 30))
    fields |= {"ratio": f"{numerator}/{denominator}", "rounding": draw(st.sampled_from(("ceil", "nearest", "floor")))}
    if "region" not in strata and draw(st.booleans()):
        fields |= {"region": "region", "each_region": draw(st.booleans())}
    if draw(st.integers(0, 3)) == 0:
        factors = draw(st.permutations(("0/1", "1/2", "6/5", "1/1")))
        fields |= {
            "grade": "level",
            "grades": tuple(
                {"grade": grade, "factor": factor, "rounding": "nearest", "whole": draw(st.integers(0, 9)) == 0}
                for grade, factor in zip((None, 0, 1, 2), factors, strict=True)
            ),
        }
        if draw(st.booleans()):
            floor = {"of": (), "ratio": fields.pop("ratio"), "rounding": fields.pop("rounding"), "floor": "1/8"}
            fields |= {"ratios": (floor,), "top_up": (1, 2)}
    return {"rules": (rule(SLOT, **fields),), "slots": (SLOT,), "team": draw(teams()), "audit": 1}


@st.composite
def begun(draw: st.DrawFn) -> Told:
    """Return a draw up to its cosigned announcement; not every plan allows one."""
    story = Story()
    planned = story.plan(**draw(plans()))
    story.now += 60
    story.checkpoint(by=draw(mostly(None, [0], [])))
    story.now += 60
    registry, people = institutions(draw(st.integers(3, 30))), staff(draw(st.integers(9, 20)))
    objs, inspecting = story.snapshot("institutions", registry), story.snapshot("staff", people)
    if draw(st.integers(0, 9)) == 0:
        story.change_key(draw(st.sampled_from((story.bureau.name, *story.people))))
    story.now += 60
    kind = draw(st.sampled_from(("published", "published", "committed", "sealed")))
    changes: dict[str, Any] = {}
    if kind == "committed":
        required = draw(mostly((), ("s0.example.cn/rehearsal",)))
        changes = committed(required=required, minimum=draw(mostly(0, 1, 2, 3)))(story)
    elif kind == "sealed":
        changes = sealed(depositaries=draw(mostly(2, 1, 3)))(story)
    pairs = st.tuples(st.sampled_from(registry.rows), st.sampled_from(people.rows))
    apart = draw(st.lists(pairs, max_size=4))
    changes["recusals"] = lines(sorted({recusal(one.no, other.no) for one, other in apart}))
    said = story.announcement(planned, objs[0], inspecting[0], **changes)
    said = said.model_copy(update=draw(st.sampled_from(BENT_ANNOUNCEMENTS)))
    entry = story.add(said.model_copy(update={"with_": draw(mostly(*SECONDS))}))
    story.now += draw(mostly(60, 3500, 3700))
    story.checkpoint(by=draw(mostly(None, [0])))
    told = Told(story, planned, objs, inspecting, entry, embargo=secret("embargo") if kind == "sealed" else None)
    if kind == "committed":
        everybody = list(story.people)
        names = draw(mostly(everybody, everybody[:1], everybody[1:], []))
        told.close(told.reveal(*names) if names else {})
        told.later()
    return told


BENT_ANNOUNCEMENTS: tuple[dict[str, Any], ...] = (
    *({},) * 24,
    {"history_size": 40},
    {"window": "2026-09-01"},
    {"window": "2027-01-01"},
    {"margin": 0},
    {"margin": 3600},
    {"margin": 31_536_000},
    {"slots": (SLOT, "2026/fund-use/2")},
)


def no_bend(record: Record) -> Record:
    return record


def _statement(**changes: Any) -> Callable[[Record], Record]:
    return lambda record: replace(record, statement=record.statement.model_copy(update=changes))


def _list(change: Callable[[bytes], bytes]) -> Callable[[Record], Record]:
    def bend(record: Record) -> Record:
        data = change(record.artifact)
        named = record.statement.results.model_copy(update=artifact_of(data).model_dump())
        return replace(record, artifact=data, statement=record.statement.model_copy(update={"results": named}))

    return bend


BENT_RECORDS: tuple[Callable[[Record], Record], ...] = (
    *(no_bend,) * 24,
    _statement(key=None),
    _statement(key="ab" * 32),
    _statement(blocks=()),
    _statement(blocks=None),
    _statement(pool=7),
    _list(lambda data: re.sub(rb'"quota":\d+', b'"quota":1', data, count=1)),
    _list(lambda data: re.sub(rb'"cutoff":"..', b'"cutoff":"00', data)),
    _list(lambda data: re.sub(rb"I-000[0-4]", b"I-0009", data, count=1)),
    _list(lambda data: re.sub(rb'"ticket":"..', b'"ticket":"ff', data, count=1)),
    _list(lambda data: re.sub(rb'"attempt":\d+', b'"attempt":3', data, count=1)),
    _list(lambda data: data.replace(b"{", b"{ ", 1)),
    _list(lambda data: b"".join(data.splitlines(keepends=True)[:-1])),
    _list(lambda data: data[:-1]),
)


@st.composite
def drawn(draw: st.DrawFn) -> Told:
    """Return a draw to its end, or to a round after which the bureau logged nothing."""
    told = draw(begun())
    if draw(st.integers(0, 11)) == 0:
        return past_the_round(told).later()
    bend, beside = draw(st.sampled_from(BENT_RECORDS)), _statement(with_=draw(mostly(*SECONDS)))
    try:
        told.go_on(bend=lambda record: beside(bend(record)), cosigned=draw(st.integers(0, 9)) > 0)
    except Error:  # nobody can be drawn under this plan
        return past_the_round(told).later()
    for _ in range(draw(st.integers(0, 2))):
        with suppress(Error, StopIteration, IndexError, AssertionError):
            draw(st.sampled_from(LATER))(told, draw)
    return told


def _substituted(told: Told, draw: st.DrawFn) -> None:
    call = acts.call(told, *acts.somebody(told), reason=draw(st.sampled_from(("unable", "recusal"))))
    if draw(st.integers(0, 3)) > 0:
        acts.waited(told, call)
    if draw(st.integers(0, 3)) > 0:
        bent = draw(mostly({}, {"in_": "I-0003"}, {"eligible": 2}, {"key": "00" * 32}))
        acts.follow(told, call, **bent)
    else:
        told.later()


def _voided(told: Told, draw: st.DrawFn) -> None:
    told.void(draw(st.sampled_from(("other", "quorum-not-shown", "required-seed-missing", "attempts-exhausted"))))
    told.later()


def _announced_again(told: Told, draw: st.DrawFn) -> None:
    told.announce_again()
    told.later()


def _drawn_again(told: Told, draw: st.DrawFn) -> None:
    assert told.draw is not None
    said = told.draw.of(Draw)
    names = ("announcement", "pulses", "key", "results", "counts", "blocks", "pool")
    told.story.add(told.story.head().make(Draw, **{name: getattr(said, name) for name in names}))
    told.later()


def _opened(told: Told, draw: st.DrawFn) -> None:
    bent = draw(st.sampled_from(({}, {}, {"key": "00" * 32}, {"embargo": "00" * 32})))
    told.open_up(at=draw(st.sampled_from((None, told.story.now + 60))), **bent)
    told.later()


def _excepted(told: Told, draw: st.DrawFn) -> None:
    no = acts.somebody(told)[0]
    acts.exception(told, draw(st.sampled_from((no, "H-000001"))), draw=draw(st.sampled_from((None, told.draw))))


LATER: tuple[Callable[[Told, st.DrawFn], object], ...] = (
    _substituted,
    _substituted,
    _voided,
    _announced_again,
    _drawn_again,
    _opened,
    _opened,
    _excepted,
    lambda told, draw: acts.deferral(told, draw(st.sampled_from((acts.somebody(told)[0], "H-000002")))),
    lambda told, draw: acts.result(told),
    lambda told, draw: acts.signed_off(told, told.announcement, draw(st.sampled_from(("discipline", "legal")))),
    lambda told, draw: (told.story.change_key(), told.later()),
    lambda told, draw: (told.story.add_noise(), told.later()),
    lambda told, draw: told.later(draw(st.sampled_from((3600, 400_000)))),
)


# -- the file -------------------------------------------------------------------------------------------------------


def flipped(data: bytes, bit: int) -> bytes:
    """Return bytes with one bit flipped."""
    bent = bytearray(data)
    bent[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(bent)


def _reencoded(text: str, bit: int) -> str:
    data = b64decode(text)
    return b64encode(flipped(data, bit)).decode() if data else text


def handed(told: Told, **changes: Any) -> Bundle:
    """Return the bundle of a draw; where no quorum has cosigned all of it, after one has."""
    try:
        return told.bundle(**changes)
    except BundleError:
        return told.later().bundle(**changes)


def files(draw: st.DrawFn, told: Told) -> Bundle:
    """Return a bundle, honest or bent in one place."""
    known = None if told.embargo is None else told.embargo.hex()
    embargo = draw(mostly(known, None, "00" * 32))
    return draw(st.sampled_from(BENT_FILES))(handed(told, embargo=embargo), draw)


def _whole(bundle: Bundle, draw: st.DrawFn) -> Bundle:
    return bundle


def _without(name: str) -> Callable[[Bundle, st.DrawFn], Bundle]:
    def bend(bundle: Bundle, draw: st.DrawFn) -> Bundle:
        rows = list(getattr(bundle, name))
        if rows:
            del rows[draw(st.integers(0, len(rows) - 1))]
        return bundle.model_copy(update={name: tuple(rows)})

    return bend


def _twice(name: str) -> Callable[[Bundle, st.DrawFn], Bundle]:
    def bend(bundle: Bundle, draw: st.DrawFn) -> Bundle:
        rows = list(getattr(bundle, name))
        if rows:
            rows.append(draw(st.sampled_from(rows)))
        return bundle.model_copy(update={name: tuple(rows)})

    return bend


def _flipped(name: str, field: str) -> Callable[[Bundle, st.DrawFn], Bundle]:
    def bend(bundle: Bundle, draw: st.DrawFn) -> Bundle:
        rows = list(getattr(bundle, name))
        if rows:
            at = draw(st.integers(0, len(rows) - 1))
            bit = draw(st.integers(0, 1 << 16))
            rows[at] = rows[at].model_copy(update={field: _reencoded(getattr(rows[at], field), bit)})
        return bundle.model_copy(update={name: tuple(rows)})

    return bend


def _another(name: str) -> Callable[[Bundle, st.DrawFn], Bundle]:
    return lambda bundle, draw: bundle.model_copy(update={name: draw(st.sampled_from(OTHERS[name]))})


OTHERS: dict[str, tuple[Any, ...]] = {
    "announcement": ("00" * 32,),
    "draw": (None, "00" * 32),
    "log": ("log.example.cn/other/rehearsal", "log.example.cn/jinan"),
    "bureau": ("s0.example.cn/rehearsal", "nobody.example.cn/rehearsal"),
}


def _line_changed(bundle: Bundle, draw: st.DrawFn) -> Bundle:
    """Change one digit of an artifact, whose name stays."""
    carried = draw(st.sampled_from(bundle.artifacts))
    data = b64decode(carried.data)
    places = [found.start() for found in re.finditer(rb"\d", data)]
    if not places:
        return swap(bundle, carried.digest, data + b"\n")
    at = draw(st.sampled_from(places))
    return swap(bundle, carried.digest, data[:at] + b"7" + data[at + 1 :])


BENT_FILES: tuple[Callable[[Bundle, st.DrawFn], Bundle], ...] = (
    *(_whole,) * 12,
    *(_without(name) for name in ("entries", "artifacts", "checkpoints", "pulses")),
    *(_twice(name) for name in ("entries", "artifacts", "checkpoints")),
    _flipped("entries", "note"),
    _flipped("entries", "proof"),
    _flipped("checkpoints", "checkpoint"),
    _flipped("artifacts", "data"),
    *(_another(name) for name in OTHERS),
    _line_changed,
)


def slips(draw: st.DrawFn, told: Told) -> Slip:
    """Return the slip of some row, the owner's or another's, honest or bent."""
    assert told.draw is not None
    assert told.record is not None
    role = draw(st.sampled_from(("objects", "inspectors")))
    entry, frozen = told.objects if role == "objects" else told.inspectors
    row = draw(st.sampled_from(frozen.rows))
    statement = entry.of(SnapshotStatement)
    if not any(one.size > told.draw.index and one.quorum_time is not None for one in sizes(told.story)):
        told.later()
    label = f"secret of {'institutions' if role == 'objects' else 'staff'} 1"
    own = open_row(secret(label), statement, row, [name for name, _ in statement.private], own=True)
    slip = make_slip(
        told.story.entries, sizes(told.story), announcement=told.announcement, draw=told.draw,
        plan=told.plan.of(Plan), snapshot=entry, roster=frozen.roster, results=lines(told.record.lines),
        exclusions=told.exclusions, role=role, no=row.no, own=own if draw(st.booleans()) else (),
    )  # fmt: skip
    bends: tuple[Callable[[Slip], Slip], ...] = (
        *(lambda one: one,) * 6,
        lambda one: one.model_copy(update={"no": draw(st.sampled_from(frozen.rows)).no}),
        lambda one: one.model_copy(update={"strata": one.strata[1:]}),
        lambda one: one.model_copy(update={"teams": one.teams[1:]}),
        lambda one: one.model_copy(update={"teams": one.teams * 2}),
        lambda one: one.model_copy(update={"registry": "objects"}),
        lambda one: one.model_copy(update={"row": one.row.model_copy(update={"index": one.row.index + 1})}),
        lambda one: one.model_copy(update={"exclusions": b64encode(canonical({}) + b"\n").decode()}),
        lambda one: one.model_copy(update={"draw": None}),
        lambda one: one.model_copy(update={"own": tuple(o.model_copy(update={"value": "别人"}) for o in one.own)}),
        lambda one: one.model_copy(update={"row": one.row.model_copy(
            update={"line": _reencoded(one.row.line, draw(st.integers(0, 4000)))})}),
    )  # fmt: skip
    return draw(st.sampled_from(bends))(slip)


# -- bytes ----------------------------------------------------------------------------------------------------------


def mangled(draw: st.DrawFn, data: bytes) -> bytes:
    """Return a file's bytes changed as text: what a reader gets who is handed something else than a bundle."""
    value = parse(data[:-1])
    kind = draw(st.sampled_from(("bit", "cut", "space", "bom", "field", "gone", "type", "number", "deep", "twice")))
    match kind:
        case "bit":
            return flipped(data, draw(st.integers(0, 8 * len(data) - 1)))
        case "cut":
            return data[: draw(st.integers(0, len(data) - 1))]
        case "space":
            return data.replace(b":", b": ", 1)
        case "bom":
            return b"\xef\xbb\xbf" + data
        case "twice":
            return data[:-2] + b',"v":0}\n'
        case "deep":
            return b"[" * draw(st.sampled_from((9, 200, 100_000))) + data
    name = draw(st.sampled_from(sorted(value)))
    if kind == "gone":
        del value[name]
    elif kind == "field":
        value["zz"] = None
    elif kind == "number":
        return data.replace(b'"v":0', draw(st.sampled_from((b'"v":0.0', b'"v":-0', b'"v":1', b'"v":"0"'))), 1)
    else:
        value[name] = draw(st.sampled_from((None, 0, "", [], {}, True, "é́", "\u202eabc", [None], [{}])))
    # Not `canonical`, which refuses what a stranger writes all the same.
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"


# -- the reader -----------------------------------------------------------------------------------------------------


def logs(draw: st.DrawFn, log: LogView) -> LogView:
    """Return a log as a host shows it who hides, loses or alters something."""
    entries, checkpoints, artifacts = list(log.entries), list(log.checkpoints), dict(log.artifacts)
    at = draw(st.integers(0, len(entries) - 1))
    match draw(st.sampled_from(("short", "hole", "bit", "checkpoint", "old", "artifact"))):
        case "short":
            del entries[at:]
        case "hole":
            entries[at] = None
        case "bit":
            entries[at] = flipped(entries[at] or b"", draw(st.integers(0, 1 << 14)))
        case "checkpoint":
            del checkpoints[draw(st.integers(0, len(checkpoints) - 1))]
        case "old":
            del checkpoints[-1]
        case "artifact":
            del artifacts[draw(st.sampled_from(sorted(artifacts)))]
    return LogView(entries, checkpoints, artifacts)


def trusts(draw: st.DrawFn, story: Story) -> bytes:
    """Return a reader's trust file: as the story has it, or somebody else's idea of it."""
    text = trust_text(story)
    words = text.splitlines()
    kind = draw(st.sampled_from(("same",) * 12 + ("line", "gone", "role", "quorum", "second", "second")))
    if kind == "line":
        line = draw(st.sampled_from(("margin 3000", "margin 9000", "freshness 0", "receipts 1",
                                     "retired practice 2026-09-07T00:00:00Z", "retired practice 2027-01-01T00:00:00Z",
                                     "# a comment")))  # fmt: skip
        words.append(line)
    elif kind == "gone":
        at = draw(st.integers(1, len(words) - 1))
        del words[at]
    elif kind == "role":
        words = [line.replace(" discipline ", draw(st.sampled_from((" contributor ", " department ", " legal "))))
                 for line in words]  # fmt: skip
    elif kind == "second":
        days = ("", " 2026-09-07", " 2026-09-08", " 2026-09-30", " 2026-10-01", " 2026-9-1", " 9999-12-31")
        names = draw(st.sampled_from((*SECONDS[1:], ("nobody.example.cn/rehearsal",), (story.bureau.name,))))
        words += [f"second {story.bureau.name} {name}{draw(st.sampled_from(days))}" for name in names]
    elif kind == "quorum":
        words = [line for line in words if not line.startswith(("quorum", "group"))]
        words.append(draw(st.sampled_from(("quorum w0", "quorum w1", "quorum none"))))
    return ("\n".join(words) + "\n").encode()
