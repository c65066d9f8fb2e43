"""The public site: rows and states from the log alone, a page for each draw, and little work for one draw more."""

import json
import subprocess

import pytest

from fairdraw.encoding import end_of_day
from fairdraw.schema import Announcement, Draw, Until, Void, Withdrawal
from fairdraw.site import Memory
from fairdraw.site.build import depends_on
from fairdraw.site.dossier import make
from fairdraw.site.pages import PAGE, pages_of
from fairdraw.site.register import Gap, Row
from support import acts
from support.audited import listed
from support.regulations import FIVE
from support.sited import rows, site
from support.story import BUREAU, SLOT, Story, Told, begin, sealed, tell
from transparency_log.note import Signer

SECOND = "2026/fund-use/2"


def only(told: Told, **changes) -> Row:
    (row,) = rows(told, **changes).draws
    return row


def next_draw(told: Told, slot: str = SECOND) -> Told:
    """Announce and draw another slot in the same log."""
    told.story.now += 3600
    again = told.announce_again(slots=[slot])
    told.story.now += 60
    told.story.checkpoint()
    return again.go_on()


# -- states ---------------------------------------------------------------------------------------------------------


def test_an_announced_draw_is_locked_until_its_round():
    told = begin()
    row = only(told)
    assert (row.state, row.badges) == ("locked", ("locked",))
    assert row.shown == row.lock.quorum_time == told.story.now
    assert only(told, as_of=row.due - 1).state == "locked"


def test_from_its_round_on_a_draw_without_a_result_is_overdue():
    told = begin()
    due = only(told).due
    assert only(told, as_of=due).state == "overdue"


def test_a_drawn_result_is_public_at_once():
    told = tell()
    row = only(told)
    assert (row.state, row.shows_result) == ("public", True)
    assert row.draw is not None
    assert row.draw.text_hash == told.draw.text_hash


def test_a_sealed_draw_is_sealed_to_the_end_of_its_day_and_then_overdue():
    told = tell(before=sealed())
    date = told.announcement.of(Announcement).disclosure.date
    assert only(told).state == "sealed"
    assert only(told, as_of=end_of_day(date)).state == "sealed"
    assert only(told, as_of=end_of_day(date) + 1).state == "overdue"


def test_an_opened_draw_is_public():
    told = tell(before=sealed())
    told.open_up()
    told.later()
    assert (only(told).state, only(told).shows_result) == ("public", True)


def test_opening_names_does_not_open_a_sealed_draw():
    told = tell(before=sealed())
    told.open_up(key=None, embargo=None)
    told.later()
    assert (only(told).state, only(told).shows_result) == ("sealed", False)


def test_a_void_ends_a_draw_drawn_or_not():
    told = begin()
    told.void("wrong-date")
    told.later()
    assert only(told).state == "void"
    drawn = tell()
    drawn.void("wrong-date")
    drawn.later()
    assert only(drawn).state == "void"


def test_a_void_that_a_stranger_signs_ends_nothing():
    told = begin()
    said = told.story.head().make(Void, announcement=told.announcement.ref, reason="wrong-date", pulses=())
    told.story.add(said, [Signer.from_seed(BUREAU, bytes(32))])
    told.later()
    assert only(told).state == "locked"


def test_substitutions_stand_beside_public():
    told = tell()
    acts.substituted(told)
    assert only(told).badges == ("public", "substituted")


def test_a_gap_in_the_bureaus_numbers_is_a_row_of_its_own():
    told = tell()
    told.story.heads[told.announcement.statement.by] = (9, told.draw.text_hash)
    told.announce_again(slots=[SECOND])
    told.later()
    gaps = [row for row in rows(told).rows if isinstance(row, Gap)]
    assert [(gap.first, gap.last, gap.badges) for gap in gaps] == [(told.draw.statement.seq + 1, 8, ("missing",))]


def test_a_chain_that_does_not_go_on_is_an_alarm_without_a_number_too():
    told = tell()
    told.story.heads[told.announcement.statement.by] = (told.draw.statement.seq + 1, "00" * 32)
    told.announce_again(slots=[SECOND])
    told.later()
    (gap,) = [row for row in rows(told).rows if isinstance(row, Gap)]
    assert (gap.first, gap.last) == (None, None)


def test_an_honest_log_has_no_gap():
    assert all(isinstance(row, Row) for row in rows(next_draw(tell())).rows)


def test_what_no_quorum_has_cosigned_is_not_shown():
    told = tell()
    told.announce_again(slots=[SECOND])
    told.story.checkpoint(by=[])
    assert len(rows(told).rows) == 1


# -- one draw's page ------------------------------------------------------------------------------------------------


def test_the_dossier_of_an_honest_draw_has_the_result_and_no_failed_check():
    told = tell()
    dossier, bundle = make(only(told))
    drawn = told.outcome()
    assert dossier.failed == ()
    assert [line.no for line in dossier.drawn] == [one.no for one in drawn.selection.drawn]
    assert all(line.team == tuple(no for _, no in drawn.assignment.teams[line.no]) for line in dossier.drawn)
    assert told.report(bundle).verdict == "holds"
    assert [step.code for step in dossier.steps] == ["locked", "random", "result", "signed", "published"]
    assert dossier.ahead == told.report(bundle).check("announcement-before-pulse").evidence["seconds"]


