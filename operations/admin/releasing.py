"""Release, withdrawal, and the times that releases are set for."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import editions
from ..checks import Finding
from ..comparison import compare
from ..drafts import Checked, checked
from ..models import Answer, Edition, Operation, SectionType
from ..moments import with_zone
from ..release_forms import ReleaseForm, WithdrawForm
from ..releases import Candidate, Withdrawal
from .pages import ZONE_COOKIE, Pages, scheduled, zone_of
from .reviewing import place_of_finding
from .rights import content_for

A_YEAR = 365 * 24 * 3600


def remember_zone(request: HttpRequest, response: HttpResponse, zone: str) -> None:
    """The next time is entered, and shown, in this zone."""
    request.COOKIES[ZONE_COOKIE] = zone
    response.set_cookie(
        ZONE_COOKIE,
        zone,
        max_age=A_YEAR,
        path=reverse("admin:index"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


class Releasing(Pages):
    """A ModelAdmin of working copies that releases and withdraws them."""

    def get_urls(self) -> list:
        return [
            self.path("release", self.release_view),
            self.path("withdraw", self.withdraw_view),
            *super().get_urls(),
        ]

    def standing(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        context = super().standing(request, obj)
        if obj is not None and obj.pk and self.may_open_release(request, obj):
            newest, public = context["newest"], context["public"]
            is_public = newest is not None and public is not None and newest.pk == public.pk
            context |= {"release_url": self.url("release", obj), "is_public": is_public}
        return context

    def waits(self, edition: Edition, zone: str = "") -> str:
        """Says when readers will see an edition that nothing has changed since; empty where that is not set."""
        when = scheduled(edition, zone)
        said = _("Nothing has changed since edition %(number)s, which will be released on %(when)s.")
        return said % {"number": edition.number, "when": when} if when else ""

    # --- Who may ---------------------------------------------------------------------------------------

    def may_open_release(self, request: HttpRequest, obj: Any) -> bool:
        """Whether the release page is there for this person; what holds them back there says ``refusal``."""
        return self.has_release_permission(request, obj)

    def refusal(self, request: HttpRequest, candidate: Candidate) -> str:
        """Why it is not this person who releases this, in a sentence; empty where they may."""
        if candidate.is_refused_to(request.user):
            return _(
                "You made the last change, and on this site another person releases what you changed. "
                "It is saved; ask a colleague who may release it to open this page."
            )
        return ""

    def refuses_answers(self, request: HttpRequest, obj: Any, found: Checked) -> str:
        """Why others look at it first: this person may not answer what its release would have to answer."""
        if all(self.may_answer(request, obj, finding) for finding in found.open):
            return ""
        return _(
            "Warnings about what you may not change have no answer yet. Who may change it, or a reviewer of the "
            "operation, answers them; then you can release this."
        )

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kw: Any
    ) -> HttpResponse:
        """“Save and release…” is refused before anything is saved."""
        if "_release" in request.POST:
            new = self.model(**getattr(request, "narrative", {}))  # a new text says of which operation it is
            obj = self.get_object(request, unquote(object_id)) if object_id else new
            known = obj is not None and (obj is not new or hasattr(obj, "operation_id"))
            if known and not self.may_open_release(request, obj):
                raise PermissionDenied
        return super().changeform_view(request, object_id, *args, **kw)

    def on_to_release(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """After “Save and release…”."""
        if not self.may_open_release(request, obj):
            raise PermissionDenied
        return HttpResponseRedirect(self.url("release", obj))

    # --- The release page ------------------------------------------------------------------------------

    def release_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self.found(request, object_id)
        if not self.may_open_release(request, obj):
            raise PermissionDenied
        if request.method != "POST":
            candidate, found = Candidate.of(obj), checked(obj)
            return self.release_page(
                request, candidate, found, self.release_form(request, candidate, found), said=""
            )
        with transaction.atomic():
            editions.lock(obj)  # what is looked at is what is released
            obj = self.found(request, object_id)
            candidate, found = Candidate.of(obj), checked(obj)
            if "_unschedule" in request.POST:
                return self.unschedule(request, candidate)
            form = self.release_form(request, candidate, found)
            response, said = self.decide(request, candidate, found, form)
        return response or self.release_page(request, candidate, found, form, said)

    def release_form(self, request: HttpRequest, candidate: Candidate, found: Checked) -> ReleaseForm:
        return ReleaseForm(
            request.POST if request.method == "POST" else None,
            initial={"seen": candidate.seen},
            open_warnings=found.open,
            may_correct=candidate.before is not None,
            is_back=candidate.withdrawn is not None,
            waits=candidate.waits,
            zone=zone_of(request),
        )

    def decide(
        self, request: HttpRequest, candidate: Candidate, found: Checked, form: ReleaseForm
    ) -> tuple[HttpResponse | None, str]:
        """Release what the page showed, or say why the page is shown again."""
        if candidate.is_public:
            said = _("Edition %s is released already; readers see it.") % candidate.number
            self.message_user(request, said, messages.INFO)
            return self.to_form(request, candidate), ""
        if self.refusal(request, candidate) or self.refuses_answers(request, candidate.working_copy, found):
            return None, _("Nothing was released.")
        if self.is_set_already(candidate, form):
            self.message_user(request, self.will_be_released(request, candidate.waits), messages.INFO)
            return self.to_form(request, candidate), ""
        if form.data.get("seen") != candidate.seen:
            form.data = form.data.copy()
            form.data["seen"] = candidate.seen
            return None, self.overtaken(request, candidate)
        if found.errors or not form.is_valid():
            return None, _("Nothing was released: look at what is marked below.")
        return self.release(request, candidate, form), ""

    def is_set_already(self, candidate: Candidate, form: ReleaseForm) -> bool:
        """The button was pressed twice."""
        waits = candidate.waits
        if not waits or not form.is_valid() or not form.is_for_later:
            return False
        given = form.cleaned_data
        return (waits.released_at, waits.note, waits.is_correction) == (
            given["at"],
            given["note"],
            given.get("is_correction", False),
        )

    def release(self, request: HttpRequest, candidate: Candidate, form: ReleaseForm) -> HttpResponse:
        given, obj = form.cleaned_data, candidate.working_copy
        edition = editions.release(
            obj,
            request.user,
            given["at"] if form.is_for_later else None,
            note=given["note"],
            is_correction=given.get("is_correction", False),
        )
        self.keep_answers(request, edition, form)
        response = self.to_form(request, candidate)
        if form.is_for_later:
            remember_zone(request, response, form["at"].data[2])
            said: Any = self.will_be_released(request, edition)
            self.log_change(request, obj, said)
        else:
            said = self.was_released(obj, edition)
            self.log_change(request, obj, _("Released edition %s.") % edition.number)
        self.message_user(request, said, messages.SUCCESS)
        return response

    def keep_answers(self, request: HttpRequest, edition: Edition, form: ReleaseForm) -> None:
        for name, finding in form.warnings.items():
            Answer.objects.create(
                edition=edition,
                check_code=finding.check,
                key=finding.key,
                message=finding.message,
                reason=form.cleaned_data[name],
                by=request.user,
            )

    def unschedule(self, request: HttpRequest, candidate: Candidate) -> HttpResponse:
        if not self.may_unschedule(request, candidate):
            raise PermissionDenied
        if taken := editions.unschedule(candidate.working_copy, request.user):
            said = _("Edition %s is no longer set to be released.") % taken[0].number
            self.log_change(request, candidate.working_copy, said)
            self.message_user(request, said, messages.SUCCESS)
        else:
            said = _("Nothing was taken back: no release is set for a time any more.")
            self.message_user(request, said, messages.WARNING)
        return HttpResponseRedirect(request.path)

    def may_unschedule(self, request: HttpRequest, candidate: Candidate) -> bool:
        may_all = self.has_release_permission(request, candidate.working_copy)
        return may_all or not self.refusal(request, candidate)

    def form_url(self, request: HttpRequest, obj: Any) -> str:
        """Where this person works on what is released."""
        return self.url("change", obj)

    def to_form(self, request: HttpRequest, candidate: Candidate) -> HttpResponse:
        return HttpResponseRedirect(self.form_url(request, candidate.working_copy))

    def release_page(
        self, request: HttpRequest, candidate: Candidate, found: Checked, form: ReleaseForm, said: str
    ) -> HttpResponse:
        obj, before, withdrawn = candidate.working_copy, candidate.before, candidate.withdrawn
        contents = (before and before.content, candidate.content)
        refusal = self.refusal(request, candidate) or self.refuses_answers(request, obj, found)
        answered = [finding for finding, _answer in found.answered]
        context = {
            **self.page_context(request, obj, _("Release")),
            "subtitle": str(obj),
            "form_url": self.form_url(request, obj),
            "candidate": candidate,
            "comparison": compare(*(content_for(request, obj, content) for content in contents)),
            "errors": list(zip(found.errors, self.places(obj, found.errors), strict=True)),
            "warnings": list(zip(form.reasons, self.places(obj, found.open), strict=True)),
            "answered": list(zip(found.answered, self.places(obj, answered), strict=True)),
            "withdrawn_when": withdrawn and with_zone(withdrawn.withdrawn_at, zone_of(request)),
            "form": form,
            "refusal": "" if candidate.is_public else refusal,
            "may_unschedule": self.may_unschedule(request, candidate),
            "said": said,
            "guesses_zone": not form.is_bound and not candidate.waits and ZONE_COOKIE not in request.COOKIES,
        }
        return TemplateResponse(request, "admin/operations/release.html", context)

    def places(self, obj: Any, found: list[Finding]) -> list[tuple[str, str]]:
        """Where each of what was found is corrected: its name, and its address in the forms."""
        headings = (
            {}
            if self.model is Operation or not found
            else {type.code: type.heading for type in SectionType.objects.all()}
        )
        places = []
        for finding in found:
            label, page, anchor = place_of_finding(finding.where, headings)
            places.append((label, f"{self.url(page or 'change', obj)}{anchor and '#'}{anchor}"))
        return places

    # --- What is said ----------------------------------------------------------------------------------

    def will_be_released(self, request: HttpRequest, edition: Edition) -> str:
        said = _("Edition %(number)s will be released on %(when)s.")
        return said % {"number": edition.number, "when": with_zone(edition.released_at, zone_of(request))}

    def was_released(self, obj: Any, edition: Edition) -> str:
        if not (url := self.public_url(obj)):
            return _(
                "Released as edition %s. Readers see it once the operation’s profile is released too."
            ) % (edition.number)
        said = _("Released as edition {number}; readers see it now.")
        link = format_html(' <a href="{}">{}</a>', url, _("View on site"))
        return format_html(said, number=edition.number) + link

    def overtaken(self, request: HttpRequest, candidate: Candidate) -> str:
        """Who changed what since the page was opened."""
        newest, seen = candidate.newest, request.POST.get("seen", "").partition("-")[0]
        if newest and newest.withdrawn_at:
            said, who = _("%(who)s withdrew it while this page was open."), newest.withdrawn_by
        elif newest and newest.number == candidate.number and seen != str(candidate.number):
            said, who = (
                _("%(who)s saved edition %(number)s at %(time)s, while this page was open."),
                newest.made_by,
            )
        elif candidate.waits:
            said, who = _("%(who)s set a time for its release while this page was open."), newest.released_by
        else:
            said, who = _("What is below has changed while this page was open."), None
        said %= {
            "who": who or _("Somebody"),
            "number": candidate.number,
            "time": date_format(localtime(newest.made_at), "H:i") if newest else "",
        }
        return f"{said} {_('Nothing was released. Look at the comparison again.')}"

    # --- The page that withdraws -----------------------------------------------------------------------

    def withdraw_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self.found(request, object_id)
        if not self.has_release_permission(request, obj):
            raise PermissionDenied
        if request.method != "POST":
            return self.withdraw_page(request, obj, Withdrawal.of(obj), None)
        with transaction.atomic():
            editions.lock(obj)
            withdrawal = Withdrawal.of(obj)
            if withdrawal.public is None:
                self.message_user(
                    request, _("Nothing was withdrawn: no edition is public."), messages.WARNING
                )
                return HttpResponseRedirect(self.url("change", obj))
            form = self.withdraw_form(obj, withdrawal, request.POST)
            if form.is_valid():
                return self.withdraw(request, withdrawal, form)
        return self.withdraw_page(request, obj, withdrawal, form)

    def withdraw_form(self, obj: Any, withdrawal: Withdrawal, data: Any = None) -> WithdrawForm:
        return WithdrawForm(
            data,
            public=withdrawal.public,
            path=obj.get_absolute_url(),
            translations=", ".join(text.get_language_display() for text in withdrawal.translations),
        )

    def withdraw_page(
        self, request: HttpRequest, obj: Any, withdrawal: Withdrawal, form: WithdrawForm | None
    ) -> HttpResponse:
        form = form or self.withdraw_form(obj, withdrawal)
        context = {
            **self.page_context(request, obj, _("Withdraw")),
            "subtitle": str(obj),
            "withdrawal": withdrawal,
            "waiting_times": [
                (edition, with_zone(edition.released_at, zone_of(request))) for edition in withdrawal.waiting
            ],
            "form": form,
            "withdraw_fields": [form["replaced_by"], form["notice"]],
            "is_profile": not hasattr(obj, "operation_id"),
        }
        return TemplateResponse(request, "admin/operations/withdraw.html", context)

    def withdraw(self, request: HttpRequest, withdrawal: Withdrawal, form: WithdrawForm) -> HttpResponse:
        given, obj = form.cleaned_data, withdrawal.working_copy
        texts = [obj, *(withdrawal.translations if given.get("with_translations") else [])]
        for text in texts:
            self.log_change(request, text, self.withdraw_one(request, text, given))
        said = _("It is withdrawn: readers no longer see it, and no older edition takes its place.")
        self.message_user(request, said, messages.SUCCESS)
        if others := texts[1:]:
            said = ngettext(
                "%d translation is withdrawn with it.", "%d translations are withdrawn with it.", len(others)
            )
            self.message_user(request, said % len(others), messages.SUCCESS)
        return HttpResponseRedirect(self.url("change", obj))

    def withdraw_one(self, request: HttpRequest, text: Any, given: dict[str, Any]) -> str:
        """What is noted in the log of the text."""
        edition = editions.withdraw(
            text,
            request.user,
            reason=given["reason"],
            notice=given["notice"],
            replaced_by=given["replaced_by"],
        )
        if edition is not None:
            return _("Withdrew edition %s.") % edition.number
        (taken, *_others) = editions.unschedule(text, request.user)
        return _("Edition %s is no longer set to be released.") % taken.number
