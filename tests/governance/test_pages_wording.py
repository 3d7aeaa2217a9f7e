"""How statuses, digests and times are written on pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from audits.wording import STATUS_MARKS
from governance.templatetags.countersign import ago, digest, due, mark, status


@pytest.mark.parametrize("name", STATUS_MARKS)
def test_a_status_is_colour_shape_and_word(name):
    shown = status(name)
    assert f'class="status {name}"' in shown
    assert STATUS_MARKS[name] in shown
    assert shown.endswith(f"{name}</span>")
    assert f'aria-label="{name}"' in mark(name)


def test_a_status_that_nobody_knows_reads_as_an_error():
    assert 'class="status error"' in status("brilliant")


def test_words_beside_a_mark_are_never_markup():
    assert "<b>" not in status("pass", "<b>fine</b>")


def test_a_digest_shows_twelve_digits_and_keeps_the_whole():
    shown = digest("ab" * 32)
    assert f'<span class="short">{"ab" * 6}</span>' in shown
    assert f'title="sha256:{"ab" * 32}"' in shown
    assert f'<span class="whole">sha256:{"ab" * 32}</span>' in shown
    assert "–" in digest(None)


@pytest.mark.parametrize(
    ("back", "words"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=3, seconds=5), "3\xa0minutes ago"),
        (timedelta(days=3, hours=1), "3\xa0days ago"),
        (-timedelta(days=3, hours=1), "in 3\xa0days"),
    ],
)
def test_times_are_relative_with_the_exact_one_behind(back, words):
    moment = timezone.now() - back
    shown = ago(moment)
    assert f'<span class="short">{words}</span>' in shown
    assert f'title="{moment:%Y-%m-%d %H:%M:%S} UTC"' in shown


def test_the_exact_time_is_in_utc_to_the_second():
    assert 'title="2026-11-21 06:00:07 UTC"' in ago(datetime(2026, 11, 21, 6, 0, 7, tzinfo=UTC))


def test_what_is_overdue_has_a_mark_and_a_word():
    late = due(timezone.now() - timedelta(days=2, hours=1))
    assert "overdue by 2\xa0days" in late
    assert 'class="mark"' in late
    assert "due in 2\xa0days" in due(timezone.now() + timedelta(days=2, hours=1))
    assert due(None) == ""
