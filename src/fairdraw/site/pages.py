"""The public site's pages, filled from templates: nothing that a log says becomes markup, script or a link.

jinja2 escapes every value, and every value but the catalogues' own sentences is written with its unseen characters
spelled out (attack 46). Pages name no other host: whoever reads them tells nobody else that he does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Final

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from fairdraw.encoding import format_time
from fairdraw.messages import Catalogue, visible
from fairdraw.regulation import Regulation
from fairdraw.render import fingerprint, local_time
from fairdraw.render.sheet import NOT_PROVEN, random_claim
from fairdraw.schema import item_of
from fairdraw.site.dossier import Dossier
from fairdraw.site.register import STATES, Gap, Register, Row

PAGE: Final = 100  # rows of a page; the first page has the oldest, so that a full one never changes its rows
STEPS: Final = ("how-freeze", "how-announce", "how-cosign", "how-draw", "how-verify")

GLOSSARY: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("random", ("order",)), ("open", ("public",)), ("items", ("list_only", "item_fields")),
    ("plan", ("plan_deadline", "plan_fields")), ("registry", ("registries_adjustable",)), ("object", ("object_types",)),
    ("inspector", ("inspectors", "qualification")), ("expert", ("experts",)), ("ratio", ("ratios",)),
    ("cap", ("yearly_cap",)), ("grade", ("grades", "weightings")), ("directed", ("directed",)),
    ("balance", ("regional_balance",)), ("masked", ("masking",)), ("team", ("team",)), ("joint", ("joint",)),
    ("supervisor", ("supervisors",)), ("printed", ("printed",)), ("sealed", ("disclosure",)),
    ("recusal", ("recusal_reasons",)), ("substitution", ("substitution", "substitution_reasons")),
    ("deferral", ("deferral",)), ("exception", ("exceptions",)), ("evidence", ("trace",)), ("result", ("results",)),
    ("publication", ("publication",)), ("noncooperation", ("noncooperation",)), ("revisit", ("revisit",)),
    ("transfer", ("transfers",)), ("retention", ("retention",)),
    ("slot", ()), ("stratum", ()), ("snapshot", ()), ("number", ()), ("announcement", ()), ("beacon", ()), ("seed", ()),
    ("ticket", ()), ("cutoff", ()), ("log", ()), ("checkpoint", ()), ("witness", ()), ("hash", ()), ("receipt", ()),
    ("trust", ()), ("bundle", ()), ("slip", ()), ("void", ("void_reasons",)), ("overdue", ()), ("missing", ()),
)  # fmt: skip
"""The terms of the glossary, each with the fields of a regulation whose articles stand beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the pages are made with, beside the log.

    Attributes:
        title: the site's own, "" for the usual one.
        url: where it will be found, ended by a slash, "" where nobody said so.
        script, style: the subresource-integrity values of `fairdraw.js` and `fairdraw.css`.
        verifier: SHA-256 of `verify.html`.
    """

    title: str
    url: str
    script: str
    style: str
    verifier: str


class Pages:
    """The pages of one register; `templates` by file name, `catalogues` Chinese first."""

    def __init__(
        self, register: Register, look: Look, templates: Mapping[str, str], catalogues: Sequence[Catalogue]
    ) -> None:
        self._register = register
        self._catalogues = catalogues
        self._environment = Environment(
            loader=DictLoader(templates),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_shown,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.filters |= {"utc": format_time, "local": local_time, "fingerprint": fingerprint}
        self._environment.globals |= {
            "say": self._say,
            "word": self._both,
            "plain": self._plain,
            "look": look,
            "rehearsal": register.rehearsal,
            "items_of": lambda row: dict.fromkeys(map(item_of, row.said.slots)),
        }

    def draw(self, dossier: Dossier) -> str:
        """Return the page of one draw."""
        register, row, failed = self._register, dossier.row, bool(dossier.failed)
        return self._render(
            "site-draw.html",
            f"d/{row.index}/index.html",
            draw=dossier,
            as_of=format_time(register.as_of) if register.as_of_given else "",
            trust=register.trust,
            unproven=is_unproven(row, failed=failed),
            struck=lambda text: Markup("<s>{}</s>").format(visible(text)) if failed else text,
            proves=("proves-before", random_claim(row.said.beacon, row.ledger.trust.chains), "proves-rules",
                    "proves-log"),
            not_proven=NOT_PROVEN,
        )  # fmt: skip

    def listing(self, rows: Sequence[Row | Gap], *, number: int | None, pages: int, unproven: set[int]) -> str:
        """Return a page of rows, the newest first; the one without a number is the site's front page."""
        register = self._register
        older = (number or pages + 1) - 1
        return self._render(
            "site-index.html",
            "index.html" if number is None else f"page/{number}/index.html",
            register=register,
            rows=rows[::-1],
            number=number,
            pages=pages,
            older=older if number is not None else None,
            newer=number + 1 if number is not None and number < pages else None,
            # What changes with every checkpoint stands on the front page alone.
            newest=register.newest if number is None else None,
            bureaus=len({row.entry.statement.bureau for row in register.rows}),
            unproven=unproven,
            states=STATES,
        )

    def about(self, look: Look, regulations: Iterable[Regulation]) -> str:
        """Return the page that says what a verification proves and what it does not, with the glossary."""
        register, known = self._register, tuple(regulations)
        return self._render(
            "site-about.html",
            "about/index.html",
            steps=STEPS,
            proves=("proves-before", "practice-random" if register.rehearsal else "proves-random", "proves-rules",
                    "proves-log"),
            not_proven=NOT_PROVEN,
            trust=register.trust,
            verifier=look.verifier,
            glossary=glossary(known),
            documents=[one.document for one in known],
        )  # fmt: skip

    def _render(self, template: str, path: str, /, **values: object) -> str:
        root = "../" * path.count("/")
        return self._environment.get_template(template).render(root=root, path=path, **values)

    def _say(self, code: str, /, **params: object) -> Markup:
        return self._both("site", code, **params)

    def _both(self, section: str, code: str, /, **params: object) -> Markup:
        """Return a sentence in every language, each of which the page can show alone."""
        spans = (
            Markup('<span lang="{}">{}</span>').format(one.lang, one.say(section, code, **params))
            for one in self._catalogues
        )
        return Markup(" ").join(spans)

    def _plain(self, code: str, /, **params: object) -> str:
        """Return a sentence in every language where there can be no markup: a title, a label."""
        return " ".join(one.say("site", code, **params) for one in self._catalogues)


