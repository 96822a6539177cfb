"""What the admin of every working copy does: each save records an edition."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import quote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from js_asset import Media

from .. import editions
from ..models import (
    Edition,
    Operation,
)
from ..states import State, in_state, state_of, states_of
from .pages import zone_of
from .presence import Presence, left
from .previews import Previews
from .releasing import Releasing
from .reviewing import Reviewing
from .stamps import Stamped
from .two_editors import TwoEditors
from .versions import Versions


def state_tag(state: State) -> str:
    return format_html(
        '<span class="state state-{}"><span aria-hidden="true">{}</span> {}</span>',
        state,
        state.mark,
        state.label,
    )


# --- Working copies and their editions ---------------------------------------------------------------


class WorkingCopyAdmin(Stamped, TwoEditors, Releasing, Versions, Previews, Reviewing, Presence):
    """A ModelAdmin whose every save records an edition, and whose form can release and withdraw."""

    view_on_site = False  # the forms have a link of their own, see ``public_url``

    def render_change_form(
        self, request: HttpRequest, context: dict, *args: Any, obj: Any = None, **kw: Any
    ) -> Any:
        context["media"] = Media.from_media(context["media"], nonce=request.csp_nonce)
        context |= self.standing(request, obj)
        if obj is not None:
            context |= {"title": str(obj), "subtitle": None}
        return super().render_change_form(request, context, *args, obj=obj, **kw)

    def save_related(self, request: HttpRequest, form: Any, formsets: list, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        self.keep(request, form.instance)
        if change:
            left(request.user, self.form_name(form.instance))

    def keep(self, request: HttpRequest, obj: Any) -> Edition:
        """Record what was saved, and say in a sentence what happened."""
        before = Edition.objects.of(obj).values_list("number", flat=True).first() or 0
        edition = editions.record(obj, request.user)
        if edition.number > before:
            said = _("Saved as edition %s, not yet released.") % edition.number
        elif edition.is_released():
            said = _("Nothing has changed: readers see edition %s.") % edition.number
        else:
            said = self.waits(edition, zone_of(request)) or (
                _("Nothing has changed since edition %s, which is not yet released.") % edition.number
            )
        self.message_user(request, said, messages.SUCCESS)
        if "_release" not in request.POST:  # there, the release page says it
            self.say_findings(request, obj, edition)
        return edition

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        if IS_POPUP_VAR in request.POST:
            return super().response_add(request, obj, post_url_continue)
        return self.after_saving(request, obj)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        if IS_POPUP_VAR in request.POST:
            return super().response_change(request, obj)
        return self.after_saving(request, obj)

    def after_saving(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Back to where the form was opened: the list with its filters, else the start page; or on to the release."""
        if "_release" in request.POST:
            return self.on_to_release(request, obj)
        filters = self.get_preserved_filters(request)
        if "_continue" in request.POST:
            url = reverse(f"admin:operations_{self.opts.model_name}_change", args=[quote(obj.pk)])
            return HttpResponseRedirect(f"{url}?{filters}" if filters else url)
        return (
            self._response_post_save(request, obj)
            if filters
            else HttpResponseRedirect(reverse("admin:index"))
        )


class StateFilter(admin.SimpleListFilter):
    """By what readers see of a row that has the numbers of its editions (see ``states``)."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list:
        unused = {
            State.MISSING,
            State.LATER,
            *([State.OUT_OF_DATE] if model_admin.model is Operation else []),
        }
        return [(state.value, state.label) for state in State if state not in unused]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return in_state(queryset, self.value())


class StatefulList:
    @admin.display(description=gettext_lazy("state"))
    def state(self, obj: Any) -> str:
        if isinstance(obj, Operation):
            return state_tag(state_of(obj))
        return format_html_join(" ", "{}", ((state_tag(state),) for state in states_of(obj)))
