"""How the cases of bundle.json and slip.json are written: each is verified first, and must end as it was said to.

A case inherits what it does not say from the accepted case that `like` names; `patch` (RFC 6902, `replace` and
`remove` and `add` only) then applies to its file, which is written again as canonical JSON and a newline.
"""

import copy
import json
from base64 import b64decode, b64encode
from difflib import SequenceMatcher
from typing import Any

import stories
from formats import Cases

from fairdraw import encoding
from fairdraw.bundle import read_file
from fairdraw.errors import BundleError
from fairdraw.snapshot import Opening
from fairdraw.trust import parse_trust
from fairdraw.verify import LogView, Report, verify_bundle, verify_slip
from support.story import Told

Patch = list[dict[str, Any]]
INHERITED = ("trust", "as_of", "bundle_only", "log", "openings", "file")
FILE_ONLY = "only the bundle is asked about"
"""The accepted case that most others are like: the small plain draw, verified without its log."""


def patched(value: Any, patch: Patch) -> Any:
    """Return a value after a patch."""
    whole = copy.deepcopy(value)
    for step in patch:
        *names, last = step["path"].split("/")[1:]
        place = whole
        for name in names:
            place = place[int(name) if isinstance(place, list) else name]
        key = int(last) if isinstance(place, list) else last
        if step["op"] == "remove":
            del place[key]
        elif step["op"] == "replace" or isinstance(place, dict):
            place[key] = step["value"]
        else:
            place.insert(key, step["value"])
    return whole


def difference(old: Any, new: Any, path: str = "") -> Patch:
    """Return a patch that makes one value of another."""
    if old == new:
        return []
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        return [step for name in old for step in difference(old[name], new[name], f"{path}/{name}")]
    if isinstance(old, list) and isinstance(new, list):
        return _between(old, new, path)
    return replaced(path, new)


def _between(old: list[Any], new: list[Any], path: str) -> Patch:
    """Return a patch between arrays, whose equal parts stay where they are; from the end, so that places hold."""
    names = [[json.dumps(one, sort_keys=True) for one in told] for told in (old, new)]
    steps: Patch = []
    for kind, i, to_i, j, to_j in reversed(SequenceMatcher(None, *names, autojunk=False).get_opcodes()):
        if kind == "equal":
            continue
        both = min(to_i - i, to_j - j)
        steps += [{"op": "remove", "path": f"{path}/{at}"} for at in reversed(range(i + both, to_i))]
        steps += [{"op": "add", "path": f"{path}/{i + at}", "value": new[j + at]} for at in range(both, to_j - j)]
        steps += [step for at in range(both) for step in difference(old[i + at], new[j + at], f"{path}/{i + at}")]
    return steps


def replaced(path: str, value: Any) -> Patch:
    """Return the patch that puts a value in the place of another."""
    return [{"op": "replace", "path": path, "value": value}]


def added(path: str, value: Any) -> Patch:
    """Return the patch that puts in a value."""
    return [{"op": "add", "path": path, "value": value}]


def removed(path: str) -> Patch:
    """Return the patch that takes a value out."""
    return [{"op": "remove", "path": path}]


def place_of(file: Any, digest: str) -> int:
    """Return the place of an artifact in a file."""
    return [one["digest"] for one in file["artifacts"]].index(digest)


def edited(file: Any, digest: str, old: str, new: str) -> Patch:
    """Return the patch that edits an artifact's text under its old name."""
    place = place_of(file, digest)
    text = b64decode(file["artifacts"][place]["data"]).decode()
    if old not in text:
        raise ValueError(old)
    return replaced(f"/artifacts/{place}/data", b64encode(text.replace(old, new, 1).encode()).decode())


def carried(data: bytes) -> Patch:
    """Return the patch that puts in an artifact."""
    told = {"digest": encoding.digest(data), "data": b64encode(data).decode()}
    return added("/artifacts/0", told)


