"""Cases of bundle.json about the regulation that plan and announcement name (verification.md §5, check 24)."""

from collections.abc import Callable
from typing import Any

from book import Book, alone, edited, place_of, removed
from stories import CONTRIBUTORS, begin, cosigned

from fairdraw.announcement import artifact_of
from fairdraw.itemlist import format_items
from fairdraw.regulation import Item, Regulation, artifact_bytes, parse
from fairdraw.schema import ItemList, SignOff
from fairdraw.statement import Entry
from support.regulations import FIVE
from support.story import Story, Told, team

S0 = CONTRIBUTORS[0]
SMALL = """
id = "small"
document = { title = "一个小制度", title_en = "A small regulation", status = "plan" }
list_only = { value = true, cite = ["第一条"] }
team = { value = 2, cite = ["第二条"] }
substitution_reasons = [{ code = "illness", zh = "生病", en = "Illness", cite = ["第五条"] }]
deferral_reasons = [{ code = "flood", zh = "水灾", en = "Flood", cite = ["第六条"] }]
sign_offs = [{ of = "item-list", role = "discipline", cite = ["第三条"] }]
"""
CHILD = """
id = "district"
extends = "small"
document = { title = "我区细则", title_en = "Our district's rules", status = "in-force" }
team = { value = 3, cite = ["第一条"] }
"""
ITEM = Item(id="fund-use", name="基金使用", name_en="Use of the fund", basis=("某条例第一条",), cite=("某条例第一条",))
Bend = Callable[[Entry], Any]


def small(text: str = SMALL, **parents: Regulation) -> bytes:
    """Return the artifact of a small regulation."""
    return artifact_bytes(parse(text.encode(), parents=parents))


def under(
    regulation: bytes,
    *,
    items: bytes | None = None,
    by: str | None = None,
    signed: bool = True,
    listed: Bend = lambda entry: entry.ref,
    of: bytes | None = None,
    **plan: Any,
) -> Told:
    """Return an announcement under a regulation, with an item list that was signed off before it.

    Args:
        regulation: its artifact.
        items: the item list's artifact, where it is not the honest one.
        by: who signs the item list, where it is not the bureau.
        signed: whether a supervisor signs it off.
        listed: what the plan says of it.
        of: the regulation that the item list names, where it is another.
        plan: further fields of the plan.
    """
    story = Story()
    named = artifact_of(story.keep(regulation))
    other = named if of is None else artifact_of(story.keep(of))
    data = artifact_of(story.keep(format_items([ITEM]) if items is None else items))
    head = story.head() if by is None else story.head(by)
    entry = story.add(head.make(ItemList, items=data, regulation=other, reason=None))
    if signed:
        story.add(story.head(S0).make(SignOff, of=entry.ref, role="discipline"))
    told = begin(story, plan={"items": listed(entry), "regulation": named, **plan})
    return cosigned(told)


def cases(book: Book) -> None:
    """Add draws under regulations, and plans that disobey them."""
    name = "a regulation of its own"
    honest = under(small()).go_on()
    book.hold(name, "holds", "unknown-regulation", **alone(honest, known=False))
    known = under(artifact_bytes(FIVE["shanghai-2024"]), signed=False).go_on()
    book.hold_story("a known regulation", "holds", known)
    parent = parse(SMALL.encode(), parents={})
    child = small(CHILD, small=parent)
    derived = under(child, team=team(size=3))
    derived.story.keep(small())
    book.hold_story("a regulation and the one that it derives from", "holds", derived.go_on())
    without = under(child, team=team(size=3))
    book.hold_story("a regulation whose parent nobody shows", "unknown", without)
    line = format_items([ITEM])
    unfounded = line.replace('"basis":["某条例第一条"]'.encode(), b'"basis":[]')
    lax = parse(CHILD.replace("value = 3", 'value = 2, laxer = "small-county"').encode(), parents={"small": parent})
    hidden = artifact_bytes(lax.model_copy(update={"team": None}))
    laxer = under(hidden)
    laxer.story.keep(small())
    told: tuple[tuple[str, str, Told], ...] = (
        ("a team below the regulation's", "against-regulation", under(small().replace(b'"value":2}', b'"value":3}'))),
        ("a plan without an item list", "item-list-missing", under(small(), listed=lambda _: None)),
        ("an item list that a supervisor signed", "not-the-bureaus", under(small(), by=S0, signed=False)),
        ("an item list under another regulation", "item-list-of-another", under(small(), of=child)),
        ("an item list with a space in it", "bad-item-list", under(small(), items=line.replace(b'":', b'": ', 1))),
        ("an item without a basis", "item-without-basis", under(small(), items=unfounded)),
        ("an item list that nobody signed off", "sign-off-missing", under(small(), signed=False)),
        ("a regulation in another spelling", "regulation-not-canonical", under(small()[:-1] + b" \n")),
        ("a regulation under the name of a known one", "regulation-not-genuine",
         under(small(SMALL.replace('"small"', '"laiyuan"')))),
        ("a regulation that left out a rule of its parent", "regulation-lost", laxer),
    )  # fmt: skip
    for what, reason, story in told:
        book.fail_story(what, "regulation", reason, story, like=name)
    file = book.file_of(name)
    book.fail("a regulation that nobody shows", "regulation", "artifact-missing", like=name,
              patch=removed(f"/artifacts/{place_of(file, artifact_of(small()).digest)}"))  # fmt: skip
    book.fail("an item list under its name that is another", "format", "bad-artifact", like=name,
              patch=edited(file, artifact_of(line).digest, "Use of the fund", "Abuse of the fund"))  # fmt: skip
