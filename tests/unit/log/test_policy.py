from itertools import combinations

import pytest

from support.keys import log_signer, witness_signer
from transparency_log.checkpoint import Cosignature
from transparency_log.errors import PolicyError
from transparency_log.note import COSIGNATURE_ML_DSA_44, Verifier
from transparency_log.policy import (
    Group,
    Log,
    Policy,
    Witness,
    can_split,
    colluders_to_backdate,
    colluders_to_fork,
    freshness_time,
    missing,
    order_time,
    suffices,
)

KEYS = {name: witness_signer(name).verifier for name in ("w1", "w2", "w3", "w4", "w5", "w6")}
LOG_KEY = log_signer().verifier.vkey
WITNESSES = "".join(f"witness {name} {key.vkey}\n" for name, key in KEYS.items())


def policy(rest, witnesses=WITNESSES):
    return Policy.parse(witnesses + rest)


def lines(*named_times):
    return [Cosignature(KEYS[name], time) for name, time in named_times]


TWO_OF_THREE = policy("group g 2 w1 w2 w3\nquorum g\n")
NESTED = policy("group x 2 w1 w2 w3\ngroup y any w4 w5\ngroup both all x y\nquorum both\n")


def test_a_policy_reads_back_from_its_own_format():
    text = (
        f"# whose word counts\n\n \t log \t{LOG_KEY}  https://log.example/\n{WITNESSES}"
        "  # indented\ngroup x 2 w1 w2 w3\ngroup y any w4 w5\n\tgroup both all x y w6\t\nquorum both\n"
    )
    parsed = Policy.parse(text)
    assert parsed.logs == (Log(log_signer().verifier, "https://log.example/"),)
    assert parsed.groups == (
        Group("x", 2, ("w1", "w2", "w3")),
        Group("y", 1, ("w4", "w5")),
        Group("both", 3, ("x", "y", "w6")),
    )
    assert Policy.parse(parsed.format()) == parsed
    assert Policy.parse(parsed.format()).format() == parsed.format()


def test_names_are_opaque_and_may_be_chinese():
    parsed = policy("group 监督组 2 w1 w2 w3\nquorum 监督组\n")
    assert parsed.quorum == "监督组"
    with pytest.raises(PolicyError, match="name-undefined"):
        policy("group K 2 w1 w2\nquorum \u212a\n")  # a Kelvin sign is not the letter


def test_no_quorum_line_is_not_quorum_none():
    with pytest.raises(PolicyError, match="no-quorum"):
        Policy.parse(WITNESSES)
    unstated = Policy.parse(WITNESSES, require_quorum=False)
    assert unstated.quorum is None
    assert not suffices(unstated, lines(*((name, 1) for name in KEYS)))
    assert Policy.parse(unstated.format(), require_quorum=False) == unstated
    none = policy("quorum none\n")
    assert none.quorum == "none"
    assert suffices(none, [])
    for idle in (unstated, none):
        assert order_time(idle, lines(("w1", 1))) is freshness_time(idle, lines(("w1", 1))) is None
        assert can_split(idle)
        assert colluders_to_fork(idle) == colluders_to_backdate(idle) == 0


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("no-quorum", ""),
        ("line", "quorum\n"),
        ("line", "quorum w1 w2\n"),
        ("line", "witness w7\n"),
        ("line", f"log {LOG_KEY} https://log.example/ #comment\n"),
        ("line", "group g all\n"),
        ("line", "quorum w1 # the first\n"),
        ("line", "Quorum w1\n"),
        ("line", "trust w1\n"),
        ("line-not-terminated", "quorum w1"),
        ("control-character", "quorum w1\r\n"),
        ("control-character", "# \x0c\nquorum w1\n"),
        ("control-character", "# \x7f\nquorum w1\n"),
        ("quorum-repeated", "quorum w1\nquorum w1\n"),
        ("quorum-repeated", "quorum none\nquorum w1\n"),
        ("name-undefined", "quorum w9\n"),
        ("name-undefined", "quorum g\ngroup g any w1\n"),
        ("name-undefined", "group g all g\nquorum g\n"),
        ("name-undefined", "group a all b\ngroup b all a\nquorum a\n"),
        ("name-undefined", "group g any w1 none\nquorum g\n"),
        ("name-repeated", "group w1 any w2\nquorum w1\n"),
        ("name-repeated", "group none any w2\nquorum none\n"),
        ("name-repeated", f"witness w1 {witness_signer('w7').verifier.vkey}\nquorum w1\n"),
        ("member-repeated", "group g all w1 w2 w1\nquorum g\n"),
        ("member-repeated", "group g all w1\ngroup h all w1\nquorum g\n"),
        ("key-repeated", f"witness w7 {KEYS['w1'].vkey}\nquorum w7\n"),
        ("key-repeated", f"witness w7 {Verifier('w7', 4, KEYS['w1'].public_key).vkey}\nquorum w7\n"),
        ("key-repeated", f"log {LOG_KEY}\nlog {LOG_KEY} https://mirror.example/\nquorum w1\n"),
        ("key-algorithm", f"witness w7 {LOG_KEY}\nquorum w7\n"),
        ("key-algorithm", f"log {witness_signer('w7').verifier.vkey}\nquorum w1\n"),
        ("key", f"witness w7 {LOG_KEY[:-4]}\nquorum w7\n"),
        ("url", f"log {LOG_KEY} #comment\nquorum w1\n"),
        *(("threshold", f"group g {k} w1 w2\nquorum g\n") for k in ("0", "3", "-1", "01", "+1", "1.0", "most", "ALL")),
    ],
)
def test_malformed_policies_are_refused(code, text):
    with pytest.raises(PolicyError) as error:
        Policy.parse(WITNESSES + text)
    assert error.value.code == code


