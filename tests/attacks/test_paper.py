"""Attacks on what is printed, and on the page that it leads to (docs/threat-model.md, 39 to 44)."""

import re
import subprocess
from dataclasses import replace
from functools import cache
from html import unescape

import pytest

from fairdraw import slipcode
from fairdraw.announcement import artifact_of
from fairdraw.bundle import read_file
from fairdraw.errors import ActError, BundleError
from fairdraw.permalink import permalink
from fairdraw.release import newest_releases
from fairdraw.render import fingerprint
from fairdraw.render.page import record_html
from fairdraw.roles import check_role
from fairdraw.schema import VerifierRelease
from fairdraw.statement import Entry, sign
from fairdraw.verify import verify_slip
from support.records import ACCESS, record_of
from support.slips import LANGUAGES, PAPER, SITE, drawn_and_not, page_of, released, sheet_of, slip_of
from support.story import BUREAU, ORIGIN, Told, every, failing, found, signer, tell, trust

PAGE = b"<!DOCTYPE html><title>verify</title>"
SWAPPED = b"<!DOCTYPE html><title>verify</title><!-- says what its maker likes -->"
SUPERVISOR = "s0.example.cn/rehearsal"


@cache
def honest() -> Told:
    return tell()


def shown(page: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)))


def newest(told: Told) -> tuple[Entry, ...]:
    return newest_releases(every(told), trust(told.story), bureau=BUREAU, origin=ORIGIN)


# -- slips (39, 40) -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", LANGUAGES, ids=["zh", "en"])
def test_a_slip_on_paper_says_that_it_does_not_show_the_cutoff_to_be_right(words):
    told = honest()
    for no in drawn_and_not(told):
        text = shown(page_of(sheet_of(told, slip_of(told, no))))
        assert words.say("paper", "not-the-cutoff") in text
        assert words.say("paper", "not-later") in text
        assert words.say("verdict", "holds") not in text


def test_whoever_is_handed_the_paper_of_another_row_sees_its_number_and_the_others_name():
    told = honest()
    mine, other = (row for row in told.objects[1].rows if row.no in {"H-000007", "H-000008"})
    text = shown(page_of(sheet_of(told, slip_of(told, other.no, own=True))))
    assert other.private[0] in text
    assert mine.private[0] not in text
    assert f"编号 {other.no} " in text
    # The small code asks for the number that the paper is of, whatever number somebody typed above it.
    assert sheet_of(told, slip_of(told, other.no)).link.endswith(f".{other.no}")


def test_parts_of_two_slips_never_make_one():
    told = honest()
    one, other = (slipcode.encode(slip_of(told, no).format(), 3) for no in ("H-000007", "H-000008"))
    for mixed in ((one[0], one[1], other[2]), (other[0], one[1], one[2]), (one[0], one[1])):
        with pytest.raises(BundleError) as caught:
            slipcode.decode(mixed)
        assert (caught.value.code, caught.value.params["reason"]) == ("bad-slip-code", "part")
    # The tag is against mistakes only. Who makes it fit has made some other file, which is judged like any other.
    forged = [f"{part[:4]}{one[0][4:9]}{part[9:]}" for part in (one[0], other[1], one[2])]
    with pytest.raises(BundleError):
        slipcode.decode(forged)


def test_a_slip_that_was_altered_before_it_was_printed_in_codes_does_not_hold():
    told = honest()
    drawn, _ = drawn_and_not(told)
    bent = slip_of(told, drawn).model_copy(update={"teams": ()})
    file = read_file(slipcode.decode(slipcode.encode(bent.format(), 3)))
    assert failing(verify_slip(file, trust(told.story), as_of=told.story.now)) == {"selection": "cutoff-contradicts"}


# -- counts (41) ----------------------------------------------------------------------------------------------------


def test_a_slip_in_codes_with_its_path_moved_to_another_size_does_not_hold():
    told = honest()
    slip = slip_of(told, "H-000059")
    moved = slip.model_copy(update={"row": slip.row.model_copy(update={"index": slip.row.index + 64})})
    file = read_file(slipcode.decode(slipcode.encode(moved.format(), 3)))
    assert failing(verify_slip(file, trust(told.story), as_of=told.story.now)) == {"rosters": "path-does-not-fit"}


