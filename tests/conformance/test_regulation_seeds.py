"""The five regulations against the documents themselves: every article is there and says what the data say.

Recorded texts, not in the project: ../shared/seeds.
"""

import re
from pathlib import Path

import pytest

from fairdraw.regulation import Coded, GradeFactor, Item, Lenient, Named
from fairdraw_cli.regulations import IDS, load

SEEDS = Path(__file__).resolve().parents[3] / "shared" / "seeds"
FILES = {
    "shandong-2020": "000_*.txt",
    "shuozhou-2023": "001_*.txt",
    "laiyuan": "002_*.txt",
    "shanghai-2024": "003_*.txt",
    "plan-2025": "004_*.txt",
}
CHINESE = "一二三四五六七八九十"
CITE = re.compile(
    rf"(?P<part>方案|细则|附件[1-5])?(?P<list>[^第（{CHINESE}]+清单)?"
    rf"(?:第(?P<article>[{CHINESE}]+)条|第(?P<row>\d+)项|(?P<section>[{CHINESE}]))?"
    rf"(?:（(?P<sub>[{CHINESE}])）)?(?P<point>\d)?|引言"
)
LISTS = "减轻处罚事项清单|不予处罚事项清单|从轻处罚事项清单|首违不罚事项清单"
WIDE = str.maketrans("（）；，：．", "();,:.")


def text_of(name):
    found = sorted(SEEDS.glob(FILES[name]))
    if not found:
        pytest.skip(f"the documents are not here: {SEEDS}")
    return found[0].read_text("utf-8")


def plain(text):
    """The same words however they are broken, spaced, marked and pointed."""
    return re.sub(r"[\s*#]", "", text).translate(WIDE)


def cut(text, start, end):
    """What begins where `start` matches and ends before the next `end`, or nothing."""
    begun = re.search(start, text, re.MULTILINE)
    if begun is None:
        return ""
    ended = re.compile(end, re.MULTILINE).search(text, begun.end())
    return text[begun.start() : ended.start() if ended else len(text)]


def part_of(text, name, part):
    if part is None:
        return text
    if part == "方案":
        return text[: re.search(r"^[#\s]*附件\s*1\s*$", text, re.MULTILINE).start()]
    number = "2" if part == "细则" else part.removeprefix("附件")
    return cut(text, rf"^[#\s]*附件\s*{number}\s*$", r"^[#\s]*附件\s*[1-9]\s*$")


def article(name, cite):
    """The text of a cited article; "" where the document has none of that heading."""
    text = text_of(name)
    found = CITE.fullmatch(cite)
    assert found is not None, cite
    if cite == "引言":
        return text[: re.search("^一、", text, re.MULTILINE).start()]
    text = part_of(text, name, found["part"])
    if found["list"]:
        text = cut(text, rf"^[#\s]*{found['list']}", rf"^[#\s]*(?:{LISTS})")
    if found["article"]:
        text = cut(text, rf"^\s*第{found['article']}条\s", rf"^\s*(?:第[{CHINESE}]+条\s|第[{CHINESE}]章)")
    if found["row"]:
        text = cut(text, rf"^\s*\|?\s*{found['row']}\s*(?:\||$)", rf"^\s*\|?\s*{int(found['row']) + 1}\s*(?:\||$)")
    if found["section"]:
        text = cut(text, rf"^{found['section']}、", rf"^[{CHINESE}]、")
    if found["sub"]:
        text = cut(text, rf"^[-*#\s]*[（(]{found['sub']}[）)]", rf"^[-*#\s]*[（(][{CHINESE}][）)]")
    if found["point"]:
        text = cut(text, rf"^[*\s]*{found['point']}[、．.]", r"^[*\s]*\d[、．.]")
    return text


def everything(regulation):
    """Every entry with an article, also those inside the credit file."""
    yield from regulation.cited()
    if regulation.credit is not None:
        credit = regulation.credit.value
        for one in (*credit.subjects, *credit.data, *credit.rights, *credit.incentives, *credit.measures):
            yield f"credit.{one.code}", one


def words(entry):
    """The words that an entry takes from the document."""
    match entry:
        case Item():
            yield from filter(None, (entry.name, entry.content, entry.objects))
            yield from (law.partition("》")[0] for law in entry.basis)
            yield from filter(None, (law.partition("》")[2] for law in entry.basis))
            yield from entry.bodies
        case Named() | Coded() | GradeFactor() | Lenient():
            yield entry.zh


@pytest.mark.parametrize("name", IDS)
def test_every_cited_article_is_a_heading_of_the_document(name):
    cited = [(where, cite) for where, entry in everything(load(name)) for cite in entry.cite]
    assert len(cited) > 40
    assert {(where, cite) for where, cite in cited if not article(name, cite)} == set()


