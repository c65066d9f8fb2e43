"""What Chinese registries call their columns, and what each of them may become (docs/spreadsheets.md).

Where a heading may name a person or a place, or nobody can know what it names, the column is sealed.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from fairdraw.registry.cells import Check, Kind, normal

Section = Literal["no", "attrs", "private", "closed", "skip"]


@dataclass(frozen=True)
class Heading:
    """What columns of these names hold: the field, where it belongs, how it is checked, and of what type it is."""

    field: str
    section: Section
    words: tuple[str, ...]
    check: Check = "none"
    kind: Kind = "string"


HEADINGS: Final = (
    Heading("no", "no", ("编号", "对象编号", "机构编号", "单位编号", "人员编号", "检查人员编号", "number")),
    Heading("", "skip", ("序号", "行号", "备注", "说明", "remarks")),
    Heading("name", "private", (
        "机构名称", "单位名称", "企业名称", "医疗机构名称", "市场主体名称", "经营主体名称", "主体名称",
        "检查对象名称", "对象名称", "检查对象", "名称", "姓名", "人员姓名", "检查人员姓名", "执法人员姓名",
    )),
    Heading("uscc", "private", ("统一社会信用代码", "社会信用代码", "信用代码", "统一信用代码"), "uscc"),
    Heading("licence", "private", (
        "许可证号", "许可证编号", "执业许可证号", "登记号", "注册号", "营业执照号", "执照号",
    )),
    Heading("certificate", "private", (
        "执法证号", "执法证件号", "执法证编号", "执法证件编号", "证件号", "工号", "警号",
    )),
    Heading("address", "private", (
        "地址", "机构地址", "单位地址", "经营地址", "注册地址", "生产地址", "详细地址", "住所",
    )),
    Heading("legal_representative", "private", (
        "法定代表人", "法定代表人姓名", "法人", "法人代表", "负责人", "主要负责人", "经营者",
    )),
    Heading("sex", "private", ("性别",)),
    Heading("birth", "private", ("出生日期", "出生年月", "年龄")),
    Heading("founded", "private", ("成立日期", "成立时间", "发证日期", "注册日期", "有效期至")),
    Heading("id_number", "closed", (
        "身份证号", "身份证号码", "身份证", "公民身份号码", "居民身份证号", "身份证件号码", "法定代表人身份证号",
    ), "id"),
    Heading("phone", "closed", (
        "联系电话", "电话", "手机", "手机号", "手机号码", "联系方式", "固定电话", "电话号码",
    ), "phone"),
    Heading("contact", "closed", ("联系人", "联系人姓名")),
    Heading("email", "closed", ("邮箱", "电子邮箱", "电子邮件")),
    Heading("account", "closed", ("银行账号", "开户账号", "账号")),
    Heading("type", "attrs", (
        "机构类型", "机构类别", "单位类型", "单位类别", "企业类型", "主体类型", "对象类型", "类型", "类别",
    )),
    Heading("industry", "attrs", ("行业", "行业类别", "行业代码", "所属行业", "经营类别")),
    Heading("level", "attrs", ("机构等级", "机构级别", "医院等级", "等级", "级别")),
    Heading("region", "attrs", (
        "行政区划", "行政区划代码", "区划", "区划代码", "所属区县", "所属区域", "所在区县", "所属辖区", "区县",
        "辖区", "区域", "地区",
    )),
    Heading("credit", "attrs", ("信用等级", "信用级别", "信用分类")),
    Heading("risk", "attrs", ("风险等级", "风险级别", "信用风险分类", "信用风险等级", "风险分类")),
    Heading("nature", "attrs", ("经营性质", "机构性质", "性质", "所有制", "所有制形式")),
    Heading("scale", "attrs", ("规模", "企业规模", "单位规模")),
    Heading("status", "attrs", ("状态", "经营状态", "登记状态", "在岗状态", "人员状态")),
    Heading("department", "attrs", ("所属部门", "部门", "所属单位", "工作单位", "所在单位", "执法机构", "科室")),
    Heading("post", "attrs", ("岗位", "职务", "岗位职务", "人员类型", "人员类别")),
    Heading("speciality", "attrs", ("专业", "专长", "专业领域", "专业方向", "执法类别", "执法领域")),
    Heading("expert", "attrs", ("是否专家",), kind="boolean"),
    Heading("qualified", "attrs", ("有无执法资格", "是否有执法资格", "执法资格", "是否持证"), kind="boolean"),
    Heading("on_duty", "attrs", ("是否在岗",), kind="boolean"),
)  # fmt: skip

WHETHER: Final = re.compile(r"(是否|有无).+")
_BESIDE: Final = re.compile(r"[(（【\[].*[)）】\]]|[*＊:：\s]")  # 机构名称（必填）, * 地址
_BY_WORD: Final = {word: heading for heading in HEADINGS for word in (heading.field, *heading.words) if word}


def heading_of(column: str) -> Heading | None:
    """Return what a column's name says, None if nothing is known of it."""
    bare = _BESIDE.sub("", normal(column)).lower()
    return _BY_WORD.get(bare)