# -- key and ticket (42) --------------------------------------------------------------------------------------------


def printed_lines(page: str) -> list[tuple[str, str]]:
    pattern = r"<pre>(.*?)</pre>\n<p class=\"prints\">.*?<code>([0-9a-f]{64})</code>"
    return re.findall(pattern, unescape(page), re.DOTALL)


def by_shell(line: str) -> str:
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout.split()[0]


def test_whoever_pastes_the_lines_of_record_and_slip_gets_what_the_paper_says():
    told = honest()
    drawn, _ = drawn_and_not(told)
    pages = (
        record_html(record_of(told), PAPER, LANGUAGES),
        page_of(sheet_of(told, slip_of(told, drawn))),
    )
    for page in pages:
        lines = printed_lines(page)
        assert [by_shell(line) for line, _ in lines] == [prints for _, prints in lines]
        # The chain has no gap: the pulse stands in the line of the key, and the key in that of the ticket.
        (_, pulse), (key_line, key), (ticket_line, _) = lines
        assert pulse in key_line
        assert key in ticket_line


def test_a_key_or_a_ticket_that_was_changed_on_paper_is_seen_by_whoever_pastes_the_lines():
    told = honest()
    drawn, _ = drawn_and_not(told)
    page = page_of(sheet_of(told, slip_of(told, drawn)))
    for _, value in printed_lines(page):
        forged = page.replace(value, value[:-1] + ("0" if value[-1] != "0" else "1"))
        lines = printed_lines(forged)
        assert [by_shell(line) for line, _ in lines] != [prints for _, prints in lines]


# -- fingerprint (43) -----------------------------------------------------------------------------------------------


def test_two_draws_with_one_fingerprint_have_two_links():
    told = honest()
    assert told.draw is not None
    text = told.draw.text_hash
    twin = f"{int(text, 16) ^ 1:064x}"
    assert fingerprint(twin) == fingerprint(text)  # 236 further bits may differ
    one, other = (permalink(SITE, ORIGIN, index=3, text=hash_) for hash_ in (text, twin))
    assert one != other
    for page in (record_html(record_of(told), PAPER, LANGUAGES), page_of(sheet_of(told, slip_of(told, "H-000001")))):
        assert text in shown(page)


# -- the page (44) --------------------------------------------------------------------------------------------------


def test_a_page_that_was_swapped_has_not_the_hash_that_paper_and_log_say():
    told = tell()
    entry = released(told, PAGE)
    assert newest(told) == (entry,)
    digest = entry.of(VerifierRelease).page.digest
    page = record_html(record_of(told, access=replace(ACCESS, releases=newest(told))), PAPER, LANGUAGES)
    assert digest in page
    # Who swaps it in the log too is seen by everybody who holds the paper.
    other = released(told, SWAPPED, version="0.1.1").of(VerifierRelease)
    assert [one.of(VerifierRelease).page.digest for one in newest(told)] == [other.page.digest]
    assert other.page.digest not in page


def test_a_release_that_a_supervisor_never_signed_vouches_for_nothing():
    told = tell()
    own = released(told, PAGE, by=SUPERVISOR)
    said = told.story.head(SUPERVISOR).make(VerifierRelease, page=own.of(VerifierRelease).page, version="9")
    for key in (signer("somebody.example.cn/rehearsal"), told.story.bureau):
        forged = sign(said, [told.story.people[SUPERVISOR]])
        line = key.sign(said.text().decode()).format()
        told.story.add_bytes(re.sub(rb"(?<=\n\n).*", line.encode(), forged))
    stranger = signer("stranger.example.cn/rehearsal")
    told.story.add(said.model_copy(update={"by": stranger.name, "seq": 0, "prev": None}), [stranger])
    assert newest(told) == (own,)