def test_the_page_of_an_announcement_is_there_before_the_draw_with_a_bundle_that_proves_the_lock():
    told = begin()
    row = only(told)
    dossier, bundle = make(row)
    assert (bundle.draw, dossier.drawn, dossier.failed) == (None, (), ())
    report = told.report(bundle)
    assert report.check("announcement-before-pulse").state == "holds"
    assert report.check("record-logged").reason == "not-due-yet"


def test_who_came_in_stands_beside_who_was_drawn():
    told = tell()
    _, _, made = acts.substituted(told)
    dossier, _ = make(only(told))
    (line,) = [line for line in dossier.drawn if line.now is not None]
    assert line.no == made.no
    assert made.out in line.team
    assert made.in_ in line.now
    about = [act.about for act in dossier.acts]
    assert about == [(made.no, made.out, ""), (made.no, made.out, made.in_)]


def test_a_result_that_the_bureau_chose_is_struck_and_never_a_clean_table():
    told = begin().go_on()
    story = told.story
    # The bureau logs another key: nothing that follows from it is the draw's.
    story.entries.pop()
    story.checkpoints.pop()
    story.heads[told.draw.statement.by] = (told.draw.statement.seq, told.draw.statement.prev)
    told.draw = story.add(told.draw.of(Draw).model_copy(update={"key": "ab" * 32}))
    told.later()
    made = site(told)
    page = made.text(f"d/{told.announcement.index}/index.html")
    assert made.memory.draws[told.announcement.index][1]
    assert '<table id="result" class="struck">' in page
    assert "未获证实" in page
    for line in make(only(told))[0].drawn:
        assert f'class="no"><span class="number"><s>{line.no}</s>' in page
    assert 'data-state="unproven"' in made.text("index.html")
    assert "record-matches" in made.text(f"d/{told.announcement.index}/results.csv")
    assert "unproven" in made.text("draws.csv")


def test_the_lines_by_hand_print_what_the_page_says():
    told = tell()
    dossier, _ = make(only(told))
    assert {command.code for command in dossier.commands} == {"by-hand-pulse", "by-hand-key", "by-hand-ticket"}
    for command in dossier.commands:
        said = subprocess.run(["sh", "-c", command.line], capture_output=True, check=True, text=True)
        assert said.stdout.split()[0] == command.prints


# -- files ----------------------------------------------------------------------------------------------------------


def test_a_site_has_its_pages_feed_tables_and_what_the_package_brings():
    told = tell()
    index = told.announcement.index
    assert set(site(told).files) == {
        "about/index.html", f"d/{index}/bundle.fairdraw.json", f"d/{index}/index.html",
        f"d/{index}/results.csv", "draws.csv", "fairdraw.css", "fairdraw.js", "feed.atom", "index.html",
        "page/1/index.html", "site.json", "trust", "verify.html",
    }  # fmt: skip


def test_equal_logs_give_equal_sites():
    assert site(tell()).files == site(tell()).files


def test_one_more_draw_writes_a_few_files_and_makes_one_bundle():
    told = tell(plan={"slots": (SLOT, *(f"2026/fund-use/{n}" for n in range(2, 9)))})
    made = site(told)
    for number in range(2, 7):
        told = next_draw(told, f"2026/fund-use/{number}")
        made.told = told
        changed = made.build()
        new = told.announcement.index
        assert [path for path in made.made if path.endswith("bundle.fairdraw.json")] == [
            f"d/{new}/bundle.fairdraw.json"
        ]
        assert sorted(changed) == sorted([
            f"d/{new}/bundle.fairdraw.json", f"d/{new}/index.html", f"d/{new}/results.csv",
            "draws.csv", "feed.atom", "index.html", "page/1/index.html", "site.json",
        ])  # fmt: skip


def test_a_checkpoint_cosigned_once_more_changes_the_front_page_alone():
    told = tell()
    made = site(told)
    assert made.build(as_of=told.story.now) == []
    told.later(3600)
    assert made.build() == ["index.html"]