def run(case: dict[str, Any]) -> Report:
    """Verify the file of a case that inherits nothing any more."""
    data = (
        case["bytes"].encode() if "bytes" in case else encoding.canonical(patched(case["file"], case.get("patch", [])))
    )
    read = read_file(data if "bytes" in case else data + b"\n")
    trust, log = parse_trust(case["trust"].encode()), case["log"]
    view = log and LogView(
        entries=[None if one is None else b64decode(one) for one in log["entries"]],
        checkpoints=[b64decode(one) for one in log["checkpoints"]],
        frozen=b64decode(log["frozen"]) if "frozen" in log else None,
    )
    if read.type == "slip":
        return verify_slip(read, trust, as_of=case["as_of"], log=view)
    openings = tuple(Opening.model_validate_json(json.dumps(one)) for one in case.get("openings", ()))
    return verify_bundle(read, trust, as_of=case["as_of"], log=view, bundle_only=case["bundle_only"], openings=openings)


def told(report: Report) -> dict[str, Any]:
    """Return what a case says of its report: verdict, the checks that do not hold, findings, who was drawn.

    `final` is there where who inspects in the end is not who was drawn.
    """
    states = {c.code: [c.state, c.depends or c.reason] for c in report.checks if c.state != "holds"}
    drawn, final = ([[no, list(members)] for no, members in teams] for teams in (report.drawn, report.final))
    said = {"verdict": report.verdict, "checks": states, "findings": [one.code for one in report.findings],
            "drawn": drawn}  # fmt: skip
    return said | ({"final": final} if final not in ([], drawn) else {})


class Book:
    """The cases of one file; each is run as it is written, and must end as it was said to."""

    def __init__(self) -> None:
        self.accept: Cases = []
        self.refuse: Cases = []

    def inherited(self, case: dict[str, Any]) -> dict[str, Any]:
        """Return a case with what it inherits."""
        if "like" not in case:
            return case
        found = next(one for one in self.accept if one["name"] == case["like"])
        if "patch" in found:
            raise ValueError(f"{case['like']} is a patch itself")
        base = self.inherited(found)
        return {name: base[name] for name in INHERITED if name in base} | case

    def file_of(self, name: str) -> Any:
        """Return the file of an accepted case."""
        return next(self.inherited(one)["file"] for one in self.accept if one["name"] == name)

    def hold(self, name: str, verdict: str, *findings: str, **case: Any) -> None:
        """Add an honest case: no check fails, the verdict is the one said, and these are among the findings."""
        case = {"name": name, **case}
        report = run(self.inherited(case))
        said = told(report)
        if report.failed or report.verdict != verdict or not set(findings) <= set(said["findings"]):
            raise ValueError((name, said))
        self.accept.append(case | said)

    def fail(self, name: str, expect: str, reason: str, **case: Any) -> None:
        """Add a case of which one check must fail for one reason; `not-a-bundle` is a file that cannot be read."""
        case = self._smaller({"name": name, "expect": expect, "reason": reason, **case})
        try:
            report = run(self.inherited(case))
        except BundleError as error:
            if error.code != expect:
                raise
            self.refuse.append(case)
            return
        check = report.check(expect)
        if (check.state, check.reason) != ("fails", reason):
            raise ValueError((name, told(report)))
        self.refuse.append(case | told(report))

    def _smaller(self, case: dict[str, Any]) -> dict[str, Any]:
        """Return a case without what the one that it is like says too, and its file as a patch where that is less."""
        if "like" not in case or "patch" in case:
            return case
        base = self.inherited(next(one for one in self.accept if one["name"] == case["like"]))
        case = {name: value for name, value in case.items() if name not in INHERITED or base.get(name) != value}
        if "file" in case:
            patch = difference(base["file"], case["file"])
            if len(json.dumps(patch)) < len(json.dumps(case["file"])):
                del case["file"]
                case["patch"] = patch
        return case

    def hold_story(
        self, name: str, verdict: str, story: Told, *findings: str, known: bool = False, **case: Any
    ) -> None:
        """Add an honest case that is a story's bundle alone; `known`: with the pulses beside it."""
        self.hold(name, verdict, *findings, **self._smaller(alone(story, known=known) | case))

    def fail_story(self, name: str, expect: str, reason: str, story: Told, *, known: bool = False, **case: Any) -> None:
        """Add a case that is a story's bundle alone, of which one check must fail."""
        self.fail(name, expect, reason, **(alone(story, known=known) | case))


def alone(story: Told, *, known: bool) -> dict[str, Any]:
    """Return a story's bundle, to be verified without its log."""
    made = stories.make(story)
    file = stories.bundle(story, **({} if known else {"pulses": ()}))
    return {"like": FILE_ONLY, "file": file, "trust": made["trust"], "as_of": made["as_of"]}