def test_a_release_for_another_log_or_bureau_vouches_for_nothing_here():
    told = tell()
    said = told.story.head().make(VerifierRelease, page=released(told, PAGE).of(VerifierRelease).page, version="9")
    for change in ({"log": "log.example.cn/other/rehearsal"}, {"bureau": "other.example.cn/rehearsal"}):
        told.story.add_bytes(sign(said.model_copy(update=change), [told.story.bureau]))
    assert [one.of(VerifierRelease).version for one in newest(told)] == ["0.1.0"]


def test_the_new_key_of_a_signer_counts_and_the_old_one_no_longer():
    told = tell()
    first = released(told, PAGE, by=SUPERVISOR)
    told.story.change_key(SUPERVISOR)
    thief = told.story.first[SUPERVISOR]
    said = told.story.head(SUPERVISOR).make(VerifierRelease, page=first.of(VerifierRelease).page, version="9")
    told.story.add_bytes(sign(said, [thief]))
    assert newest(told) == (first,)
    second = released(told, SWAPPED, by=SUPERVISOR, version="0.2.0")
    assert newest(told) == (second,)


def test_an_old_release_that_is_logged_once_more_is_not_the_newest():
    told = tell()
    given_up = released(told, PAGE, by=SUPERVISOR)
    second = released(told, SWAPPED, by=SUPERVISOR, version="0.2.0")
    told.story.add_bytes(given_up.data)
    assert newest(told) == (second,)
    # Nor one that the log's operator kept back until a later one was logged.
    told.story.entries = [second.data if data == given_up.data else data for data in told.story.entries]
    told.story.add_bytes(given_up.data)
    assert [one.of(VerifierRelease).version for one in newest(told)] == ["0.2.0"]


def test_how_far_a_thief_counted_does_not_outlast_the_stolen_key():
    told = tell()
    stolen = told.story.head(SUPERVISOR).make(VerifierRelease, page=artifact_of(SWAPPED), version="9")
    told.story.add_bytes(sign(stolen.model_copy(update={"seq": 2**53 - 1}), [told.story.people[SUPERVISOR]]))
    told.story.change_key(SUPERVISOR)
    first = released(told, PAGE, by=SUPERVISOR)
    assert newest(told) == (first,)


def test_paper_without_a_released_page_says_that_it_cannot_say_which_to_believe():
    told = honest()
    drawn, _ = drawn_and_not(told)
    for page in (record_html(record_of(told), PAPER, LANGUAGES), page_of(sheet_of(told, slip_of(told, drawn)))):
        for words in LANGUAGES:
            assert words.say("sheet", "no-release") in shown(page)
            assert words.say("sheet", "compare-page") not in shown(page)
            assert words.say("sheet", "compare-trust") in shown(page)
        assert ACCESS.trust in page or trust(told.story).digest in page


def test_a_release_changes_no_verdict_and_is_no_finding():
    told = tell()
    before = told.report()
    released(told, PAGE)
    released(told, PAGE, by=SUPERVISOR)
    told.later()
    after = told.report()
    assert (before.verdict, failing(before), found(before)) == (after.verdict, failing(after), found(after))
    assert before.verdict == "holds"


def test_everybody_of_the_trust_file_may_release_and_nobody_else():
    told = tell()
    known = trust(told.story)
    said = released(told, PAGE).of(VerifierRelease)
    check_role(said, known, None)
    for name in told.story.people:
        check_role(said.model_copy(update={"by": name}), known, None)
    with pytest.raises(ActError) as caught:
        check_role(said.model_copy(update={"by": "stranger.example.cn/rehearsal"}), known, None)
    assert caught.value.code == "wrong-role"


@pytest.mark.parametrize("no", ["H-000001", "a.b:c-d_e"])
def test_nothing_that_tells_who_asks_for_what_reaches_a_server(no):
    link = permalink(SITE, ORIGIN, index=3, text="ab" * 32, no=no)
    asked, _, kept = link.partition("#")
    assert asked == f"{SITE}/d/3/"
    assert kept == f"{'ab' * 32}.{no}"
    for part in slipcode.encode(slip_of(honest(), "H-000001").format(), 3):
        asked, _, kept = f"{SITE}/verify.html#{part}".partition("#")
        assert asked == f"{SITE}/verify.html"
        assert kept == part