@pytest.mark.parametrize(
    ("what", "act"),
    [
        ("a void", lambda told: told.void("wrong-date")),
        ("a substitution", acts.substituted),
        ("a result", acts.result),
        ("another announcement of the slot", Told.announce_again),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_logged_about_a_draw_makes_its_page_anew(what, act):
    told = tell()
    made = site(told)
    act(told)
    told.later()
    made.build()
    assert f"d/{told.announcement.index}/index.html" in made.made
    assert made.files == site(told).files  # as if it had never been built before


def test_a_gap_or_an_act_about_nothing_makes_every_page_anew_for_no_draw_holds_any_more():
    told = tell()
    made = site(told)
    told.story.heads[told.announcement.statement.by] = (9, told.draw.text_hash)
    told.announce_again(slots=[SECOND])
    told.later()
    made.build()
    assert made.memory.draws[told.announcement.index][1] == ("no-other-draw",)
    assert made.files == site(told).files


def test_a_withdrawn_artifact_is_taken_out_of_the_bundle():
    told = tell()
    made = site(told)
    digest = told.objects[1].roster.listing().digest
    told.story.add(told.story.head().make(Withdrawal, digest=digest, reason="privacy"))
    del told.story.artifacts[digest]
    told.later()
    made.build()
    bundle = made.text(f"d/{told.announcement.index}/bundle.fairdraw.json")
    assert f'"digest":"{digest}"' not in bundle
    assert made.files == site(told).files


def test_a_withdrawn_result_is_taken_out_of_the_bundles_of_later_draws_too():
    told = tell(plan={"yearly_cap": 3})
    later = next_draw(told)
    made = site(later)
    digest = told.draw.of(Draw).results.digest
    bundle = f"d/{later.announcement.index}/bundle.fairdraw.json"
    assert f'"digest":"{digest}"' in made.text(bundle)
    told.story.add(told.story.head().make(Withdrawal, digest=digest, reason="privacy"))
    del told.story.artifacts[digest]
    later.later()
    made.build()
    assert f'"digest":"{digest}"' not in made.text(bundle)
    assert made.files == site(later).files


def test_the_opening_of_an_earlier_draw_makes_the_later_ones_that_count_it_anew():
    told = tell(before=sealed(), plan={"yearly_cap": 3})
    later = told.announce_again(slots=[SECOND], exclusions=b"")
    later.story.now += 60
    later.story.checkpoint()
    later.go_on()
    (first, second) = rows(later).draws
    assert (first.history, second.history) == ((), ())
    told.open_up()
    later.later()
    (_, after) = rows(later).draws
    assert [entry.index for entry in after.history] == [len(later.story.entries) - 1]
    assert depends_on(after, lambda _: True) != depends_on(second, lambda _: True)


@pytest.mark.parametrize("name", ["index.html", "bundle.fairdraw.json"])
def test_whoever_deletes_a_page_a_bundle_or_the_memory_has_it_made_again(name):
    told = tell()
    made = site(told)
    whole = dict(made.files)
    del made.files[f"d/{told.announcement.index}/{name}"]
    made.build()
    assert made.files == whole
    made.memory = None
    made.build()
    assert f"d/{told.announcement.index}/{name}" in made.made


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{}", b"\xff", b"[" * 10_000, b'{"v":0,"common":"b","draws":{"x":{}}}',
        b'{"v":0,"common":"b","draws":{"1":{"depends":"d"}}}',
    ],
)  # fmt: skip
def test_a_memory_that_is_none_of_ours_is_forgotten(data):
    assert Memory.parse(data) is None


def test_another_look_makes_every_page_anew():
    told = tell()
    made = site(told)
    made.build(script="sha384-other")
    assert f"d/{told.announcement.index}/index.html" in made.made


# -- pages, feed, tables ----------------------------------------------------------------------------------------------


class Many:
    """A register of many rows, without a log behind each."""

    def __init__(self, count: int) -> None:
        self.rows = tuple(range(count))


@pytest.mark.parametrize("count", [0, 1, PAGE, PAGE + 1, 3 * PAGE])
def test_pages_are_numbered_from_the_oldest_so_that_a_full_one_never_changes(count):
    told = pages_of(Many(count))
    assert sum(map(len, told)) == count
    assert all(len(page) == PAGE for page in told[:-1])
    more = pages_of(Many(count + PAGE))
    assert all(one == other for one, other in zip(told, more, strict=False) if len(one) == PAGE)


def test_items_have_the_names_of_the_logged_list():
    story = Story()
    told = begin(story, plan=listed(story, FIVE["shandong-2020"], "fund-use")).go_on()
    assert only(told).names == (("fund-use", "fund-use"),)


def test_a_row_says_when_and_what_for_a_filter():
    told = tell()
    page = site(told).text("index.html")
    assert 'data-state="public" data-item="fund-use" data-time="' in page


def test_permalinks_count_the_logs_entries():
    told = next_draw(tell())
    made = site(told)
    for row in rows(told).draws:
        assert f"d/{row.index}/index.html" in made.files
        assert f'href="d/{row.index}/index.html"' in made.text("index.html")
        assert f'href="../../d/{row.index}/index.html"' in made.text("page/1/index.html")


def test_the_memory_is_one_of_plain_values():
    told = json.loads(site(tell()).files["site.json"])
    assert set(told) == {"v", "common", "draws"}


def test_the_until_of_a_sealed_draw_is_told_with_the_count_and_nothing_else():
    told = tell(before=sealed())
    assert isinstance(told.announcement.of(Announcement).disclosure, Until)
    page = site(told).text(f"d/{told.announcement.index}/index.html")
    assert told.announcement.of(Announcement).disclosure.date in page
    assert '<table id="result"' not in page
