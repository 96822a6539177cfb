"""The review of a draft: checks, answers, comments, and its way to release."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from .. import editions, mail
from ..cells import clean_lines
from ..checks import Finding
from ..drafts import Checked, answer, blocks, checked, take_back_answer
from ..models import (
    Answer,
    Edition,
    FinancialFigure,
    Narrative,
    Operation,
    PopulationFigure,
    SectionType,
    Step,
)
from ..moments import with_zone
from ..reviews import Thread, possible_steps, refusal
from ..states import State, state_of
from .pages import Pages, clock, zone_of
from .rights import permission
from .two_editors import is_newer

FIGURES = {"population": PopulationFigure, "finance": FinancialFigure}  # by the place of a finding
MISSING = "required-section"
LONGEST = 5000  # characters of a comment or an answer
SAID = {
    Step.Kind.SENT: gettext_lazy("Sent for review."),
    Step.Kind.TAKEN_BACK: gettext_lazy("Taken back: it is a draft again."),
    Step.Kind.CHANGES_REQUESTED: gettext_lazy("Changes are requested: it is with its editors again."),
    Step.Kind.COMMENT: gettext_lazy("Your comment is kept."),
}
OF_WHAT_IS_SEEN = {Step.Kind.SENT, Step.Kind.CHANGES_REQUESTED}  # steps that speak of one edition
WITHOUT_WORDS = {
    Step.Kind.CHANGES_REQUESTED: gettext_lazy("Write in the comment what is to be changed."),
    Step.Kind.COMMENT: gettext_lazy("Write the comment first."),
}


def why_of(error: Exception) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error)


@dataclass(frozen=True)
class Shown:
    """A finding beside the form: the place that it is about, and its answer where there is one."""

    finding: Finding
    label: str
    page: str  # where the place is: “change” or “figures”; empty where it is none
    anchor: str
    answer: Answer | None = None
    when: str | None = None
    may_answer: bool = False


def place_of_finding(where: str, headings: dict[str, str]) -> tuple[str, str, str]:
    """The place of a finding: its name, its page and its anchor there."""
    if where in headings:
        return headings[where], "change", f"section-{where}"
    if where.startswith("key_figures."):
        number = int(where.partition(".")[2])
        return _("Key figure %d") % number, "change", f"key_figures-{number - 1}"
    if where == "population":
        return _("People"), "figures", "people-heading"
    if where == "finance":
        return _("Money"), "figures", "money-heading"
    return where, "", ""


def to_do(checks: Checked) -> str:
    """1 section to write, 1 error to correct and 2 warnings to answer; empty where there is nothing."""
    todo = []
    if missing := len(checks.missing):
        todo.append(ngettext("%d section to write", "%d sections to write", missing) % missing)
    if errors := len(checks.errors) - missing:
        todo.append(ngettext("%d error to correct", "%d errors to correct", errors) % errors)
    if warnings := len(checks.open):
        todo.append(ngettext("%d warning to answer", "%d warnings to answer", warnings) % warnings)
    last = todo.pop() if todo else ""
    return _("%(some)s and %(last)s") % {"some": ", ".join(todo), "last": last} if todo else last


@dataclass
class Panels:
    """What the panels beside a form show of a working copy, each part asked for when it is."""

    obj: Operation | Narrative
    newest: Edition | None
    public: Edition | None
    waiting: Edition | None
    zone: str
    urls: dict[str, str]
    may_answer: Callable[[Finding], bool]
    steps: set[str]  # the kinds of step that may be taken now, by this person
    refused: Callable[
        [], dict[str, str]
    ]  # gives back once what was typed with a step that was refused, and why
    longest: int = LONGEST

    @property
    def state(self) -> State | None:
        return state_of(self.obj) if hasattr(self.obj, "last_released") else None

    @cached_property
    def checks(self) -> Checked:
        return checked(self.obj)

    @property
    def to_do(self) -> str:
        return to_do(self.checks)

    @cached_property
    def headings(self) -> dict[str, str]:
        if isinstance(self.obj, Operation) or not (self.checks.errors or self.checks.warnings):
            return {}
        return {type.code: type.heading for type in SectionType.objects.all()}

    @property
    def missing(self) -> list[Shown]:
        """The sections that a release still needs."""
        return [self.shown(finding) for finding in self.checks.errors if finding.check == MISSING]

    @property
    def errors(self) -> list[Shown]:
        return [self.shown(finding) for finding in self.checks.errors if finding.check != MISSING]

    @property
    def open(self) -> list[Shown]:
        return [self.shown(finding) for finding in self.checks.open]

    @property
    def answered(self) -> list[Shown]:
        return [self.shown(finding, given) for finding, given in self.checks.answered]

    @property
    def warnings(self) -> list[Finding]:
        return self.checks.warnings

    def shown(self, finding: Finding, answer: Answer | None = None) -> Shown:
        label, page, anchor = place_of_finding(finding.where, self.headings)
        when = answer and with_zone(answer.at, self.zone)
        return Shown(finding, label, page, anchor, answer, when, self.may_answer(finding))

    @cached_property
    def given_back(self) -> dict[str, str]:
        return self.refused()

    @property
    def may_answer_any(self) -> bool:
        return any(map(self.may_answer, self.warnings))

    @cached_property
    def thread(self) -> Thread:
        return Thread.of(self.obj, self.zone)

    @property
    def sent(self) -> Step | None:
        return self.thread.last(Step.Kind.SENT)

    @property
    def asked(self) -> Step | None:
        return self.thread.last(Step.Kind.CHANGES_REQUESTED)

    @cached_property
    def withdrawn(self) -> Edition | None:
        """The edition that readers saw until the text was withdrawn."""
        if self.public:
            return None
        withdrawn = Edition.objects.of(self.obj).filter(withdrawn_at__isnull=False)
        return withdrawn.defer("content").select_related("withdrawn_by").first()

    @property
    def withdrawn_when(self) -> str:
        return with_zone(self.withdrawn.withdrawn_at, self.zone) if self.withdrawn else ""

    @property
    def is_ahead(self) -> bool:
        """There is a draft newer than the edition whose release is set for a time."""
        return bool(self.waiting and self.newest and self.newest.number > self.waiting.number)


class Reviewing(Pages):
    """A mixin of ``WorkingCopyAdmin``: what is shown beside its form, and what is sent from there."""

    def get_urls(self) -> list:
        return [
            self.path("answer", require_POST(self.answer_view)),
            self.path("review", require_POST(self.review_view)),
            *super().get_urls(),
        ]

    def standing(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        standing = super().standing(request, obj)
        if obj is None or not obj.pk:
            return standing
        pages = ["change", "answer", "review", *(["figures"] if isinstance(obj, Operation) else [])]
        made = {name: standing[name] for name in ("newest", "public", "waiting")}
        panels = Panels(
            obj,
            **made,
            zone=zone_of(request),
            urls={name: self.url(name, obj) for name in pages},
            may_answer=partial(self.may_answer, request, obj),
            steps={kind.value for kind in possible_steps(obj, **made) if self.may_take(request, obj, kind)},
            refused=partial(request.session.pop, self.refused_key(obj), {}),
        )
        return {**standing, "panels": panels, "state": panels.state}

    def refused_key(self, obj: Any) -> str:
        return f"refused-{self.opts.model_name}-{obj.pk}"

    def may_answer(self, request: HttpRequest, obj: Any, finding: Finding) -> bool:
        """Who may change what it is about; and who may release it all, since a release needs the answer."""
        if self.has_release_permission(request, obj):
            return True
        if isinstance(obj, Operation) and finding.where in FIGURES:
            return self.is_mine(request, obj, permission(FIGURES[finding.where], "change"))
        return self.has_change_permission(request, obj)

    def may_take(self, request: HttpRequest, obj: Any, kind: str) -> bool:
        if kind == Step.Kind.SENT:
            return self.has_change_permission(request, obj)
        if kind == Step.Kind.TAKEN_BACK:
            sent = Step.objects.of(obj).filter(kind=Step.Kind.SENT)
            return self.has_change_permission(request, obj) or (
                sent.values_list("by", flat=True).last() == request.user.pk
            )
        if kind == Step.Kind.CHANGES_REQUESTED:
            return self.has_release_permission(request, obj)
        return kind == Step.Kind.COMMENT

    def say_findings(self, request: HttpRequest, obj: Any, edition: Edition) -> None:
        """After a save of a draft: what the checks ask for, with a link to them."""
        if edition.released_at is None and (words := to_do(checked(obj))):
            said = _("Before its release: <a href='{url}#checks'>{to_do}</a>.")
            self.message_user(
                request, format_html(said, url=self.url("change", obj), to_do=words), messages.WARNING
            )

    def answer_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Keep the answer to a warning, or take one back."""
        obj = self.found(request, object_id)
        typed, key = request.POST.get("reason", "")[:LONGEST], request.POST.get("key", "")
        try:
            with transaction.atomic():
                editions.lock(obj)
                self.refuse_answer(request, obj, key)
                if "take_back" in request.POST:
                    take_back_answer(obj, key, request.user)
                    said = _("The answer is taken back: the warning is open again.")
                else:
                    answer(obj, key, clean_lines(typed), request.user)
                    said = _("Your answer is kept.")
            self.message_user(request, said, messages.SUCCESS)
        except (ValidationError, ValueError) as error:
            self.refuse(request, _("Nothing was answered."), error, typed)
        return self.back(request, obj, "checks")

    def refuse_answer(self, request: HttpRequest, obj: Any, key: str) -> None:
        """PermissionDenied where the warning is about what this person may not change."""
        for finding in checked(obj).warnings:
            if finding.key == key and not self.may_answer(request, obj, finding):
                raise PermissionDenied

    def review_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send for review, take back, request changes, comment."""
        obj = self.found(request, object_id)
        kind, typed = request.POST.get("do", ""), request.POST.get("text", "")[:LONGEST]
        if not self.may_take(request, obj, kind):
            raise PermissionDenied
        try:
            self.take_step(request, obj, Step.Kind(kind), clean_lines(typed))
        except (ValidationError, ValueError) as error:
            said = [_("Nothing was done."), why_of(error)]
            kept = [_("What you wrote stands below.")] if typed.strip() else []
            request.session[self.refused_key(obj)] = {"said": " ".join(said), "typed": typed}
            self.message_user(request, " ".join([*said, *kept]), messages.ERROR)
        return self.back(request, obj, "review")

    def take_step(self, request: HttpRequest, obj: Any, kind: Step.Kind, words: str) -> None:
        """ValidationError where the draft is no longer in a state for it."""
        if kind in WITHOUT_WORDS and not words:
            raise ValidationError(WITHOUT_WORDS[kind])
        with transaction.atomic():
            editions.lock(obj)
            obj.refresh_from_db(fields=["review"])
            if why := refusal(obj, kind, zone_of(request)) or self.overtakes(request, obj, kind):
                raise ValidationError(why)
            said, level = SAID[kind], messages.SUCCESS
            if kind == Step.Kind.COMMENT:
                newest = Edition.objects.of(obj).defer("content").first()
                edition = newest or editions.record(obj, request.user)
                Step.objects.create(edition=edition, kind=kind, text=words, by=request.user)
            elif kind == Step.Kind.SENT:
                editions.send_for_review(obj, request.user, words)
                mail.tell_reviewers(obj, Step.objects.of(obj).last(), self.url("change", obj))
                if why := blocks(checked(obj)):
                    said, level = f"{said} {_('It cannot be released yet.')} {why}", messages.WARNING
            elif kind == Step.Kind.CHANGES_REQUESTED:
                editions.request_changes(obj, request.user, words)
                mail.tell_editors(obj, Step.objects.of(obj).last(), self.url("change", obj))
            else:
                editions.take_back(obj, request.user, words)
        self.message_user(request, said, level)

    def overtakes(self, request: HttpRequest, obj: Any, kind: str) -> str:
        """Who saved what since the page was opened, where this step would speak of what nobody has looked at."""
        newest = Edition.objects.of(obj).select_related("made_by").defer("content").first()
        if kind not in OF_WHAT_IS_SEEN or not is_newer(newest, request.POST.get("seen", "")):
            return ""
        who = newest.made_by or _("Somebody")
        if newest.made_by == request.user:
            who = _("You, in another window,")
        said = _("%(who)s saved edition %(number)s at %(time)s, while this page was open. Look at it first.")
        return said % {"who": who, "number": newest.number, "time": clock(newest.made_at, zone_of(request))}

    def refuse(self, request: HttpRequest, first: str, error: Exception, typed: str) -> None:
        """Say why, and give back what was typed."""
        parts = [first, why_of(error)]
        if typed.strip():
            parts.append(_("You wrote: “%s”") % typed.strip())
        self.message_user(request, " ".join(parts), messages.ERROR)

    def back(self, request: HttpRequest, obj: Any, panel: str) -> HttpResponse:
        """To the page that it was sent from, with the years that it showed."""
        page = request.POST.get("back", "")
        if page not in {"release", *(["figures"] if isinstance(obj, Operation) else [])}:
            page = "change"
        first = request.POST.get("from", "")
        years = f"?from={first}" if first.isascii() and first.isdecimal() and len(first) == 4 else ""
        return HttpResponseRedirect(f"{self.url(page, obj)}{years}#{panel}")