@pytest.mark.parametrize("name", IDS)
def test_the_words_of_an_entry_stand_in_the_articles_that_it_cites(name):
    missing = set()
    for where, entry in everything(load(name)):
        told = plain("".join(article(name, cite) for cite in entry.cite))
        missing |= {(where, word) for word in words(entry) if plain(word) not in told}
    assert missing == set()


@pytest.mark.parametrize("name", IDS)
def test_title_number_and_issuer_stand_in_the_document(name):
    document, told = load(name).document, plain(text_of(name))
    given = [one for one in (document.issuer, document.number, document.title) if one is not None]
    assert [one for one in given if plain(one) not in told] == []
    if document.issued is not None:
        year, month, day = (int(one) for one in document.issued.split("-"))
        assert f"{year}年{month}月{day}日" in told


# What a value says, in the document's own words; the article that it cites must have them.
SAID = {
    "shandong-2020": {
        "validity": "自2020年1月1日起施行，有效期至2021年12月31日",
        "list_only": "不得在清单之外设立或实施抽查检查事项",
        "one_visit": "应一次性完成",
        "items_adjustable": "动态调整",
        "registries_adjustable": "实施动态管理",
        "registry_levels": "省、市、县（市、区）医疗保障部门",
        "qualification": "从事日常监管工作的人员",
        "experts": "在满足执法检查人数要求的基础上",
        "plan_deadline": "1月底前",
        "plan_filing": "向省医保局提交年度抽查计划",
        "special_plan": "制定专项抽查计划",
        "scheme": "制定具体检查方案",
        "yearly_cap": "原则上不超过两次",
        "ratios.medical/-/-/draw": "对定点医疗机构抽查比例不得低于5%",
        "ratios.pharmacy/-/-/draw": "对定点零售药店的抽查比例不得低于3%",
        "order": "分别从检查对象名录库和执法检查人员名录库中随机摇号抽取",
        "team": "2名以上的执法检查人员",
        "joint": "跨部门联合抽查",
        "eligibility": "属地管理与分级管理相结合",
        "platform": "省“双随机、一公开”监管工作平台",
        "disclosure": "抽取结果",
        "supervisors": "可邀请人大代表、政协委员、纪检监察部门和社会监督员等全程监督",
        "sign_offs.plan/superior": "经省局局长办公会审议确定后实施",
        "substitution": "通过再次随机摇号匹配的方式",
        "signers.result/inspecting-unit": "谁检查、谁录入、谁公开",
        "publication": "在相关法律法规规定的时限内",
    },
    "shuozhou-2023": {
        "directed": "按照地理区域、行业类别等特定范围",
        "order": "被检查对象确定后，从检查人员名录库中，抽取并确定执法检查人员",
        "team": "现场检查人员不得少于2人",
        "joint": "联合检查计划",
        "eligibility": "按照属地管理的原则",
        "special_team": "针对特定情况组建联合执法检查组",
        "platform": "“双随机、一公开”监管工作平台",
        "disclosure": "采取不提前告知的方式",
        "signers.result/inspecting-unit": "谁检查，谁录入，谁公示",
        "publication": "检查工作结束之日起20个工作日内",
        "credit": "医疗保障信用档案",
        "grades.excellent": "对于等级为优秀的信用主体，原则上抽查比例不高于原抽查比例的30%",
        "grades.good": "对于等级为良好的信用主体，原则上抽查比例为原抽查比例的50%",
        "grades.fair": "对于等级为中等的信用主体，抽查比例保持不变",
        "grades.poor": "对于等级为较差信用主体，抽查比例为原抽查比例的120%",
        "grades.bad": "等级为差的信用主体，进行全覆盖检查",
        "items.medical-management": "一般检查事项|3%|每年一次",
        "items.medical-fund-use": "重点检查事项|不低于3%|每年至少一次",
        "items.pharmacy-management": "一般检查事项|3%|每年一次",
        "items.pharmacy-fund-use": "重点检查事项|不低于3%|每年至少一次",
    },
    "laiyuan": {
        "list_only": "一律不得列入清单",
        "items_adjustable": "进行动态调整并及时公布",
        "sign_offs.item-list/legal": "报县法制办审查",
        "registries_adjustable": "实施动态调整",
        "qualification": "确保执法资格真实有效",
        "scheme": "制定市场主体抽查工作方案",
        "directed": "按照市场主体类型、所属行业、地理区域和抽查方案要求等特定条件",
        "regional_balance": "按照抽查比例和区域均衡",
        "order": "随机抽取被检查对象和检查人员名单",
        "team": "检查人员不得少于两人",
        "eligibility": "综合考虑级别管辖、属地管辖和专业管辖",
        "drawing_unit": "由扶贫和法制股负责随机抽取",
        "separation": "应当指定负责组织随机抽取的工作机构",
        "dispatch": "一经确定，即由本局派发",
        "masking": "用人单位名称和执法人员姓名等信息应当屏蔽",
        "printed": "抽取结果记录应当即时打印",
        "disclosure": "抽取结果",
        "supervisors": "法制机构应当全程参与",
        "sign_offs.draw/any": "经现场监督人员签字确认",
        "sign_offs.draw/legal": "法制机构应当全程参与",
        "form_refusal": "应当注明原因，必要时可邀请用人单位有关人员等作为见证人",
        "noncooperation": "具有两次下列不予配合情形的",
        "platform": "公示平台",
        "sign_offs.result/approver": "分管负责人或主要负责人审批后",
        "publication": "审批后，即通过公示平台",
        "retention": "保存期限不少于两年",
    },
    "shanghai-2024": {
        "validity": "自2024年12月22日起施行，有效期至2029年12月21日",
        "items_adjustable": "进行动态调整",
        "registries_adjustable": "进行动态管理",
        "registry_levels": "各区医保局建立区级检查对象名录库",
        "qualification": "原则上由具有行政执法资格证的工作人员构成",
        "experts": "在满足执法检查人数要求的基础上",
        "plan_deadline": "每年3月15日前",
        "plan_adjustable": "对年度随机抽查计划进行动态调整",
        "plan_filing": "及时上报市医保局备案",
        "sign_offs.plan/superior": "及时上报市医保局备案",
        "order": "随机确定检查对象和执法检查人员，并进行随机匹配",
        "joint": "联合实施“双随机、一公开”监管",
        "platform": "“互联网+监管”、综合执法系统等全市统一的信息化平台系统",
        "supervisors": "邀请相关部门现场监督",
        "substitution": "再次通过随机摇号匹配的方式",
        "deferral": "应当提出延期检查的书面申请",
        "signers.result/inspecting-unit": "谁检查、谁录入、谁公开",
        "publication": "在相关法律法规规定的时限内",
        "retention": "不得擅自涂改、伪造、损毁",
    },
    "plan-2025": {
        "validity": "2025年",
        "items_adjustable": "随机抽查事项清单并及时更新",
        "registries_adjustable": "进行动态更新",
        "qualification": "未取得执法资格的不得列入名录库",
        "ratios.-/-/-/year": "全年抽查比例不少于10%",
        "exemption": "免抽查或少抽查",
        "order": "抽取检查对象、执法人员",
        "team": "不少于2名",
        "joint": "联合抽查双方单位不少于2名",
        "platform": "省双随机监管工作平台",
        "drawing_unit": "由局基金监管科具体组织抽查活动",
        "substitution": "仍从执法检查人员名录库中随机抽取产生",
        "revisit": "检查人员应对整改情况进行回访",
        "publication": "及时向社会公布结果",
    },
}


