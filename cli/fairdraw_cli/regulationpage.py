"""A regulation as people read it: every value in groups, each with the article that says it."""

from collections.abc import Iterator, Mapping
from typing import Final

from fairdraw.messages import Catalogue
from fairdraw.regulation import (
    Chosen,
    Cited,
    Coded,
    Duty,
    GradeFactor,
    Item,
    Lenient,
    Named,
    Provision,
    RatioLimit,
    Regulation,
)
from fairdraw.values import Value

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "document": ("validity",),
    "items": ("list_only", "one_visit", "items", "item_fields", "items_adjustable", "methods", "exceptions"),
    "registries": (
        "object_types", "object_fields", "inspector_fields", "inspectors", "qualification", "experts", "expert_kinds",
        "registries_adjustable", "registry_levels",
    ),
    "plan": (
        "plan_deadline", "plan_fields", "plan_adjustable", "adjustment_reasons", "plan_filing", "special_plan",
        "scheme",
    ),
    "numbers": (
        "ratios", "yearly_cap", "controls", "grades", "exemption", "weightings", "directed", "regional_balance",
    ),
    "inspectors": (
        "order", "team", "joint", "departments", "eligibility", "recusal_reasons", "special_team",
    ),
    "draw": (
        "platform", "drawing_unit", "separation", "dispatch", "masking", "printed", "disclosure", "supervisors",
        "sign_offs", "void_reasons",
    ),
    "after": (
        "substitution", "substitution_reasons", "deferral", "deferral_reasons", "visit", "form_refusal",
        "noncooperation", "noncooperation_acts", "trace", "reuse",
    ),
    "results": (
        "results", "disposals", "transfers", "revisit", "signers", "publication", "public", "publication_exceptions",
        "retention", "liability",
    ),
    "credit": ("credit", "leniency"),
    "readings": ("readings",),
}  # fmt: skip
"""Every field of a regulation, in the groups in which it is shown; a test keeps this whole."""


def page(words: Catalogue, regulation: Regulation) -> Iterator[str]:
    """Yield the lines that show a regulation: every value that it sets, and nothing where it is silent."""
    yield from _document(words, regulation)
    for group, names in GROUPS.items():
        lines = [line for name in names for line in _field(words, regulation, name)]
        if group != "document" and lines:
            yield words.say("regulation-group", group)
        yield from lines


def title(words: Catalogue, regulation: Regulation) -> str:
    """Return a regulation's title in the language of the words."""
    return regulation.document.title if words.lang == "zh" else regulation.document.title_en


def span(words: Catalogue, regulation: Regulation) -> str:
    """Return from when to when a regulation is in force."""
    if regulation.validity is None:
        return words.say("regulation", "no-validity")
    told = regulation.validity.value
    until = told.until if told.until is not None else words.say("regulation", "open-end")
    return words.say("regulation", "span", first=told.from_, last=until)


def _document(words: Catalogue, regulation: Regulation) -> Iterator[str]:
    told = regulation.document
    unsaid = words.say("regulation", "unsaid")
    yield title(words, regulation)
    status = words.say("regulation-value", told.status)
    rows = {"id": regulation.id, "issuer": told.issuer or unsaid, "number": told.number or unsaid}
    rows |= {"issued": told.issued or unsaid, "status": status}
    if regulation.extends is not None:
        rows["extends"] = f"{regulation.extends.id} {regulation.extends.digest}"
    for name, value in rows.items():
        yield f"  {words.say('regulation-field', name)}{words.mark('colon')}{value}"


def _field(words: Catalogue, regulation: Regulation, name: str) -> Iterator[str]:
    value = getattr(regulation, name)
    label = f"  {words.say('regulation-field', name)}"
    if name == "validity" and value is not None:
        yield f"{label}{words.mark('colon')}{span(words, regulation)}{_source(words, value)}"
    elif name == "credit" and value is not None:
        yield f"{label}{_source(words, value)}"
        for part in type(value.value).model_fields:
            yield f"    {words.say('regulation-part', part)}"
            yield from (f"      {_entry(words, regulation, one)}" for one in getattr(value.value, part))
    elif isinstance(value, Provision):
        yield f"{label}{words.mark('colon')}{_shown(words, value.value)}{_source(words, value)}"
    elif isinstance(value, tuple) and value:
        yield label
        yield from (f"    {_entry(words, regulation, one)}" for one in value)


