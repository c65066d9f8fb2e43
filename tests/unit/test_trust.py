"""Trust files: what a reader states, and what is refused."""

import pytest

from fairdraw.beacon import CHAINS
from fairdraw.encoding import digest, parse_time
from fairdraw.errors import TrustError
from fairdraw.trust import DEFAULT_FRESHNESS, DEFAULT_MARGIN, parse_trust, witness_group
from support.story import BUREAU, ORIGIN, Story, signer, trust_text
from transparency_log.policy import colluders_to_backdate, colluders_to_fork

STORY = Story()
TEXT = trust_text(STORY)


def refused(text: str, code: str) -> None:
    with pytest.raises(TrustError) as caught:
        parse_trust(text.encode())
    assert caught.value.code == code


def test_a_trust_file_says_whom_its_reader_believes():
    told = parse_trust(TEXT.encode())
    assert told.log_key(ORIGIN) == STORY.log_key.verifier
    assert told.log_key("log.example.cn/elsewhere/rehearsal") is None
    (line,) = told.bureau_keys(BUREAU, ORIGIN)
    assert (line.key, line.since, line.until) == (STORY.bureau.verifier, None, None)
    assert told.bureau_keys(BUREAU, "log.example.cn/elsewhere/rehearsal") == ()
    assert set(told.supervisors) == set(STORY.people)
    assert told.chains["practice"] == STORY.chains["practice"]
    assert (told.margin, told.freshness, told.receipts) == (DEFAULT_MARGIN, DEFAULT_FRESHNESS, 0)
    assert told.rehearsal
    assert told.digest == digest(TEXT.encode())


def test_comments_blank_lines_and_tabs_say_nothing_and_change_the_digest():
    spaced = (
        TEXT.replace("\n", "\n\n# a comment\n").replace(" ", "\t ").replace("fairdraw/trust\t v1", "fairdraw/trust v1")
    )
    told, plain = parse_trust(spaced.encode()), parse_trust(TEXT.encode())
    assert (told.bureaus, told.supervisors, told.chains) == (plain.bureaus, plain.supervisors, plain.chains)
    assert told.digest != plain.digest


def test_numbers_and_times_are_read():
    more = "margin 90\nfreshness 3600\nreceipts 2\nretired practice 2026-09-01T00:00:00Z\n"
    told = parse_trust((TEXT + more).encode())
    assert (told.margin, told.freshness, told.receipts) == (90, 3600, 2)
    assert told.retired == {"practice": parse_time("2026-09-01T00:00:00Z")}


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ("", (None, None)),
        (" -", (None, None)),
        (" 2026-01-01T00:00:00Z", (parse_time("2026-01-01T00:00:00Z"), None)),
        (" - 2026-01-01T00:00:00Z", (None, parse_time("2026-01-01T00:00:00Z"))),
    ],
)
def test_a_bureaus_key_may_be_bounded_in_time(bounds, expected):
    line = f"bureau {BUREAU} {STORY.bureau.verifier.vkey} {ORIGIN}"
    (told,) = parse_trust(TEXT.replace(line, line + bounds).encode()).bureaus
    assert (told.since, told.until) == expected


def line_of(word: str) -> str:
    return next(line for line in TEXT.splitlines() if line.startswith(word + " ")) + "\n"


@pytest.mark.parametrize("word", ["bureau", "supervisor", "beacon"])
def test_a_line_said_twice_is_refused(word):
    refused(TEXT + line_of(word), "bad-line")


def test_a_log_or_a_witness_said_twice_is_refused():
    refused(TEXT + line_of("log"), "bad-policy")
    refused(TEXT + line_of("witness"), "bad-policy")


def test_one_supervisor_under_two_names_is_refused():
    name, key = next(iter(STORY.people.items()))
    renamed = type(key).from_seed("other.example.cn/rehearsal", key.seed)
    refused(TEXT + f"supervisor {renamed.name} discipline {renamed.verifier.vkey}\n", "bad-line")
    assert name != renamed.name


def test_the_name_of_a_line_is_the_name_of_its_key():
    key = signer("somebody.example.cn/rehearsal").verifier.vkey
    refused(TEXT + f"bureau other.example.cn/rehearsal {key} {ORIGIN}\n", "bad-line")
    refused(TEXT + f"supervisor other.example.cn/rehearsal discipline {key}\n", "bad-line")


def test_a_bureau_does_not_sign_with_a_cosigners_key():
    key = signer("cosigner.example.cn/rehearsal", 4).verifier.vkey
    refused(TEXT + f"bureau cosigner.example.cn/rehearsal {key} {ORIGIN}\n", "bad-line")


def test_a_rehearsal_and_the_real_thing_do_not_mix():
    refused(TEXT.removesuffix("rehearsal\n"), "rehearsal-mixed")
    refused(TEXT.replace(BUREAU, "jinan-ybj.example.cn"), "bad-line")
    real = signer("real.example.cn").verifier.vkey
    refused(TEXT + f"supervisor real.example.cn discipline {real}\n", "rehearsal-mixed")


def real_trust(*beacons: str) -> str:
    log, bureau = signer("log.example.cn/jinan").verifier.vkey, signer("jinan-ybj.example.cn").verifier.vkey
    witness = signer("w.example.cn", 4).verifier.vkey
    head = f"fairdraw/trust v1\nlog {log}\nwitness w {witness}\nquorum w\n"
    head += f"bureau jinan-ybj.example.cn {bureau} log.example.cn/jinan\n"
    return head + "".join(beacons)


def beacon_line(chain, **changes) -> str:
    fields = {name: getattr(chain, name) for name in ("id", "hash", "key", "scheme", "period", "genesis")} | changes
    return "beacon " + " ".join(map(str, fields.values())) + "\n"


def test_a_practice_chain_is_pinned_in_a_rehearsal_only():
    refused(real_trust(beacon_line(STORY.chains["practice"])), "practice-chain")


@pytest.mark.parametrize("name", ["quicknet", "default"])
def test_a_known_chain_is_compared_with_its_constants(name):
    chain = CHAINS[name]
    assert parse_trust(real_trust(beacon_line(chain)).encode()).chains[name] == chain
    for bent in ({"genesis": chain.genesis + 3}, {"period": chain.period + 1}, {"scheme": "bls-unchained-on-g1"},
                 {"hash": "00" * 32}, {"key": chain.key[:-2] + "00"}):  # fmt: skip
        refused(real_trust(beacon_line(chain, **bent)), "bad-line")


def test_a_practice_chain_has_the_practice_period_and_its_own_hash():
    chain = STORY.chains["practice"]
    for bent in ({"period": 30}, {"hash": "00" * 32}, {"genesis": chain.genesis + 1}, {"id": "practice-9"}):
        refused(TEXT.replace(beacon_line(chain), beacon_line(chain, **bent)), "bad-line")


def test_a_trust_file_without_a_log_is_refused():
    refused("fairdraw/trust v1\nrehearsal\n", "no-log")


@pytest.mark.parametrize(("count", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4)])
def test_the_group_that_init_writes_is_all_of_two_else_a_majority(count, needed):
    names = [f"w{i}" for i in range(count)]
    assert witness_group(names) == f"group witnesses {needed} {' '.join(names)}\nquorum witnesses\n"
    policy = parse_trust(trust_text(Story(witnesses=count)).encode()).policy
    assert colluders_to_backdate(policy) == needed
    assert colluders_to_fork(policy) == 2 * needed - count