@pytest.mark.parametrize("word", ["", "two words", "tab\t", "line\n", "bell\x07"])
def test_a_name_that_would_not_read_back_cannot_be_made(word):
    with pytest.raises(PolicyError, match="word"):
        Policy(witnesses=(Witness(word, KEYS["w1"]),))
    with pytest.raises(PolicyError, match="word"):
        Policy(witnesses=(Witness("w1", KEYS["w1"], word),))
    with pytest.raises(PolicyError, match="word"):
        Policy(witnesses=(Witness("w1", Verifier("w\x7f", 4, bytes(32))),))


def test_a_policy_made_by_a_program_obeys_the_same_rules():
    witness = Witness("w1", KEYS["w1"])
    for broken in (
        {"witnesses": (witness,), "quorum": "w2"},
        {"witnesses": (witness, witness), "quorum": "w1"},
        {"witnesses": (witness,), "groups": (Group("g", 2, ("w1",)),)},
        {"witnesses": (witness,), "groups": (Group("g", 0, ()),)},
        {"witnesses": (witness,), "groups": (Group("g", 1, ("h",)), Group("h", 1, ("w1",)))},
        {"logs": (Log(KEYS["w1"]),)},
    ):
        with pytest.raises(PolicyError):
            Policy(**broken)


def test_a_quorum_is_seen_when_its_last_necessary_witness_has_cosigned():
    assert order_time(TWO_OF_THREE, lines(("w1", 30), ("w2", 10), ("w3", 20))) == 20
    assert freshness_time(TWO_OF_THREE, lines(("w1", 30), ("w2", 10), ("w3", 20))) == 20
    assert order_time(TWO_OF_THREE, lines(("w1", 30), ("w3", 50))) == 50
    assert freshness_time(TWO_OF_THREE, lines(("w1", 30), ("w3", 50))) == 30
    for too_few in ([], lines(("w1", 30)), lines(("w1", 30), ("w4", 5))):
        assert order_time(TWO_OF_THREE, too_few) is freshness_time(TWO_OF_THREE, too_few) is None
        assert not suffices(TWO_OF_THREE, too_few)


def test_of_several_lines_of_one_key_order_takes_the_first_and_freshness_the_last():
    several = lines(("w1", 40), ("w1", 10), ("w1", 90), ("w2", 20), ("w2", 70))
    assert order_time(TWO_OF_THREE, several) == 20
    assert freshness_time(TWO_OF_THREE, several) == 70


def test_two_lines_of_one_key_are_one_witness():
    assert order_time(TWO_OF_THREE, lines(("w1", 10), ("w1", 11))) is None
    assert not suffices(TWO_OF_THREE, lines(("w1", 10), ("w1", 11)))


def test_a_line_that_states_no_time_counts_for_no_time():
    assert order_time(TWO_OF_THREE, lines(("w1", 0), ("w2", 5))) is None
    assert freshness_time(TWO_OF_THREE, lines(("w1", 0), ("w2", 5))) is None
    assert order_time(TWO_OF_THREE, lines(("w1", 0), ("w2", 5), ("w1", 9))) == 9
    assert suffices(TWO_OF_THREE, lines(("w1", 0), ("w2", 5)))


def test_groups_of_groups_take_time_from_their_members():
    seen = lines(("w1", 10), ("w2", 20), ("w3", 30), ("w4", 25), ("w5", 5))
    assert order_time(NESTED, seen) == 20
    assert freshness_time(NESTED, seen) == 20
    assert order_time(NESTED, lines(("w1", 10), ("w2", 20), ("w3", 30))) is None


def test_a_single_witness_can_be_the_quorum():
    single = policy("quorum w3\n")
    assert order_time(single, lines(("w1", 1), ("w3", 7))) == 7
    assert colluders_to_fork(single) == colluders_to_backdate(single) == 1
    assert not can_split(single)


def test_the_largest_times_are_compared_exactly():
    largest = 2**63 - 1
    assert order_time(TWO_OF_THREE, lines(("w1", largest), ("w2", largest - 1))) == largest
    assert freshness_time(TWO_OF_THREE, lines(("w1", largest), ("w2", largest - 1))) == largest - 1


