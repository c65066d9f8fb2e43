"""Filters of directed draws: one spelling, strict types, and hostile texts that are refused where they go wrong."""

from pathlib import Path

import pytest

from fairdraw.errors import FilterError
from fairdraw.filter import (
    EVERYBODY,
    MAX_DEPTH,
    MAX_LENGTH,
    WORDS,
    And,
    Between,
    Equal,
    Has,
    Not,
    OneOf,
    Or,
    Under,
    check,
    format_filter,
    holds,
    parse,
)

ATTRS = [("chain", "boolean"), ("grade", "string"), ("level", "integer"), ("skills", "strings")]


def refused(text):
    with pytest.raises(FilterError) as caught:
        parse(text)
    return caught.value


def misfits(text):
    with pytest.raises(FilterError) as caught:
        check(parse(text), ATTRS)
    return caught.value


def test_a_filter_is_read_into_its_tests():
    text = (
        'type in {"clinic","hospital"} and level in 2..3 and not region under "3703" and "dental" in skills'
        " and (grade = null or level >= 9 or level <= -9)"
    )
    assert parse(text) == And(
        (
            OneOf("type", ("clinic", "hospital")),
            Between("level", 2, 3),
            Not(Under("region", "3703")),
            Has("skills", "dental"),
            Or((Equal("grade", None), Between("level", 9, None), Between("level", None, -9))),
        )
    )
    assert format_filter(parse(text)) == text


def test_the_empty_text_is_an_undirected_draw_and_holds_for_everybody():
    assert parse("") == EVERYBODY
    check(EVERYBODY, [])
    assert holds(EVERYBODY, {})
    assert format_filter(EVERYBODY) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("level=1", "level = 1"),
        ("  level   in 1 .. 2 ", "level in 1..2"),
        ("((level = 1))", "level = 1"),
        ("not level = 1", "level != 1"),
        ("not not level = 1", "not level != 1"),
        ('grade in {"B", "A", null, "A"}', 'grade in {null,"A","B"}'),
        ('x in {"1",1,true,false}', 'x in {false,true,1,"1"}'),
        ("level = 007", "level = 7"),
        ("level = -0", "level = 0"),
        ("level = 1 or level = 2 and chain = true", "level = 1 or (level = 2 and chain = true)"),
        ("level = 1 or (level = 2 or level = 3)", "level = 1 or level = 2 or level = 3"),
        ("not (chain = true)", "chain != true"),
        (" ", ""),
    ],
)
def test_a_second_spelling_is_refused_and_the_first_one_named_which_is_read(text, expected):
    error = refused(text)
    assert (error.code, error.params) == ("filter-not-canonical", {"expected": expected, "found": text})
    assert format_filter(parse(expected)) == expected


@pytest.mark.parametrize(
    ("text", "position", "found"),
    [
        ("level = “1”", 9, "“"),
        ("level = 1 and grade = 'A'", 23, "'"),
        ("level = １", 9, "１"),
        ("lеvel = 1", 2, "е"),  # a Cyrillic letter
        ("level\u3000= 1", 6, "\u3000"),
        ('grade = "A', 9, '"'),
        ("level = 1; drop", 10, ";"),
        ("level.real = 1", 6, "."),
        ("level = 1 + 1", 11, "+"),
    ],
)
def test_what_is_no_part_of_the_grammar_is_refused_at_its_place(text, position, found):
    error = refused(text)
    assert (error.code, error.params) == ("filter-syntax", {"position": position, "found": found})


@pytest.mark.parametrize(
    ("text", "position", "expected", "found"),
    [
        ("level", 6, ("!=", "<=", "=", ">=", "in", "under"), None),
        ("level =", 8, ('"…"', "0", "false", "null", "true"), None),
        ("level = and", 9, ('"…"', "0", "false", "null", "true"), "and"),
        ("level = 1 level = 2", 11, ("and", "or"), "level"),
        ("(level = 1", 11, (")",), None),
        ("level in {1", 12, ("}",), None),
        ('level >= "1"', 10, ("0",), '"1"'),
        ('level in "1".."2"', 10, ("{", "0"), '"1"'),
        ("level in 1", 11, ("..",), None),
        ('"dental" = skills', 10, ("in",), "="),
        ('"dental" in "skills"', 13, ("[a-z][a-z0-9_]{0,31}",), '"skills"'),
        ('grade under ""', 13, ('"…"',), '""'),
        ("grade under 37", 13, ('"…"',), "37"),
    ],
)
def test_an_unfinished_filter_says_what_was_expected_and_where(text, position, expected, found):
    error = refused(text)
    assert (error.code, error.params) == (
        "filter-syntax",
        {"position": position, "expected": expected, "found": found},
    )


@pytest.mark.parametrize("word", sorted(WORDS))
def test_a_word_of_the_grammar_is_no_attribute(word):
    assert refused(f"{word} = 1").code == "filter-syntax"
    assert parse(f"{word}s = 1") == Equal(f"{word}s", 1)


@pytest.mark.parametrize(
    ("hidden", "named"),
    [("\u202e", "U+202E"), ("\u200b", "U+200B"), ("\ufeff", "U+FEFF"), ("\n", "U+000A"), ("\0", "U+0000"),
     ("\u2028", "U+2028"), ("\ud800", "U+D800"), ("\u0301", "U+0041")],
)  # fmt: skip
def test_a_character_that_nobody_sees_is_named_wherever_it_stands(hidden, named):
    error = refused(f'grade = "A{hidden}"')
    position = 10 if named == "U+0041" else 11  # what does not compose is named where the letter begins
    assert (error.code, error.params) == ("filter-character", {"position": position, "found": named})


