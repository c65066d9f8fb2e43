"""Make docs/regulations.md from docs/requirements.toml and the regulations: `python docs/make.py`.

A value is never typed twice: it is read from the regulations as data, with the articles that say so.
"""

import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from fairdraw.regulation import READINGS, Provision, RatioLimit, Regulation
from fairdraw.regulation.provisions import Cited, Duty, GradeFactor, Weighting
from fairdraw.values import Value
from fairdraw_cli.regulations import IDS, load

ROOT: Final = Path(__file__).resolve().parents[1]
SIGNS: Final[Mapping[str, str]] = {
    "floor": "≥", "exact": "=", "ceiling": "≤", "at-most": "≤", "at-least": "≥", "exactly": "="
}  # fmt: skip
SECTIONS: Final[Mapping[str, str]] = {
    "1.1": "范围和事项 · Scope and items",
    "1.2": "两库 · Registries",
    "1.3": "计划 · Plans",
    "1.4": "抽取 · The draw",
    "1.5": "检查、结果、公示、保存 · Inspection, results, publication, retention",
}
HEAD: Final = """\
# 五个制度的每一条 · Every rule of the five regulations

由 `docs/requirements.toml` 和五个制度的数据生成（`python docs/make.py`），请勿手改。空缺表示该文件没有规定。
*Made from `docs/requirements.toml` and the regulations as data; do not edit. A regulation that is not in a table is
silent.* `check`: specs/verification.md; `fault`: specs/compliance.md, specs/acts.md; `finding`: specs/audit.md.
"""


def requirements() -> dict[str, Any]:
    """Return what docs/requirements.toml says."""
    return tomllib.loads((ROOT / "docs/requirements.toml").read_text("utf-8"))


def told(regulation: Regulation, path: str) -> Iterator[tuple[str, Cited]]:
    """Yield what a field of a regulation says, each with the entry that cites its articles; nothing where it is silent.

    `items.category` asks the entries of a list for one of their fields.

    Raises:
        AttributeError: there is no such field.
    """
    name, _, field = path.partition(".")
    value = getattr(regulation, name)
    if isinstance(value, Provision):
        yield plain(value.value), value
    for entry in value if isinstance(value, tuple) else ():
        if not field:
            yield plain(entry), entry
        elif (known := getattr(entry, field)) not in (None, ()):
            kind = SIGNS[entry.ratio_kind] if field == "ratio" else ""
            yield f"{entry.key} {kind}{plain(known)}", entry


def plain(value: object) -> str:
    """Return a value as people read it in a table."""
    match value:
        case RatioLimit():
            return (
                f"{value.type or value.item or value.category or '*'} {SIGNS[value.kind]}{value.ratio} / {value.period}"
            )
        case GradeFactor():
            return f"{value.zh} {'全覆盖' if value.full else SIGNS.get(value.kind, '=') + str(value.factor)}"
        case Weighting():
            return f"{value.zh} ({value.towards})"
        case Duty():
            return f"{value.of}: {value.role}"
        case Cited():
            return value.key
        case bool():
            return "是 yes" if value else "否 no"
        case tuple():
            return ", ".join(map(plain, value))
        case Value():
            fields = ((name.rstrip("_"), getattr(value, name)) for name in type(value).model_fields)
            shown = [f"{name} {plain(one)}" for name, one in fields if one not in (None, ())]
            return "; ".join(shown) or "无数目 no number"
    return str(value)


def table(paths: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a table: what each regulation says in some fields, and where."""
    yield "| 制度 regulation | 字段 field | 值 value | 条文 article |"
    yield "|---|---|---|---|"
    for name in IDS:
        for path in paths:
            found = list(told(load(name), path))
            if found:
                cites = dict.fromkeys(cite for _, entry in found for cite in entry.cite)
                texts = dict.fromkeys(text + (" (原则上)" if entry.principle else "") for text, entry in found)
                values = "；".join(texts).replace("|", "\\|")
                yield f"| `{name}` | `{path}` | {values} | {'、'.join(cites)} |"


def proofs(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield where a row is held to, and the tests that prove it."""
    yield f"实施 enforced: {', '.join(f'`{one}`' for one in row['enforced'])}"
    yield ""
    yield from (f"- `{test}`" for test in row["tests"])
    yield ""


def sentences(lang: str) -> Mapping[str, Mapping[str, str]]:
    """Return the sentence of each reading, by code and value."""
    data = (files("fairdraw") / "wording" / f"{lang}.toml").read_text("utf-8")
    told: Mapping[str, Mapping[str, str]] = tomllib.loads(data)["reading"]
    return told


def page() -> str:
    """Return docs/regulations.md."""
    data = requirements()
    lines = [HEAD]
    for section, title in SECTIONS.items():
        lines += [f"## {title}", ""]
        for row in data["row"]:
            if row["section"] == section:
                lines += [
                    f"### {row['number']}. {row['zh']} · {row['en']}",
                    "",
                    *table(row["values"]),
                    "",
                    *proofs(row),
                ]
    lines += ["## 彼此不同之处 · Where the documents contradict each other", ""]
    for row in data["contradiction"]:
        lines += [f"### {row['zh']} · {row['en']}", "", *table(row["values"]), "", *proofs(row)]
    lines += ["## 读法 · Readings", "", "条文可有两种读法时所取的一种，写在制度的数据里，事后不能另选。", ""]
    for row in data["reading"]:
        lines += [f"### {row['code']}", "", *_reading(row["code"]), "", *proofs(row)]
    return "\n".join(lines).rstrip() + "\n"


def _reading(code: str) -> Iterator[str]:
    zh, en = sentences("zh")[code], sentences("en")[code]
    for value in READINGS[code]:
        names = [f"`{name}`" for name in IDS if load(name).reading(code) == value]
        yield f"- **{value}** {zh[value]} · {en[value]}" + (f" ({', '.join(names)})" if names else "")


if __name__ == "__main__":
    (ROOT / "docs/regulations.md").write_text(page(), "utf-8")
    sys.stdout.write("docs/regulations.md\n")
