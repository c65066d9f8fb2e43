"""The vectors of regulation.md: files, the artifacts that they become, and what is no regulation. Written by hand."""

from typing import Any

from formats import Cases, canonical, digest

LISTS = [
    "adjustment_reasons", "controls", "deferral_reasons", "departments", "disposals", "dropped", "exceptions",
    "expert_kinds", "grades", "inspector_fields", "inspectors", "item_fields", "items", "leniency", "liability",
    "methods", "noncooperation_acts", "object_fields", "object_types", "plan_fields", "public",
    "publication_exceptions", "ratios", "readings", "recusal_reasons", "results", "reuse", "sign_offs",
    "signers", "substitution_reasons", "trace", "transfers", "visit", "void_reasons", "weightings",
]  # fmt: skip
VALUES = [
    "credit", "deferral", "directed", "disclosure", "dispatch", "drawing_unit", "eligibility", "exemption",
    "experts", "extends", "form_refusal", "items_adjustable", "joint", "list_only", "masking", "noncooperation",
    "one_visit", "order", "plan_adjustable", "plan_deadline", "plan_filing", "platform", "printed",
    "publication", "qualification", "regional_balance", "registries_adjustable", "registry_levels", "retention",
    "revisit", "scheme", "separation", "special_plan", "special_team", "substitution", "supervisors", "team",
    "validity", "yearly_cap",
]  # fmt: skip
SILENT: dict[str, Any] = {**{name: [] for name in LISTS}, **dict.fromkeys(VALUES), "v": 0}

DOCUMENT = '[document]\ntitle = "细则"\ntitle_en = "Rules"\nstatus = "in-force"\n'
HEAD = f'id = "province"\n{DOCUMENT}'
TEAM = '[team]\nvalue = 2\ncite = ["第九条"]\n'
CAP = '[yearly_cap]\nvalue = 2\nprinciple = true\ncite = ["第八条"]\n'
TYPES = (
    'object_types = [\n  { id = "medical", zh = "定点医疗机构", en = "medical institutions", cite = ["第三条"] },\n'
    '  { id = "pharmacy", zh = "定点零售药店", en = "pharmacies", cite = ["第三条"] },\n]\n'
)
REASONS = (
    'exceptions = [\n  { code = "complaint", zh = "投诉举报", en = "complaint", cite = ["第五条"] },\n'
    '  { code = "media", zh = "媒体曝光", en = "media", cite = ["第五条"] },\n]\n'
)
RATIO = '[[ratios]]\ntype = "medical"\nratio = "5/100"\nkind = "floor"\nperiod = "draw"\ncite = ["第八条"]\n'
PARENT = f'id = "province"\n{TYPES}{REASONS}{DOCUMENT}{TEAM}{CAP}{RATIO}'


def _cited(article: str, **more: Any) -> dict[str, Any]:
    return {"cite": [article], "principle": False, "laxer": None, **more}


def _artifact(**told: Any) -> str:
    """Return an artifact (regulation.md §1)."""
    document = {
        "issuer": None,
        "number": None,
        "title": "细则",
        "title_en": "Rules",
        "issued": None,
        "status": "in-force",
    }
    return canonical({**SILENT, "id": "province", "document": document, **told}) + "\n"


def _type(name: str, zh: str, en: str) -> dict[str, Any]:
    return _cited("第三条", id=name, zh=zh, en=en, optional=False)


def _ratio(ratio: str, article: str = "第八条", **more: Any) -> dict[str, Any]:
    return {
        **_cited(article, type="medical", item=None, category=None, ratio=ratio, kind="floor", period="draw"),
        **more,
    }


def _reason(code: str, zh: str) -> dict[str, Any]:
    return _cited("第五条", code=code, zh=zh, en=code)


SAID: dict[str, Any] = {
    "object_types": [
        _type("medical", "定点医疗机构", "medical institutions"),
        _type("pharmacy", "定点零售药店", "pharmacies"),
    ],
    "exceptions": [_reason("complaint", "投诉举报"), _reason("media", "媒体曝光")],
    "team": _cited("第九条", value=2),
    "yearly_cap": _cited("第八条", value=2) | {"principle": True},
    "ratios": [_ratio("5/100")],
}
FROM = {"id": "province", "digest": digest(_artifact(**SAID))}