def _shown(value: object) -> object:
    """Return a value as a page may show it."""
    return value if isinstance(value, Markup) else "" if value is None else visible(str(value))


def is_unproven(row: Row, *, failed: bool) -> bool:
    """Say whether a draw claims what its verification here does not bear out; one without a draw claims nothing."""
    return failed and (row.draw is not None or row.state == "locked")


def glossary(regulations: Sequence[Regulation]) -> list[tuple[str, list[tuple[str, str, tuple[str, ...]]]]]:
    """Return each term with the articles about it: whose document it is, in both languages, and articles.

    No article is typed here: each is read from the regulations as data, which have it beside the rule.
    """
    return [(term, list(_articles(regulations, names))) for term, names in GLOSSARY]


def _articles(regulations: Sequence[Regulation], names: Sequence[str]) -> Iterable[tuple[str, str, tuple[str, ...]]]:
    for one in regulations:
        said = (getattr(one, name) for name in names)
        rules = (rule if isinstance(rule, tuple) else (rule,) for rule in said if rule is not None)
        cites = tuple(dict.fromkeys(cite for entry in chain(*rules) if not _says_no(entry) for cite in entry.cite))
        if cites:
            yield one.document.issuer or one.document.title, one.document.title_en.partition(":")[0], cites


def _says_no(rule: object) -> bool:
    """Say whether a rule says that there is no such thing: a result that is public at once is never sealed."""
    return getattr(rule, "value", None) in (False, "at-once")


def pages_of(register: Register) -> list[tuple[Row | Gap, ...]]:
    """Return the rows of each numbered page, the oldest first; there is always one page."""
    told = [tuple(row for _, row in group) for _, group in groupby(enumerate(register.rows), lambda at: at[0] // PAGE)]
    return told or [()]