def quorums(of, names):
    """Every set of witnesses that makes the quorum, by trying them all."""
    for count in range(len(names) + 1):
        for chosen in combinations(names, count):
            if suffices(of, lines(*((name, 1) for name in chosen))):
                yield frozenset(chosen)


@pytest.mark.parametrize(
    "rest",
    [
        "quorum w1\n",
        "group g any w1 w2 w3\nquorum g\n",
        "group g 2 w1 w2 w3\nquorum g\n",
        "group g 2 w1 w2 w3 w4\nquorum g\n",
        "group g 3 w1 w2 w3 w4\nquorum g\n",
        "group g all w1 w2 w3 w4\nquorum g\n",
        "group g 4 w1 w2 w3 w4 w5 w6\nquorum g\n",
        "group x 2 w1 w2 w3\ngroup y any w4 w5\ngroup both all x y\nquorum both\n",
        "group x 2 w1 w2 w3\ngroup y 2 w4 w5 w6\ngroup either any x y\nquorum either\n",
        "group x any w1 w2\ngroup y any w3 w4\ngroup g 2 x y w5\nquorum g\n",
        "group x any w1 w2\ngroup g 3 x w3 w4 w5\nquorum g\n",
        "group x all w1 w2 w3\ngroup g 2 x w4 w5\nquorum g\n",
    ],
)
def test_the_least_number_of_colluders_is_what_trying_all_quorums_finds(rest):
    of = policy(rest)
    all_quorums = list(quorums(of, KEYS))
    assert colluders_to_backdate(of) == min(map(len, all_quorums))
    assert colluders_to_fork(of) == min(len(a & b) for a in all_quorums for b in all_quorums)
    assert can_split(of) == any(not a & b for a in all_quorums for b in all_quorums)


def two_keys(rest):
    """The witness w1 has a second key, "pq", of which nobody holds the other half."""
    second = Verifier(KEYS["w1"].name, COSIGNATURE_ML_DSA_44, bytes(1312))
    return policy(f"witness pq {second.vkey}\n{rest}")


@pytest.mark.parametrize(
    "rest",
    [
        "group g all w1 pq\n",
        "group g 2 w1 pq w2\n",
        "group x any w1 w2\ngroup y any pq w3\ngroup g all x y\n",
        "group x all w1 w2\ngroup g 2 x w3 pq\n",
    ],
)
def test_two_keys_of_one_witness_are_not_two_of_those_that_must_agree(rest):
    with pytest.raises(PolicyError, match="witness-twice"):
        two_keys(rest + "quorum none\n")


def test_two_keys_of_one_witness_may_stand_in_for_each_other_and_collude_as_one():
    for rest in (
        "group x any w1 pq\ngroup g 2 x w2 w3\nquorum g\n",
        "group z any pq\ngroup x any w1 z\ngroup g 2 x w2 w3\nquorum g\n",
    ):
        several = two_keys(rest)
        assert colluders_to_fork(several) == colluders_to_fork(TWO_OF_THREE) == 1
        assert colluders_to_backdate(several) == colluders_to_backdate(TWO_OF_THREE) == 2
        assert Policy.parse(several.format()) == several
        keys = {witness.name: witness.verifier for witness in several.witnesses}
        both = [Cosignature(keys["w1"], 10), Cosignature(keys["pq"], 20)]
        assert not suffices(several, both)
        assert order_time(several, [*both, Cosignature(keys["w2"], 5)]) == 10
        assert freshness_time(several, [*both, Cosignature(keys["w2"], 30)]) == 20
    assert can_split(two_keys("group g any w1 pq w2\nquorum g\n"))  # w1 and w2 are two all the same


def test_witnesses_that_have_not_cosigned_are_named_in_the_order_of_the_file():
    assert missing(NESTED, lines(("w4", 1), ("w2", 1))) == ("w1", "w3", "w5", "w6")
    assert missing(NESTED, lines(*((name, 1) for name in KEYS))) == ()


def test_a_cosignature_counts_for_its_key_and_not_for_its_name():
    impostor = Cosignature(Verifier("w1", 4, witness_signer("impostor").verifier.public_key), 5)
    assert order_time(TWO_OF_THREE, [impostor, *lines(("w2", 5))]) is None


def test_a_policy_of_at_least_thirty_two_of_each_is_read():
    signers = [witness_signer(f"many-{number}") for number in range(40)]
    text = "".join(f"witness {s.name} {s.verifier.vkey}\n" for s in signers)
    text += "".join(f"group g{number} any {signer.name}\n" for number, signer in enumerate(signers))
    text += "".join(f"log {log_signer(f'many-{number}').verifier.vkey}\n" for number in range(40))
    text += "group all 21 " + " ".join(f"g{number}" for number in range(40)) + "\nquorum all\n"
    assert colluders_to_fork(Policy.parse(text)) == 2