def _child(tables: str, name: str = "city") -> str:
    """Return a file that derives from PARENT."""
    return f'id = "{name}"\nextends = "province"\n{DOCUMENT}{tables}'


def _derived(name: str, text: str, departures: list[list[str]], **told: Any) -> dict[str, Any]:
    artifact = _artifact(**{**SAID, "id": "city", "extends": FROM, **told})
    return {"name": name, "toml": _child(text), "parents": {"province": PARENT}, "artifact": artifact,
            "departures": departures}  # fmt: skip


def _laxer(name: str, text: str, expect: str = "laxer-without-reason") -> dict[str, Any]:
    return {"name": name, "toml": _child(text), "parents": {"province": PARENT}, "expect": expect}


def _accepted() -> Cases:
    whole = f"{HEAD}{TEAM}"
    return [
        {"name": "a silent regulation", "toml": HEAD, "artifact": _artifact()},
        {"name": "one rule", "toml": whole, "artifact": _artifact(team=_cited("第九条", value=2))},
        {"name": "types, reasons, a ratio and a cap", "toml": PARENT, "artifact": _artifact(**SAID)},
        {
            "name": "validity, with dates of TOML",
            "toml": f'{HEAD}[validity]\nvalue = {{ from = 2024-12-22, until = 2029-12-21 }}\ncite = ["第十八条"]\n',
            "artifact": _artifact(validity=_cited("第十八条", value={"from": "2024-12-22", "until": "2029-12-21"})),
        },
        {
            "name": "a grade with a factor and one with full coverage",
            "toml": f"""{HEAD}
[[grades]]
grade = "excellent"
zh = "优秀"
en = "excellent"
factor = "30/100"
kind = "at-most"
principle = true
cite = ["第十一条"]

[[grades]]
grade = "bad"
zh = "差"
en = "bad"
full = true
cite = ["第十一条"]
""",
            "artifact": _artifact(
                grades=[
                    _cited(
                        "第十一条",
                        grade="excellent",
                        zh="优秀",
                        en="excellent",
                        factor="30/100",
                        kind="at-most",
                        full=False,
                    )
                    | {"principle": True},
                    _cited("第十一条", grade="bad", zh="差", en="bad", factor=None, kind="exact", full=True),
                ]
            ),
        },
        {
            "name": "publication within working days",
            "toml": f'{HEAD}[publication]\nvalue = {{ unit = "working-days", days = 20 }}\ncite = ["附件2（四）"]\n',
            "artifact": _artifact(publication=_cited("附件2（四）", value={"unit": "working-days", "days": 20})),
        },
        {"name": "an artifact", "artifact": _artifact(**SAID)},
        _derived("nothing changed", "", []),
        _derived(
            "a larger team",
            '[team]\nvalue = 3\ncite = ["第二条"]\n',
            [["team", "stricter"]],
            team=_cited("第二条", value=3),
        ),
        _derived(
            "a higher cap with its reason",
            '[yearly_cap]\nvalue = 3\nprinciple = true\nlaxer = "many-complaints"\ncite = ["第二条"]\n',
            [["yearly_cap", "laxer"]],
            yearly_cap=_cited("第二条", value=3) | {"principle": True, "laxer": "many-complaints"},
        ),
        _derived(
            "always instead of in principle",
            '[yearly_cap]\nvalue = 2\ncite = ["第二条"]\n',
            [["yearly_cap", "stricter"]],
            yearly_cap=_cited("第二条", value=2),
        ),
        _derived(
            "a higher floor",
            RATIO.replace("5/100", "8/100"),
            [["ratios.medical/-/-/draw", "stricter"]],
            ratios=[_ratio("8/100")],
        ),
        _derived(
            "a floor of another type",
            RATIO.replace("medical", "pharmacy").replace("5/100", "3/100"),
            [["ratios.pharmacy/-/-/draw", "stricter"]],
            ratios=[_ratio("5/100"), _ratio("3/100", type="pharmacy")],
        ),
        _derived(
            "an exception less",
            '[[dropped]]\nrule = "exceptions.media"\n',
            [["exceptions.media", "stricter"]],
            exceptions=[_reason("complaint", "投诉举报")],
            dropped=[{"rule": "exceptions.media", "laxer": None}],
        ),
        _derived(
            "a cap dropped with its reason",
            '[[dropped]]\nrule = "yearly_cap"\nlaxer = "no-registry-of-visits"\n',
            [["yearly_cap", "laxer"]],
            yearly_cap=None,
            dropped=[{"rule": "yearly_cap", "laxer": "no-registry-of-visits"}],
        ),
        _derived(
            "a supervisor's signature",
            '[[sign_offs]]\nof = "draw"\nrole = "discipline"\ncite = ["第二条"]\n',
            [["sign_offs.draw/discipline", "stricter"]],
            sign_offs=[_cited("第二条", of="draw", role="discipline")],
        ),
        _derived(
            "the same reason in other words",
            '[[exceptions]]\ncode = "media"\nzh = "媒体曝光的"\nen = "in the media"\ncite = ["第二条"]\n',
            [],
            exceptions=[
                _reason("complaint", "投诉举报"),
                _cited("第二条", code="media", zh="媒体曝光的", en="in the media"),
            ],
        ),
    ]