@pytest.mark.parametrize("name", IDS)
def test_what_a_value_says_stands_in_an_article_that_it_cites(name):
    cited = {where: entry.cite for where, entry in load(name).cited()}
    wrong = {
        where: said
        for where, said in SAID[name].items()
        if not any(plain(said) in plain(article(name, cite)) for cite in cited[where])
    }
    assert wrong == {}


@pytest.mark.parametrize("name", IDS)
def test_no_value_is_left_unread(name):
    regulation = load(name)
    lists = {f"{field}.{entry.key}" for field in ("sign_offs", "signers", "ratios", "grades")
             for entry in getattr(regulation, field)}  # fmt: skip
    assert {where for where, _ in regulation.provisions()} | lists <= set(SAID[name])


CATEGORIES = {"key": "重点检查事项", "general": "一般检查事项"}


@pytest.mark.parametrize("name", ["shandong-2020", "shuozhou-2023"])
def test_an_item_is_of_the_category_and_levels_of_its_row(name):
    for item in load(name).items:
        row = article(name, item.cite[-1])
        assert [one for one, words in CATEGORIES.items() if words in row] == [item.category], item.id
        assert ("省、市、县" in row) == ("province" in item.levels), item.id


def test_a_wrong_article_is_noticed():
    assert article("shandong-2020", "细则第二十二条") == ""
    assert plain("原则上不超过两次") not in plain(article("shandong-2020", "细则第十二条"))
    assert article("laiyuan", "第七条") == ""  # the document lost its heading
