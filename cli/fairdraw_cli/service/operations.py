"""Every operation: its address, who may ask for it, and the command that it is.

The words of a command are options as `--name=value` and, after `--`, its arguments: nothing that a caller sends can
become an option.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from fairdraw_cli.service import bodies
from fairdraw_cli.service.bodies import Body, refuse_files, toml
from fairdraw_cli.service.tokens import Role

LARGE: Final = 64 << 20  # bytes of a registry file, a bundle or a photograph
SMALL: Final = 4 << 20  # bytes of a JSON body: an announcement with a long recusal list
READING: Final[tuple[Role, ...]] = ("clerk", "lead", "results", "auditor")
CLERK: Final[tuple[Role, ...]] = ("clerk", "lead")
LEAD: Final[tuple[Role, ...]] = ("lead",)
RESULTS: Final[tuple[Role, ...]] = ("results", "lead")
AUDITOR: Final[tuple[Role, ...]] = ("auditor", "lead")

ID: Final = "[a-z0-9][a-z0-9._-]{0,39}"
NUMBER: Final = "(?:0|[1-9][0-9]{0,14})"
ROUND: Final = "[1-9][0-9]{0,14}"
PARTS: Final = {"registry": ID, "draw": ID, "chain": ID, "entry": NUMBER, "round": ROUND}
FLAG: Final = "true|false"
QUERY: Final[Mapping[str, str]] = {
    "format": "csv|xlsx|xls|ods",
    "skip_bad": FLAG,
    "bundle_only": FLAG,
    "as_of": "[0-9TZ:-]{1,40}",
}

SHEETS: Final[Mapping[str, str]] = {
    "text/csv": "registry.csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "registry.xlsx",
    "application/vnd.ms-excel": "registry.xls",
    "application/vnd.oasis.opendocument.spreadsheet": "registry.ods",
    "application/octet-stream": "registry.{format}",  # for clients that know no better; `format` of the query says it
}


@dataclass(frozen=True)
class Asked:
    """A request that was let in: the parts of its path, its query, its body, and the folder that its files are in.

    `file` is the name that we gave to what was uploaded; `again` says that an earlier doing of it was cut off.
    """

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    folder: Path
    file: str
    again: bool
    root: Path

    def flag(self, name: str) -> bool:
        """Return whether a parameter of the query says true."""
        return self.query.get(name) == "true"


Words = Callable[[Asked], Iterable[str]]


@dataclass(frozen=True)
class Operation:
    """An operation; all are POST. `files` are the media types of an upload and the names that files are given."""

    id: str
    path: str
    roles: tuple[Role, ...]
    words: Words
    body: type[Body] | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    query: tuple[str, ...] = ()
    reads: bool = False
    limit: int = SMALL

    def file(self, media: str, query: Mapping[str, str]) -> str:
        """Return the name that a body's file is given."""
        return self.files.get(media, "body.json").format(format=query.get("format", "csv"))

    @property
    def parts(self) -> list[str]:
        """The names in the path."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]


def _freeze(asked: Asked) -> Iterator[str]:
    yield "freeze"
    if (asked.folder / "map.toml").exists():
        yield "--map=map.toml"
    if asked.flag("skip_bad"):
        yield "--skip-bad"
    if asked.again:
        yield "--once"
    yield from ("--", asked.path["registry"], asked.file)


def _plan(*command: str) -> Words:
    def words(asked: Asked) -> Iterator[str]:
        refuse_files(asked.body.plan, "regulation")
        (asked.folder / "plan.toml").write_text(toml(asked.body.plan), encoding="utf-8")
        yield from command
        if getattr(asked.body, "dry_run", False):
            yield "--dry-run"
        yield "plan.toml"

    return words


def _items(asked: Asked) -> Iterator[str]:
    refuse_files(asked.body.items, "regulation")
    (asked.folder / "items.toml").write_text(toml(asked.body.items), encoding="utf-8")
    yield from ("items", "log", *(["--dry-run"] if asked.body.dry_run else []), "items.toml")


def _announce(asked: Asked) -> Iterator[str]:
    body, folder = asked.body, asked.folder
    refuse_files(body.draw, "recusals", "events")
    draw = bodies.in_utc(dict(body.draw))
    if body.recusals:
        (folder / "recusals.csv").write_bytes(bodies.recusals(body.recusals))
        draw["recusals"] = "recusals.csv"
    (folder / "draw.toml").write_text(toml(draw), encoding="utf-8")
    yield "announce"
    if body.dry_run:
        yield "--dry-run"
    yield from _second(asked)
    yield "draw.toml"


def _second(asked: Asked) -> Iterator[str]:
    """Yield the options of a statement that another may have to sign, too."""
    if asked.body.second is not None:
        yield f"--second={asked.body.second}"
    yield from bodies.notes(asked.folder, asked.body.cosigned)


def _draw(asked: Asked) -> Iterator[str]:
    yield from ("draw", *_second(asked), "--", asked.path["draw"])


def _pulse(asked: Asked) -> Iterator[str]:
    number, chain = asked.path["round"], f"--chain={asked.path['chain']}"
    match asked.body.source:
        case "relays":
            yield from ("pulse", "fetch", chain, "--", number)
        case "practice":
            yield from ("pulse", "practice", "--", number)
        case "recorded":
            yield from ("pulse", "import", chain, "--", number)
        case _:
            (asked.folder / "round.json").write_text(asked.body.document or "", encoding="utf-8", newline="")
            yield from ("pulse", "import", chain, "--", number, "round.json")


def _place(asked: Asked) -> list[str]:
    return [f"--object={asked.body.object}", f"--inspector={asked.body.inspector}"]


def _call(asked: Asked) -> Iterator[str]:
    body = asked.body
    yield from ("call", *_place(asked), f"--reason={body.reason}", f"--declaration={body.declaration}")
    yield f"--round-at={body.round_at}"
    if body.chain is not None:
        yield f"--chain={body.chain}"
    yield from (f"--with={name}" for name in body.supervisors)
    yield from bodies.notes(asked.folder, body.cosigned)
    yield from ("--", asked.path["draw"])


def _substitute(asked: Asked) -> Sequence[str]:
    return ["substitute", *_place(asked), "--", asked.path["draw"]]


def _defer(asked: Asked) -> Sequence[str]:
    body = asked.body
    return ["defer", f"--object={body.object}", f"--reason={body.reason}", f"--application={body.application}",
            f"--until={body.until}", "--", asked.path["draw"]]  # fmt: skip


def _except(asked: Asked) -> Iterator[str]:
    body = asked.body
    yield from ("except", f"--reason={body.reason}", f"--date={body.date}")
    yield from (f"--object={no}" for no in body.objects)
    yield from (f"--inspector={no}" for no in body.inspectors)
    yield from (f"--item={item}" for item in body.items)
    if body.draw is not None:
        yield f"--draw={body.draw}"


def _outcomes(asked: Asked, place: str, *command: str) -> Iterator[str]:
    """Yield a command that logs outcomes, and who signs them elsewhere."""
    body = asked.body
    for outcome in body.outcomes:
        refuse_files(outcome, *bodies.FILED)
    (asked.folder / "results.toml").write_text(toml({"outcome": body.outcomes}), encoding="utf-8")
    yield from command
    if body.by is not None:
        yield f"--by={body.by}"
    yield from bodies.notes(asked.folder, body.cosigned)
    yield from ("--", asked.path[place], "results.toml")


def _openings(asked: Asked) -> Sequence[str]:
    return ["openings", *(["--all"] if asked.body.all else []), "--", asked.path["draw"], *asked.body.numbers]


def _print(asked: Asked) -> Iterator[str]:
    yield "print"
    if asked.body.format is not None:
        yield f"--format={asked.body.format}"
    yield from ("--", asked.path["draw"], getattr(asked.body, "paper", "notices"))


def _export(kind: str) -> Words:
    """Return how a list is written beside the draw's other files, in place of an older one."""

    def words(asked: Asked) -> Sequence[str]:
        draw = asked.path["draw"]
        return ["export", kind, f"--out={asked.root / 'draws' / draw / f'{draw}.{kind}.xlsx'}", "--force", "--", draw]

    return words


