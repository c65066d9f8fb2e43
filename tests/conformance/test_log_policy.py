"""Policies that Sigsum publishes and refuses, and policies that Tessera takes or does not."""

import re
from hashlib import sha256

import pytest

from support.log_vectors import recorded, recorded_json
from transparency_log.errors import PolicyError
from transparency_log.note import COSIGNATURE_ED25519, ED25519, Verifier
from transparency_log.policy import Policy, can_split, colluders_to_backdate, colluders_to_fork

RAW_KEY = re.compile(r"^(\s*(?:log|witness\s+\S+)\s+)([0-9a-f]{64})", re.MULTILINE)


def with_vkeys(text):
    """Sigsum's grammar is that of tlog-policy, but for raw keys in hex."""

    def vkey(match):
        kind = ED25519 if match[1].strip().startswith("log") else COSIGNATURE_ED25519
        name = "key.example/" + sha256(match[0].encode()).hexdigest()[:8]
        return match[1] + Verifier(name, kind, bytes.fromhex(match[2])).vkey

    return RAW_KEY.sub(vkey, text)


def with_cosigner_keys(text):
    """Tessera turns a witness's 0x01 key into the 0x04 key of the same bytes; here somebody has to write that."""

    def vkey(match):
        key = Verifier.parse(match[2])
        return match[1] + Verifier(key.name, COSIGNATURE_ED25519, key.public_key).vkey

    return re.sub(r"(witness\s+\S+\s+)(\S+)", vkey, text)


def test_published_policies_are_read_and_need_two_colluders_or_more():
    paths = sorted(recorded("sigsum-go/pkg/policy/builtin").iterdir())
    assert len(paths) == 4
    for path in paths:
        policy = Policy.parse(with_vkeys(path.read_text()))
        assert Policy.parse(policy.format()) == policy
        assert (colluders_to_fork(policy) == 0) == can_split(policy)
        assert colluders_to_backdate(policy) >= 1
    generic = Policy.parse(with_vkeys(paths[0].read_text()))
    assert paths[0].name.startswith("sigsum-generic")
    assert (colluders_to_fork(generic), colluders_to_backdate(generic)) == (1, 2)


def test_policies_that_sigsum_takes_are_taken():
    for text in recorded_json("sigsum-go/policy-cases.json")["valid"]:
        policy = Policy.parse(with_vkeys(text))
        assert policy.quorum
        assert Policy.parse(policy.format()) == policy


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("empty", "no-quorum"),
        ("invalid control char (formfeed)", "control-character"),
        ("duplicate log", "key-repeated"),
        ("end-of-line comment", "line"),
        ("duplicate witness", "key-repeated"),
        ("duplicate name", "name-repeated"),
        ("duplicate none", "name-repeated"),
        ("undef name", "name-undefined"),
        ("missing quorum", "no-quorum"),
        ("repeated member", "member-repeated"),
        ("member in two groups", "member-repeated"),
        ("none as member", "name-undefined"),
    ],
)
def test_policies_that_sigsum_refuses_are_refused_for_the_same_reason(name, code):
    (text,) = [
        case["config"] for case in recorded_json("sigsum-go/policy-cases.json")["invalid"] if case["name"] == name
    ]
    with pytest.raises(PolicyError) as error:
        Policy.parse(with_vkeys(text), require_quorum=code == "no-quorum")
    assert error.value.code == code


def test_every_policy_that_sigsum_refuses_is_refused():
    for case in recorded_json("sigsum-go/policy-cases.json")["invalid"]:
        text = case["config"].replace("# \nquorum", "# \x7f\nquorum")  # the byte was lost in the recording
        with pytest.raises(PolicyError):
            Policy.parse(with_vkeys(text))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("tidy", None),
        ("group any", "key-repeated"),
        ("group all", "key-repeated"),
        ("group numerical", "key-repeated"),
        ("whitespace and comments", "line"),
    ],
)
def test_where_tessera_is_laxer_we_are_not(name, code):
    cases = recorded_json("transparency-dev-tessera/witness-policy-cases.json")["accepted_by_tessera"]
    (text,) = [case["policy"] for case in cases if case["name"] == name]
    with pytest.raises(PolicyError, match=r"line|key-algorithm|key-repeated"):
        Policy.parse(text)
    strict = with_cosigner_keys(text)
    if code is None:
        assert len(Policy.parse(strict).witnesses) == 2
    else:
        with pytest.raises(PolicyError) as error:
            Policy.parse(strict)
        assert error.value.code == code


def test_policies_that_tessera_refuses_are_refused_but_for_a_rule_about_urls():
    cases = recorded_json("transparency-dev-tessera/witness-policy-cases.json")["rejected_by_tessera"]
    taken = []
    for case in cases:
        try:
            Policy.parse(with_cosigner_keys(case["policy"]) + "\n")
        except PolicyError:
            continue
        taken.append(case["name"])
    # tlog-policy gives URLs no meaning, so two witnesses may share one.
    assert taken == ["witness URL has multiple signer names"]