def _source(words: Catalogue, entry: Cited) -> str:
    told = [*entry.cite]
    told += [words.say("regulation", "in-principle")] if entry.principle else []
    told += [words.say("regulation", "laxer-here", reason=entry.laxer)] if entry.laxer is not None else []
    return words.mark("open") + words.mark("between").join(told) + words.mark("close")


def _entry(words: Catalogue, regulation: Regulation, entry: Cited) -> str:
    return _told(words, regulation, entry) + _source(words, entry)


def _told(words: Catalogue, regulation: Regulation, entry: Cited) -> str:
    match entry:
        case Item():
            return _item(words, entry)
        case RatioLimit():
            named = [one for one in (entry.type, entry.item, entry.category) if one is not None]
            whose = words.mark("and").join(_name(words, regulation, one) for one in named)
            limit = words.say("regulation-kind", entry.kind, ratio=entry.ratio)
            period = words.say("regulation-value", entry.period)
            return words.mark("between").join((whose or words.say("regulation", "everything"), limit, period))
        case GradeFactor():
            full = words.say("regulation", "full")
            factor = full if entry.full else words.say("regulation-kind", entry.kind, ratio=entry.factor)
            return f"{_titled(words, entry, entry.grade)}{words.mark('colon')}{factor}"
        case Duty():
            act, role = words.say("regulation-value", entry.of), words.say("role", entry.role)
            return words.say("regulation", "duty", act=act, role=role)
        case Lenient():
            grounds = words.mark("and").join(
                words.say("regulation-ground", ground.code, value=ground.value) for ground in entry.grounds
            )
            return words.say(
                "regulation", "lenient", list=words.say("regulation-value", entry.list), number=entry.number,
                title=entry.zh if words.lang == "zh" else entry.en, grounds=grounds,
            )  # fmt: skip
        case Chosen():
            return words.say(f"reading.{entry.code}", entry.value)
        case Coded(code=name) | Named(id=name):
            towards = getattr(entry, "towards", None)
            how = f"{words.say('regulation-value', towards)}{words.mark('colon')}" if towards else ""
            free = f" {words.say('regulation', 'optional')}" if getattr(entry, "optional", False) else ""
            return f"{how}{_titled(words, entry, name)}{free}"
    return entry.key


def _item(words: Catalogue, item: Item) -> str:
    parts = [f"{item.id} {item.name if words.lang == 'zh' else item.name_en}"]
    content = item.content if words.lang == "zh" else item.content_en
    parts += [content] if content else []
    parts += [words.say("regulation-value", item.category)] if item.category else []
    if item.ratio is not None and item.ratio_kind is not None:
        parts.append(words.say("regulation-kind", item.ratio_kind, ratio=item.ratio))
    if item.frequency is not None:
        parts.append(words.say("regulation-times", item.frequency.kind, times=item.frequency.times))
    parts += [words.mark("and").join(item.basis)] if item.basis else []
    return words.mark("between").join(parts)


def _titled(words: Catalogue, entry: Named | Coded | GradeFactor, name: str) -> str:
    return f"{name} {entry.zh if words.lang == 'zh' else entry.en}"


def _name(words: Catalogue, regulation: Regulation, name: str) -> str:
    """Return an object type by its title, and anything else by its id."""
    found = next((one for one in regulation.object_types if one.id == name), None)
    return name if found is None else _titled(words, found, found.id)


def _shown(words: Catalogue, value: object) -> str:
    """Return a value in words: its code's sentence, its parts by name."""
    if isinstance(value, Value):
        told = {name: part for name, part in value if part is not None}
        return words.mark("and").join(
            f"{words.say('regulation-part', name.rstrip('_'))} {_shown(words, part)}" for name, part in told.items()
        ) or words.say("regulation", "no-number")
    if isinstance(value, tuple):
        return words.mark("and").join(_shown(words, one) for one in value)
    for section in ("regulation-value", "role"):
        if isinstance(value, str) and words.has(section, value):
            return words.say(section, value)
    return words.show(value)