def _verify(asked: Asked) -> Iterator[str]:
    yield from ("verify", f"--trust={asked.root / 'trust'}")
    if asked.flag("bundle_only"):
        yield "--bundle-only"
    else:
        yield f"--log={asked.root / 'log'}"
    if "as_of" in asked.query:
        yield f"--as-of={asked.query['as_of']}"
    yield from ("--", asked.file)


def _audit(asked: Asked) -> Iterator[str]:
    body = asked.body
    yield from ("audit", f"--trust={asked.root / 'trust'}")
    given = {"bureau": body.bureau, "year": body.year, "as-of": body.as_of}
    yield from (f"--{name}={value}" for name, value in given.items() if value is not None)
    yield from ("--", str(asked.root / "log"))


OPERATIONS: Final = (
    Operation("freeze_registry", "/v1/registries/{registry}/snapshots", CLERK, _freeze, files=SHEETS,
              query=("skip_bad", "format"), limit=LARGE),
    Operation("check_plan", "/v1/plans/check", CLERK, _plan("plan", "check"), bodies.CheckPlan),
    Operation("log_plan", "/v1/plans", LEAD, _plan("plan", "log"), bodies.PlanBody),
    Operation("log_items", "/v1/items", LEAD, _items, bodies.ItemsBody),
    Operation("announce_draw", "/v1/announcements", LEAD, _announce, bodies.AnnounceBody),
    Operation("take_pulse", "/v1/pulses/{chain}/{round}", LEAD, _pulse, bodies.PulseBody),
    Operation("close_seeds", "/v1/draws/{draw}/seeds/close", LEAD,
              lambda a: ["seeds", "close", *(["--force"] if a.body.force else []), "--", a.path["draw"]],
              bodies.CloseBody),
    Operation("make_draw", "/v1/draws/{draw}/draw", LEAD, _draw, bodies.DrawBody),
    Operation("call_substitute", "/v1/draws/{draw}/calls", LEAD, _call, bodies.CallBody),
    Operation("draw_substitute", "/v1/draws/{draw}/substitutes", LEAD, _substitute, bodies.SubstituteBody),
    Operation("defer_inspection", "/v1/draws/{draw}/deferrals", LEAD, _defer, bodies.DeferBody),
    Operation("log_exception", "/v1/exceptions", LEAD, _except, bodies.ExceptBody),
    Operation("void_draw", "/v1/draws/{draw}/void", LEAD,
              lambda a: ["void", f"--reason={a.body.reason}", "--", a.path["draw"]], bodies.VoidBody),
    Operation("open_draw", "/v1/draws/{draw}/opening", LEAD,
              lambda a: ["open", *(["--names"] if a.body.names else []), "--", a.path["draw"]], bodies.OpenBody),
    Operation("add_entry", "/v1/entries", LEAD, lambda a: ["log", "add", "--", a.file],
              files={"text/plain": "entry.note"}),
    Operation("log_results", "/v1/draws/{draw}/results", RESULTS,
              lambda a: _outcomes(a, "draw", "result"), bodies.ResultBody),
    Operation("correct_results", "/v1/entries/{entry}/corrections", RESULTS,
              lambda a: _outcomes(a, "entry", "correct", f"--reason={a.body.reason}"), bodies.CorrectBody),
    Operation("log_evidence", "/v1/entries/{entry}/evidence", RESULTS,
              lambda a: ["evidence", "--", a.path["entry"], a.file],
              files={"application/octet-stream": "evidence"}, limit=LARGE),
    Operation("log_objection", "/v1/entries/{entry}/objections", RESULTS,
              lambda a: ["object", f"--object={a.body.object}", f"--objection={a.body.objection}", "--",
                         a.path["entry"]], bodies.ObjectionBody),
    Operation("answer_objection", "/v1/entries/{entry}/answers", RESULTS,
              lambda a: ["answer", f"--decision={a.body.decision}", f"--answer={a.body.answer}", "--",
                         a.path["entry"]], bodies.AnswerBody),
    Operation("write_slip", "/v1/draws/{draw}/slips", CLERK,
              lambda a: ["slip", "--", a.path["draw"], a.body.number], bodies.SlipBody),
    Operation("write_own_slip", "/v1/draws/{draw}/slips/own", LEAD,
              lambda a: ["slip", "--own", "--", a.path["draw"], a.body.number], bodies.SlipBody),
    Operation("print_papers", "/v1/draws/{draw}/papers", CLERK, _print, bodies.PapersBody),
    Operation("print_notices", "/v1/draws/{draw}/notices", LEAD, _print, bodies.NoticesBody),
    Operation("export_drawn", "/v1/draws/{draw}/exports/drawn", CLERK, _export("drawn"), bodies.Nothing),
    Operation("export_due", "/v1/draws/{draw}/exports/due", CLERK, _export("due"), bodies.Nothing),
    Operation("export_dispatch", "/v1/draws/{draw}/exports/dispatch", LEAD, _export("dispatch"), bodies.Nothing),
    Operation("write_openings", "/v1/draws/{draw}/openings", LEAD, _openings, bodies.OpeningsBody),
    Operation("verify_file", "/v1/verifications", AUDITOR, _verify, files={"application/json": "bundle.json"},
              query=("bundle_only", "as_of"), reads=True, limit=LARGE),
    Operation("audit_log", "/v1/audits", AUDITOR, _audit, bodies.AuditBody, reads=True),
)  # fmt: skip

CLOCKED: Final = frozenset(one.id for one in OPERATIONS) - {"take_pulse", "verify_file", "audit_log"}
"""Whose commands know `--clock`, which only a rehearsal takes."""
