"""Sentences from codes: nothing that a stranger's file says can break, repaint or evaluate one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairdraw.errors import EncodingError, PlanError
from fairdraw.messages import Catalogue, fields, visible
from transparency_log.errors import MerkleError

SENTENCES = """
[mark]
open = "（"
close = "）"
between = "；"
and = "、"

[word]
none = "无"
yes = "是"
no = "否"
not-asked = "未要求检查"

[field]
expected = "应为"
found = "实为"

[error]
plain = "有误"
named = "对象 {object} 有误"

[reason]
named = "另一个原因"

[check.seed]
title = "种子"
holds = "成立"
fails = "不成立"
unknown = "不能断定"
do = "询问"

[slip.seed]
title = "凭证的种子"
holds = "凭证成立"
fails = "凭证不成立"
unknown = "凭证不能断定"
do = "另行询问"
"""


@pytest.fixture(scope="module")
def words() -> Catalogue:
    return Catalogue.parse(SENTENCES.encode(), lang="zh")


def test_a_sentence_takes_its_parameters_and_lists_the_others_by_name(words: Catalogue) -> None:
    assert words.error(PlanError("named", object="H-1", expected=3, found=2)) == "对象 H-1 有误（应为 3；实为 2）"


def test_the_errors_of_the_log_are_told_like_those_of_the_draw(words: Catalogue) -> None:
    assert words.error(MerkleError("plain", found="x")) == "有误（实为 x）"
    assert words.error(MerkleError("plain")) == "有误"


def test_an_unknown_code_is_told_as_it_is_with_its_parameters(words: Catalogue) -> None:
    assert words.error(PlanError("brand-new", found=7, other=None)) == "brand-new（实为 7；other 无）"
    assert words.say("nowhere", "nothing") == "nothing"
    assert words.check("brand-new", "holds").title == "brand-new"


def test_a_parameter_that_is_not_given_leaves_a_question_mark(words: Catalogue) -> None:
    assert words.say("error", "named") == "对象 ? 有误"


def test_a_field_inside_a_value_is_never_filled(words: Catalogue) -> None:
    assert words.say("error", "named", object="{found} {0.__class__}", found="!") == "对象 {found} {0.__class__} 有误"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "无"),
        (True, "是"),
        (False, "否"),
        (b"\x01\xff", "01ff"),
        ((), "无"),
        (["a", "b"], "a、b"),
        ([["a", 1], ["b", 2]], "a 1、b 2"),
        ({"expected": 1}, "应为 1"),
        (frozenset({"b", "a"}), "a、b"),
    ],
)
def test_values_are_shown_as_people_read_them(words: Catalogue, value: object, told: str) -> None:
    assert words.show(value) == told


@pytest.mark.parametrize(
    "hidden", ["\n", "\r", "\x1b", "\x7f", "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028", "\ud800"]
)
def test_unseen_characters_are_written_out(words: Catalogue, hidden: str) -> None:
    assert words.say("error", "named", object=f"a{hidden}b") == f"对象 a\\u{{{ord(hidden):x}}}b 有误"


@given(st.text(max_size=30))
def test_no_value_makes_a_second_line_or_changes_what_is_visible(text: str) -> None:
    told = visible(text)
    assert len(told.splitlines()) <= 1
    assert visible(told) == told
    assert "".join(c for c in text if visible(c) == c) == text or told != text


def test_a_check_has_a_wording_for_each_state_and_a_slip_its_own(words: Catalogue) -> None:
    assert [words.check("seed", state).says for state in ("holds", "fails", "unknown", "not-asked")] == [
        "成立", "不成立", "不能断定", "未要求检查",
    ]  # fmt: skip
    assert words.check("seed", "fails", kind="slip").title == "凭证的种子"
    assert [words.check("seed", state).do for state in ("holds", "fails")] == ["", "询问"]


def test_a_reason_that_is_an_error_is_told_with_the_error_s_sentence(words: Catalogue) -> None:
    assert words.check("seed", "fails", "named", {"found": 1}).why == "另一个原因（实为 1）"
    assert words.check("seed", "fails", "plain").why == "有误"


def test_further_sentences_are_added_and_win(words: Catalogue) -> None:
    more = Catalogue.parse('[error]\nplain = "全错"\nnewer = "新错"\n'.encode(), lang="zh")
    told = words.extended(more)
    assert [told.say("error", code) for code in ("plain", "newer", "named")] == ["全错", "新错", "对象 ? 有误"]
    assert words.say("error", "plain") == "有误"


@pytest.mark.parametrize(
    "text",
    [
        "[error]\nplain = ",
        'plain = "no section"',
        "[error]\nplain = 1",
        '[error]\nplain = ""',
        '[error]\nplain = "two\\nlines"',
        '[error]\nplain = "{found.__class__}"',
        '[error]\nplain = "{found!r}"',
        '[error]\nplain = "{0}"',
        '[error]\nplain = "{found:>9}"',
        '[error]\nplain = "open {"',
    ],
)
def test_a_catalogue_with_anything_but_one_line_sentences_is_refused(text: str) -> None:
    with pytest.raises(EncodingError, match="not-a-catalogue"):
        Catalogue.parse(text.encode(), lang="zh")
    with pytest.raises(EncodingError, match="not-a-catalogue"):
        Catalogue.parse(b"\xff", lang="zh")


def test_the_fields_of_a_template_are_found() -> None:
    assert fields("a {one} and {two_2}") == {"one", "two_2"}
