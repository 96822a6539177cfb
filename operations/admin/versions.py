"""Every saved version of a working copy: compared, and restored."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import override

from .. import editions
from ..asked import whole_number
from ..comparison import compare
from ..models import (
    Edition,
    FinancialFigure,
    KeyFigure,
    Narrative,
    Office,
    Operation,
    PopulationFigure,
    Section,
    Step,
)
from ..moments import with_zone
from ..states import State
from .pages import Pages, zone_of
from .rights import READ_OFFICES, content_for, everywhere, permission

AT_ONCE = 20  # versions on one page
WITHIN = dt.timedelta(seconds=5)  # a line of the log and the edition of the same save
TELLS_NOTHING = ("", "[]", '[{"added": {}}]')  # messages of the log for what the list says anyway
RESTORED_ROWS = {  # which a restore makes anew, beside the working copy itself
    Operation: (Office, PopulationFigure, FinancialFigure),
    Narrative: (Section, KeyFigure),
}


@dataclass(slots=True)
class Version:
    """One line of the list."""

    edition: Edition  # without its content
    state: State | None  # none where another took its place
    shown: str  # when readers saw it, in words
    preview_url: str = ""
    steps: list[Step] = field(default_factory=list)
    log: list[LogEntry] = field(default_factory=list)


class Versions(Pages):
    """A mixin of ``WorkingCopyAdmin``."""

    def get_urls(self) -> list:
        return [
            self.path("versions", self.versions_view),
            self.path("restore", self.restore_view),
            *super().get_urls(),
        ]

    def standing(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        versions_url = self.url("versions", obj) if obj is not None and obj.pk else None
        return {**super().standing(request, obj), "versions_url": versions_url}

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(self.url("versions", self.found(request, object_id)))

    def edition_or_404(self, obj: Any, number: str) -> Edition:
        """The edition of this number of this text, and of no other."""
        made = Edition.objects.of(obj).select_related("made_by", "operation")
        return get_object_or_404(made, number=whole_number(number))

    def versions_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self.found(request, object_id)
        made = (
            Edition.objects.of(obj).defer("content").select_related("made_by", "released_by", "withdrawn_by")
        )
        page = Paginator(made, AT_ONCE).get_page(request.GET.get("p"))
        before, after = self.chosen(request, obj)
        compared = (before, after) if before and after else ()
        contents = [content_for(request, obj, edition.content) for edition in compared]
        hidden = () if self.is_mine(request, obj, *READ_OFFICES) else (Office,)
        lines = versions(obj, page, zone_of(request), hidden)
        for line in lines:
            line.preview_url = self.preview_url(obj, line.edition.language, edition=line.edition.number)
        context = {
            **self.page_context(request, obj, _("Versions")),
            "subtitle": str(obj),
            "zone": zone_of(request),
            "page": page,
            "versions": lines,
            "before": before,
            "after": after,
            "chosen_query": f"&a={before.number}&b={after.number}" if before and after else "",
            "elsewhere": [e for e in (before, after) if e and e.pk not in {on.pk for on in page}],
            "comparison": compare(*contents) if contents else None,
            "restore_url": self.url("restore", obj),
            "restore_refused": self.refuses_restore(request, obj),
            "may_read_editions": request.user.has_perm("operations.view_edition"),
        }
        return TemplateResponse(request, "admin/operations/versions.html", context)

    def chosen(self, request: HttpRequest, obj: Any) -> tuple[Edition | None, Edition | None]:
        """The two that are compared: those asked for, else the public one (or the one before) and the newest."""
        made = Edition.objects.of(obj)
        a, b = request.GET.get("a"), request.GET.get("b")
        newest = list(made.values_list("number", flat=True)[:2])
        if len(newest) < 2 and not (a or b):
            return None, None
        if not a:
            public = made.released().values_list("number", flat=True).first()
            a = str(public if public and public != newest[0] else newest[-1])
        return self.edition_or_404(obj, a), self.edition_or_404(obj, b or str(newest[0]))

    # --- Restore -------------------------------------------------------------------------------------

    def refuses_restore(self, request: HttpRequest, obj: Any) -> str:
        """Why this person cannot restore a version: it puts other rows in the place of all of them."""
        needed = [(type(obj), ["change"])]
        needed += [(model, ["add", "change", "delete"]) for model in RESTORED_ROWS[type(obj)]]
        missing = [
            str(model._meta.verbose_name_plural)
            for model, actions in needed
            if not all(self.is_mine(request, obj, permission(model, action)) for action in actions)
        ]
        if not missing:
            return ""
        return _(
            "An older version can be restored by who may add, change and delete everything in it. "
            "You may not do all of that with: %s."
        ) % get_text_list(missing, _("and"))

    def refuses_move(self, request: HttpRequest, obj: Any, edition: Edition) -> str:
        """Roles in a region reach what is in it: to restore another region needs the right on every operation."""
        if isinstance(obj, Narrative) or everywhere(request, self.permission("change")):
            return ""
        if (edition.content["region"] or {}).get("code") == (obj.region and obj.region.code):
            return ""
        return _("In this version the operation is in another region. An administrator can restore it.")

    def restore_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self.found(request, object_id)
        edition = self.edition_or_404(obj, request.GET.get("edition", ""))
        refusal = self.refuses_restore(request, obj) or self.refuses_move(request, obj, edition)
        if request.method == "POST" and not refusal and self.restored(request, obj, edition):
            return HttpResponseRedirect(self.url("change", obj))
        context = {
            **self.page_context(request, obj, _("Restore edition %s as the draft?") % edition.number),
            "subtitle": str(obj),
            "zone": zone_of(request),
            "edition": edition,
            "refusal": refusal,
        }
        if not refusal:
            draft = editions.freeze(obj)
            context |= {
                "is_the_draft": draft == edition.content,
                "comparison": compare(*(content_for(request, obj, c) for c in (draft, edition.content))),
            }
        return TemplateResponse(
            request, "admin/operations/restore.html", context, status=403 if refusal else 200
        )

    def restored(self, request: HttpRequest, obj: Any, edition: Edition) -> bool:
        """Restore it, and say what happened; not where somebody saved since the page was shown."""
        with transaction.atomic():
            editions.lock(obj)
            newest = Edition.objects.of(obj).defer("content").select_related("made_by").first()
            if request.POST.get("seen") != str(newest.number):
                said = _(
                    "Nothing was restored: %(who)s saved edition %(number)s meanwhile. "
                    "Below stands what would change now."
                )
                words = {"who": newest.made_by or _("somebody"), "number": newest.number}
                self.message_user(request, said % words, messages.ERROR)
                return False
            obj = self.get_object(request, str(obj.pk))  # as it is now that nobody else can change it
            if isinstance(obj, Narrative):
                obj.updated_by = request.user
            try:
                draft = editions.restore(edition, obj, request.user)
            except ValidationError as error:
                said = _("Nothing was restored. %s") % " ".join(error.messages)
                self.message_user(request, said, messages.ERROR)
                return False
        self.message_user(
            request, self.said_of(obj, edition, draft, newest, zone_of(request)), messages.SUCCESS
        )
        return True

    def said_of(self, obj: Any, edition: Edition, draft: Edition, newest: Edition, zone: str) -> str:
        if draft.number == newest.number:
            return _("Nothing has changed: edition %s already holds the same.") % draft.number
        said = [
            _("Edition %(number)s is restored: it is the draft again, as edition %(draft)s.")
            % {"number": edition.number, "draft": draft.number}
        ]
        public = Edition.objects.of(obj).released().values_list("number", flat=True).first()
        said.append(
            _("It is not released: readers go on seeing edition %s.") % public
            if public
            else _("It is not released: readers see nothing of it.")
        )
        if waiting := Edition.objects.of(obj).scheduled().defer("content").first():
            words = {"number": waiting.number, "when": with_zone(waiting.released_at, zone)}
            said.append(_("Edition %(number)s stays set to be released on %(when)s.") % words)
        return " ".join(said)


def versions(obj: Any, page: Page, zone: str, hidden: Sequence[type[Model]] = ()) -> list[Version]:
    """The lines of one page, in a few queries: what was released when, the steps, the log without ``hidden`` rows."""
    now = timezone.now()
    releases = list(
        Edition.objects.of(obj)
        .order_by()
        .filter(released_at__isnull=False)
        .values_list("number", "released_at")
    )
    lines = [Version(edition, *as_readers_saw(edition, releases, now, zone)) for edition in page]
    by_key = {line.edition.pk: line for line in lines}
    for step in Step.objects.filter(edition__in=by_key).select_related("by"):
        by_key[step.edition_id].steps.append(step)
    for pk, entries in log_of(obj, page, hidden).items():
        by_key[pk].log = entries
    return lines


def as_readers_saw(
    edition: Edition, releases: Sequence[tuple[int, dt.datetime]], now: dt.datetime, zone: str
) -> tuple[State | None, str]:
    """Its state and, in words, from when to when it was public; ``releases`` are numbers and times of its text."""
    since = edition.released_at
    if since is None:
        return State.DRAFT, ""
    if edition.withdrawn_at is None and since > now:
        return State.SCHEDULED, _("set for %s") % with_zone(since, zone)
    ends = [at for number, at in releases if number > edition.number]
    ends += [edition.withdrawn_at] if edition.withdrawn_at else []
    until = min(ends, default=None)
    state = State.WITHDRAWN if edition.withdrawn_at else None
    if until is None or until > now:
        return State.RELEASED, _("public since %s") % with_zone(since, zone)
    if until <= since:
        return state, _("never public: another edition had taken its place")
    words = {"since": with_zone(since, zone), "until": with_zone(until, zone)}
    return state, _("was public from %(since)s to %(until)s") % words


def log_of(obj: Any, page: Page, hidden: Sequence[type[Model]] = ()) -> dict[int, list[LogEntry]]:
    """What Django's log tells more than the list does, beside the edition that it was said of."""
    shown = list(page)
    if not shown:
        return {}
    entries = (
        LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(type(obj)), object_id=str(obj.pk)
        )
        .exclude(change_message__in=TELLS_NOTHING)
        .select_related("user")
        .order_by("action_time", "pk")
    )
    if page.has_next():
        entries = entries.filter(action_time__gte=shown[-1].made_at - WITHIN)
    if page.has_previous():
        newer = Edition.objects.of(obj).filter(number__gt=shown[0].number).order_by("number")
        entries = entries.filter(action_time__lt=newer.values_list("made_at", flat=True)[0] - WITHIN)
    told = defaultdict(list)
    for entry in entries[:500]:
        entry.change_message = without(entry.change_message, hidden)
        if entry.change_message not in TELLS_NOTHING:
            told[edition_of(entry, shown).pk].append(entry)
    return told


def without(message: str, hidden: Sequence[type[Model]]) -> str:
    """A message of Django's log, without what it tells of rows of these models, which it knows by their names."""
    if not hidden or not message.startswith("["):
        return message
    with override(None):  # as they are when the log is written
        names = {str(model._meta.verbose_name) for model in hidden}
    try:
        told = json.loads(message)
    except ValueError:  # a sentence that begins with a bracket
        return message
    kept = [part for part in told if not any(about.get("name") in names for about in part.values())]
    return json.dumps(kept)


def edition_of(entry: LogEntry, shown: list[Edition]) -> Edition:
    """The edition of the same save, else the newest that was there at that time; ``shown`` is newest first."""
    same = [
        edition
        for edition in shown
        if edition.made_by_id == entry.user_id and abs(edition.made_at - entry.action_time) < WITHIN
    ]
    earlier = [edition for edition in shown if edition.made_at <= entry.action_time]
    return (same or earlier or shown[-1:])[0]