def _refused() -> Cases:
    lines = f"{HEAD}{TEAM}"
    written: list[tuple[str, str, str]] = [
        ("no TOML", "id =", "regulation-not-toml"),
        ("a key said twice", f'id = "city"\n{HEAD}', "regulation-not-toml"),
        ("no document", 'id = "province"\n', "regulation-key-missing"),
        ("no article", lines.replace('cite = ["第九条"]', ""), "regulation-key-missing"),
        ("an empty list of articles", lines.replace('["第九条"]', "[]"), "regulation-list-empty"),
        ("an article that is empty", lines.replace("第九条", ""), "regulation-text-empty"),
        ("an article twice", lines.replace('["第九条"]', '["第九条", "第九条"]'), "regulation-repeated"),
        ("a rule misspelt", lines.replace("[team]", "[teams]"), "regulation-key-unknown"),
        ("a rule without its table", f'id = "province"\nteam = 2\n{DOCUMENT}', "regulation-not-table"),
        ("a number in quotation marks", lines.replace("= 2", '= "2"'), "regulation-not-integer"),
        ("a team of nobody", lines.replace("= 2", "= 0"), "regulation-out-of-range"),
        ("a status of one's own", lines.replace("in-force", "secret"), "regulation-not-one-of"),
        ("an id in capitals", lines.replace("province", "Province"), "regulation-not-an-id"),
        ("a ratio in decimals", PARENT.replace('"5/100"', "0.05"), "regulation-not-text"),
        ("a ratio that is none", PARENT.replace("5/100", "5%"), "regulation-not-a-ratio"),
        ("a ratio above one", PARENT.replace("5/100", "101/100"), "regulation-ratio-above-one"),
        ("a ratio of an unknown type", PARENT.replace('type = "medical"', 'type = "clinic"'), "regulation-not-one-of"),
        ("a ratio twice", PARENT + RATIO.replace("5/100", "3/100"), "regulation-repeated"),
        ("a reason twice", PARENT.replace('"media"', '"complaint"'), "regulation-repeated"),
        ("a code with a space", PARENT.replace('code = "media"', 'code = "the media"'), "regulation-not-a-code"),
        (
            "a day that is in no year",
            f'{HEAD}[plan_deadline]\nvalue = "02-30"\ncite = ["第十条"]\n',
            "regulation-not-a-day",
        ),
        (
            "an end before the beginning",
            f'{HEAD}[validity]\nvalue = {{ from = 2024-12-22, until = 2024-12-21 }}\ncite = ["第十八条"]\n',
            "regulation-ends-before-it-begins",
        ),
        (
            "a date that is none",
            f'{HEAD}[validity]\nvalue = {{ from = "2024-13-01" }}\ncite = ["第十八条"]\n',
            "regulation-not-a-date",
        ),
        (
            "days of a statutory term",
            f'{HEAD}[publication]\nvalue = {{ unit = "statutory", days = 20 }}\ncite = ["第四条"]\n',
            "regulation-days-without-unit",
        ),
        (
            "a grade with neither factor nor full coverage",
            f'{HEAD}[[grades]]\ngrade = "good"\nzh = "良好"\nen = "good"\ncite = ["第十一条"]\n',
            "regulation-factor-or-full",
        ),
        (
            "a grade of whom nobody is drawn, without an exemption",
            f'{HEAD}[[grades]]\ngrade = "good"\nzh = "良好"\nen = "good"\nfactor = "0/1"\ncite = ["第十一条"]\n',
            "regulation-exemption-not-allowed",
        ),
        (
            "a reading of one's own",
            f'{HEAD}[[readings]]\ncode = "rounding"\nvalue = "down"\ncite = ["第八条"]\n',
            "regulation-not-one-of",
        ),
        ("a reason to be laxer than nothing", lines + 'laxer = "few-inspectors"\n', "regulation-laxer-than-nothing"),
        ("something dropped of nothing", f'{HEAD}[[dropped]]\nrule = "team"\n', "regulation-laxer-than-nothing"),
        ("a text with a character that is not seen", lines.replace("细则", "细\u202e则"), "regulation-not-canonical"),
        ("an unknown parent", f'id = "city"\nextends = "nowhere"\n{DOCUMENT}', "regulation-parent-unknown"),
    ]
    whole = _artifact(**SAID)
    bytes_: list[tuple[str, str, str]] = [
        ("an artifact without its newline", whole[:-1], "regulation-not-canonical"),
        ("an artifact with a space", whole.replace(":", ": ", 1), "regulation-not-canonical"),
        ("an artifact without a field", whole.replace('"dispatch":null,', ""), "regulation-not-canonical"),
        ("an artifact with a further field", whole.replace('"dispatch":null', '"dispatch":null,"dispatched":null'),
         "regulation-key-unknown"),
        ("an artifact of a later version", whole.replace('"v":0', '"v":1'), "regulation-not-one-of"),
        ("true for a number", whole.replace('"value":2', '"value":true'), "regulation-not-integer"),
    ]  # fmt: skip
    derived = [
        _laxer("a smaller team", '[team]\nvalue = 1\ncite = ["第二条"]\n'),
        _laxer("a higher cap", '[yearly_cap]\nvalue = 3\nprinciple = true\ncite = ["第二条"]\n'),
        _laxer("in principle instead of always", '[team]\nvalue = 2\nprinciple = true\ncite = ["第二条"]\n'),
        _laxer("a lower floor", RATIO.replace("5/100", "4/100")),
        _laxer("an exact ratio for a floor", RATIO.replace("floor", "exact")),
        _laxer("a ceiling for a floor", RATIO.replace("floor", "ceiling")),
        _laxer(
            "a lower floor for one category", RATIO.replace("period", 'category = "key"\nperiod').replace("5/", "1/")
        ),
        _laxer(
            "a lower ratio for an item of its own",
            '[[items]]\nid = "dental"\nname = "牙科"\nname_en = "dental care"\ntypes = ["medical"]\nratio = "1/100"\n'
            'ratio_kind = "floor"\ncite = ["第二条"]\n',
        ),
        _laxer(
            "a grade thought up of whom few are drawn",
            '[[grades]]\ngrade = "friends"\nzh = "友好"\nen = "friends"\nfactor = "1/100"\ncite = ["第二条"]\n',
        ),
        _laxer(
            "a further exception",
            '[[exceptions]]\ncode = "other"\nzh = "其他"\nen = "other"\ncite = ["第二条"]\n',
        ),
        _laxer("an exemption", '[exemption]\nvalue = true\ncite = ["第二条"]\n'),
        _laxer("directed draws", '[directed]\nvalue = ["region"]\ncite = ["第二条"]\n'),
        _laxer("a floor dropped", '[[dropped]]\nrule = "ratios.medical/-/-/draw"\n'),
        _laxer("a cap dropped", '[[dropped]]\nrule = "yearly_cap"\n'),
        _laxer("nothing dropped", '[[dropped]]\nrule = "masking"\n', "regulation-dropped-nothing"),
        _laxer(
            "dropped and said again",
            f'{TEAM}[[dropped]]\nrule = "team"\n',
            "regulation-dropped-nothing",
        ),
        {
            "name": "the parent's id",
            "toml": _child("", "province"),
            "parents": {"province": PARENT},
            "expect": "regulation-same-id",
        },
    ]
    refused = [{"name": name, "toml": toml, "expect": expect} for name, toml, expect in written]
    refused += [{"name": name, "artifact": data, "expect": expect} for name, data, expect in bytes_]
    return [*refused, *derived]


def regulation() -> tuple[Cases, Cases]:
    """regulation.md: files and artifacts."""
    return _accepted(), _refused()