def test_a_filter_nests_so_deep_and_no_deeper():
    assert holds(parse("not " * MAX_DEPTH + "level >= 1"), {"level": 1})
    for deep in ("not " * (MAX_DEPTH + 1) + "level >= 1", "(" * 900 + "level = 1" + ")" * 900, "(" * MAX_LENGTH):
        assert refused(deep).code == "filter-too-deep"
    side_by_side = " or ".join(["(level = 1 and level = 2)"] * 60)
    assert refused(side_by_side + " or (").code == "filter-syntax"
    assert parse(side_by_side)


def test_a_filter_is_so_long_and_no_longer():
    value = "x" * (MAX_LENGTH - len('grade = ""'))
    assert parse(f'grade = "{value}"') == Equal("grade", value)
    error = refused(f'grade = "{value}x"')
    assert (error.code, error.params) == ("filter-too-long", {"expected": MAX_LENGTH, "found": MAX_LENGTH + 1})


@pytest.mark.parametrize("number", [2**53, -(2**53), 10**1900])
def test_a_number_beyond_what_every_reader_reads_is_refused(number):
    error = refused(f"level = {number}")
    assert (error.code, error.params["position"]) == ("filter-integer", 9)
    assert parse(f"level in {-(2**53) + 1}..{2**53 - 1}") == Between("level", -(2**53) + 1, 2**53 - 1)


def test_a_range_that_nothing_can_be_in_is_refused():
    error = refused("chain = true and level in 3..2")
    assert (error.code, error.params) == ("filter-range", {"position": 27, "expected": "2..3", "found": "3..2"})
    assert parse("level in 3..3") == Between("level", 3, 3)


def test_strings_are_escaped_as_canonical_json_has_them():
    assert parse(r'grade = "\"\\"') == Equal("grade", '"\\')
    for other in (r'grade = "\n"', r'grade = "\u0041"', r'grade = "\/"', '"\\'):
        assert refused(other).code == "filter-syntax"


def test_a_roster_is_asked_for_no_attribute_that_it_has_not():
    error = misfits("level = 1 or not (levle = 2 or chain = true)")
    assert (error.code, error.params) == (
        "filter-unknown-attribute",
        {"field": "levle", "expected": ["chain", "grade", "level", "skills"]},
    )
    with pytest.raises(FilterError, match="filter-unknown-attribute"):
        holds(parse("level = 1"), {"grade": "A"})


@pytest.mark.parametrize(
    ("text", "field", "expected", "found"),
    [
        ("chain = 1", "chain", ["integer"], "boolean"),
        ("level != true", "level", ["boolean"], "integer"),
        ('level = "1"', "level", ["string"], "integer"),
        ('level in {1,"1"}', "level", ["integer", "string"], "integer"),
        ("grade >= 1", "grade", ["integer"], "string"),
        ("chain in 0..1", "chain", ["integer"], "boolean"),
        ('level under "1"', "level", ["string"], "integer"),
        ('"A" in grade', "grade", ["strings"], "string"),
        ('skills = "dental"', "skills", ["string"], "strings"),
        ('not (chain = true and skills in {null,"dental"})', "skills", ["string"], "strings"),
    ],
)
def test_a_value_of_another_type_is_refused_for_it_could_never_be_equal(text, field, expected, found):
    error = misfits(text)
    assert (error.code, error.params) == ("filter-type", {"field": field, "expected": expected, "found": found})


@pytest.mark.parametrize("field", [name for name, _ in ATTRS])
def test_every_attribute_may_be_compared_with_null(field):
    for text, expected in ((f"{field} = null", True), (f"{field} != null", False), (f"{field} in {{null}}", True)):
        check(parse(text), ATTRS)
        assert holds(parse(text), {field: None}) is expected


def test_one_is_not_true_and_zero_not_false_even_unchecked():
    assert not holds(parse("chain = 1"), {"chain": True})
    assert not holds(parse("level in {false,true}"), {"level": 0})
    assert not holds(parse("chain in 0..1"), {"chain": True})
    assert not holds(parse("grade = null"), {"grade": False})


def test_null_passes_no_test_but_those_that_name_it_and_a_difference():
    null = dict.fromkeys(("chain", "grade", "level", "skills"))
    for text in ("chain = false", 'grade = ""', "level = 0", "level in 0..9", "level >= 0", "level <= 0",
                 'grade under "3"', '"dental" in skills', 'grade in {"A","B"}'):  # fmt: skip
        assert not holds(parse(text), null), text
    for text in ('grade != "A"', "not level in 0..9", 'not "dental" in skills', "grade = null"):
        assert holds(parse(text), null), text
    assert not holds(parse('grade != "A" and grade != null'), null)


def test_a_list_may_be_a_tuple():
    for skills in (["dental", "eyes"], ("dental", "eyes")):
        assert holds(parse('"eyes" in skills'), {"skills": skills})
        assert not holds(parse('"eye" in skills'), {"skills": skills})
    assert not holds(parse('"eyes" in skills'), {"skills": "eyes"})


def test_a_region_lies_in_itself_and_not_in_its_parts():
    under = parse('region under "3703"')
    assert [holds(under, {"region": code}) for code in ("3703", "370302", "3701", "37", "13703", "")] == [
        True, True, False, False, False, False,
    ]  # fmt: skip


def test_the_filter_of_the_specification_can_be_read():
    text = (Path(__file__).parents[2] / "specs" / "filter.md").read_text("utf-8").split("```\n")[1].strip()
    assert format_filter(parse(text)) == text
