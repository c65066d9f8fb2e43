"""A proposed map as MAP.toml, with the reason of every choice beside it in the language of the person."""

import json
from collections.abc import Iterable, Iterator
from typing import Final

from fairdraw.messages import visible
from fairdraw.registry.headings import Section
from fairdraw.registry.proposing import Choice, Proposal
from fairdraw_cli.session import Session

SECTIONS: Final[tuple[Section, ...]] = ("attrs", "private", "closed")


def render(session: Session, proposal: Proposal, *, file: str, sheet: str | None) -> str:
    """Return the text of MAP.toml."""
    return "".join(f"{line}\n" for line in _lines(session, proposal, file=file, sheet=sheet))


def _lines(session: Session, proposal: Proposal, *, file: str, sheet: str | None) -> Iterator[str]:
    for word in ("map-head", "map-public", "map-check"):
        yield _comment(session, word, file=file)
    yield ""
    if sheet is not None:
        yield f"sheet = {_text(sheet)}"
    if proposal.header != 1:
        yield _comment(session, "map-header", line=proposal.header)
        yield f"header = {proposal.header}"
    yield from _number(session, proposal)
    for section in SECTIONS:
        chosen = list(proposal.of(section))
        if not chosen:
            continue
        yield ""
        yield f"[{section}]"
        yield _comment(session, f"map-{section}")
        for choice in chosen:
            yield _comment(session, choice.reason, **_told(choice))
            yield f"{choice.field} = {_value(choice)}"
    skipped = [choice for choice in proposal.of("skip") if choice.column]
    if skipped:
        yield ""
        yield _comment(session, "map-skipped")
        for choice in skipped:
            yield _comment(session, choice.reason, **_told(choice))


def _number(session: Session, proposal: Proposal) -> Iterator[str]:
    if proposal.number is not None:
        yield _comment(session, "number-column", column=proposal.number)
        yield f"no = {_text(proposal.number)}"
    else:
        yield _comment(session, "number-assigned", columns=list(proposal.by))
        if proposal.repeated:
            yield _comment(session, "key-repeated", count=proposal.repeated)
        yield f"no = {{ assign = {_text(proposal.template)}, by = {_list(proposal.by)} }}"
    if proposal.identity:
        yield _comment(session, "identity")
        yield f"identity = {_list(proposal.identity)}"


def _value(choice: Choice) -> str:
    more = [
        *([f"type = {_text(choice.kind)}"] if choice.kind != "string" else []),
        *([f"check = {_text(choice.check)}"] if choice.check != "none" else []),
        *(["required = true"] if choice.required else []),
    ]
    return f"{{ {', '.join([f'column = {_text(choice.column)}', *more])} }}" if more else _text(choice.column)


def _told(choice: Choice) -> dict[str, object]:
    return {"column": choice.column, "distinct": choice.distinct, "alone": choice.alone}


def _comment(session: Session, word: str, /, **params: object) -> str:
    # What a file calls its columns must not end a comment and begin a line of the map.
    return visible(f"# {session.word(f'propose.{word}', **params)}")


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # a basic string of TOML 1.0


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, texts))}]"
