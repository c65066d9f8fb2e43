"""fairdraw in a Django project of one file: announce and draw a slot, show its record, let anybody verify it.

OFFICE=… BUREAU=… python -m examples.embedding.django_view runserver
"""

import os
import sys
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from examples.embedding.office import opened, shown
from fairdraw import Announcement, Casebook, Entry, Error, catalogue, fetch_pulse, record_html, templates, verify_bundle
from fairdraw.encoding import day_of
from fairdraw.fetch import RELAYS
from transparency_log import LogError
from transparency_log.client import gather

if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__,
        SECRET_KEY=os.environ.get("DJANGO_SECRET_KEY", ""),
        ALLOWED_HOSTS=["localhost", "testserver"],
        MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
        OFFICE=Path(os.environ.get("OFFICE", "office")),
        BUREAU=os.environ.get("BUREAU", ""),
        CHAIN="quicknet",
        RELAYS=RELAYS,
        CLOCK=time.time,
    )
    django.setup()


def told(view: Callable[[HttpRequest, str], HttpResponse]) -> Callable[[HttpRequest, str], HttpResponse]:
    """Answer 503 while somebody else writes the log, and 409 with its code to whatever else may not be done now."""

    @wraps(view)
    def answer(request: HttpRequest, slot: str) -> HttpResponse:
        try:
            return view(request, slot)
        except (Error, LogError) as error:
            busy = error.code == "locked"
            return JsonResponse({"error": error.code}, status=503 if busy else 409)

    return answer


@require_POST
@told
def announce(_request: HttpRequest, slot: str) -> HttpResponse:
    """Announce a slot by a round ten minutes ahead; who may do this is for the project's own login to say."""
    with opened(settings.OFFICE, settings.CLOCK) as bureau:
        now = int(settings.CLOCK())
        announced = bureau.announced([slot]) or bureau.announce(
            now, slots=[slot], at=now + 600, window=day_of(now + 20 * 86_400), chain=settings.CHAIN
        )
        seen = gather(bureau.log, bureau.reader.consistency_proof, bureau.trust.policy, now=settings.CLOCK)
        return JsonResponse({"entry": announced.index, "due": bureau.due(announced), "witnessed": seen is not None})


@require_POST
@told
def draw(_request: HttpRequest, slot: str) -> HttpResponse:
    """Draw an announced slot, once its round is out."""
    with opened(settings.OFFICE, settings.CLOCK) as bureau:
        announced = _found(bureau, slot)
        [source] = announced.of(Announcement).beacon
        pulse = fetch_pulse(bureau.trust.chains[source.beacon], source.round, settings.RELAYS, timeout=20)
        drawn = bureau.draw(int(settings.CLOCK()), announced, [pulse])
        gather(bureau.log, bureau.reader.consistency_proof, bureau.trust.policy, now=settings.CLOCK)
        return JsonResponse({"entry": drawn.index})


@require_GET
@told
def record(_request: HttpRequest, slot: str) -> HttpResponse:
    """Show the record, ready to be printed and signed."""
    book = shown(settings.OFFICE, settings.BUREAU)
    return HttpResponse(record_html(book.sheet(_drawn(book, slot)), templates(), [catalogue("zh"), catalogue("en")]))


@require_GET
@told
def verify(_request: HttpRequest, slot: str) -> HttpResponse:
    """Verify the draw as a stranger would, with the whole log."""
    book = shown(settings.OFFICE, settings.BUREAU)
    report = verify_bundle(book.bundle(_drawn(book, slot)), book.trust, as_of=int(settings.CLOCK()), log=book.view())
    return JsonResponse({"verdict": report.verdict, "checks": {one.code: one.state for one in report.checks}})


def _found(book: Casebook, slot: str) -> Entry:
    if (announced := book.announced([slot])) is None:
        raise Http404
    return announced


def _drawn(book: Casebook, slot: str) -> Entry:
    if (drawn := book.drawn(_found(book, slot))) is None:
        raise Http404
    return drawn


urlpatterns = [
    path("draws/<path:slot>/announce", announce),
    path("draws/<path:slot>/draw", draw),
    path("draws/<path:slot>/record", record),
    path("draws/<path:slot>/verify", verify),
]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
