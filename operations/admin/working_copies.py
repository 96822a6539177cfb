"""What the admin of every working copy does: rights per operation, editions, release, withdrawal."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from js_asset import Media

from .. import editions
from ..models import (
    Edition,
    Operation,
)
from ..sites import State, state_of

RELEASE = "operations.release_edition"


def state_tag(state: State) -> str:
    return format_html(
        '<span class="state state-{}"><span aria-hidden="true">{}</span> {}</span>',
        state,
        state.mark,
        state.label,
    )


def scheduled(edition: Edition | None) -> str:
    """The day and time at which the edition will be public; empty unless its release is set for later."""
    if (
        not edition
        or not edition.released_at
        or edition.withdrawn_at
        or edition.released_at <= timezone.now()
    ):
        return ""
    at = timezone.localtime(edition.released_at)
    return f"{date_format(at, 'DATETIME_FORMAT')} {at.tzname()}"


# --- Rights per operation ----------------------------------------------------------------------------


class PerOperation:
    """A ModelAdmin that shows and changes only what belongs to the operations that its user edits."""

    def editable(self, request: HttpRequest) -> set[int]:
        """The keys of the user's operations, asked once a request."""
        if not hasattr(request, "editable_operations"):
            mine = Operation.objects.editable_by(request.user).order_by()
            request.editable_operations = set(mine.values_list("pk", flat=True))
        return request.editable_operations

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        mine = Operation.objects.editable_by(request.user).order_by()
        name = "pk__in" if self.model is Operation else "operation__in"
        return super().get_queryset(request).filter(**{name: mine})

    def is_mine(self, request: HttpRequest, obj: models.Model | None) -> bool:
        if obj is None:
            return True
        key = obj.pk if self.model is Operation else obj.operation_id
        return key in self.editable(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and self.is_mine(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self.is_mine(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self.is_mine(request, obj)

    def has_release_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may change something may release and withdraw it, if they may release at all."""
        return request.user.has_perm(RELEASE) and self.has_change_permission(request, obj)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(getattr(field, "widget", None), RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget  # without links that open another form in a window
        return field

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.remote_field.model is Operation:
            kwargs["queryset"] = Operation.objects.editable_by(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


# --- Working copies and their editions ---------------------------------------------------------------


class WorkingCopyAdmin(PerOperation):
    """A ModelAdmin whose every save records an edition, and whose form can release and withdraw."""

    view_on_site = False  # the forms have a link of their own, see ``public_url``

    def get_urls(self) -> list:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        withdraw = path(
            "<path:object_id>/withdraw/",
            self.admin_site.admin_view(self.withdraw_view),
            name=f"{name}_withdraw",
        )
        return [withdraw, *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kw: Any
    ) -> Any:
        if "_release" in request.POST and not self.has_release_permission(request):
            raise PermissionDenied
        if request.method != "POST" or not (object_id or "").isdecimal() or len(object_id) > 18:
            return super().changeform_view(request, object_id, *args, **kw)
        with transaction.atomic():  # who saves second is compared with what the first has saved
            Operation.objects.lock(**{"pk" if self.model is Operation else "narratives": object_id})
            return super().changeform_view(request, object_id, *args, **kw)

    def render_change_form(
        self, request: HttpRequest, context: dict, *args: Any, obj: Any = None, **kw: Any
    ) -> Any:
        context["media"] = Media.from_media(context["media"], nonce=request.csp_nonce)
        context |= self.standing(request, obj)
        if obj is not None:
            context |= {"title": str(obj), "subtitle": None}
        return super().render_change_form(request, context, *args, obj=obj, **kw)

    def standing(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """Where a working copy stands, for the line above its form and the buttons under it."""
        newest = public = None
        if obj is not None and obj.pk:
            made = (
                Edition.objects.of(obj).defer("content").select_related("made_by", "released_by", "operation")
            )
            newest, public = made.first(), made.released().first()
        return {
            "newest": newest,
            "public": public,
            "scheduled": scheduled(newest),
            "may_release": self.has_release_permission(request, obj),
            "public_url": self.public_url(obj) if obj is not None and obj.pk else None,
        }

    def public_url(self, obj: Any) -> str | None:
        """The public page; ``None`` while the operation has none. Drafts are not shown there."""
        operation = obj if isinstance(obj, Operation) else obj.operation_id
        has_page = Edition.objects.released().profiles().filter(operation=operation).exists()
        return obj.get_absolute_url() if has_page else None

    def save_related(self, request: HttpRequest, form: Any, formsets: list, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        self.keep(request, form.instance)

    def keep(self, request: HttpRequest, obj: Any) -> Edition:
        """Record what was saved, release it if that was asked, and say in a sentence what happened."""
        if "_release" in request.POST and self.has_release_permission(request, obj):
            return self.release(request, obj, self.refuses_release(obj))
        before = Edition.objects.of(obj).values_list("number", flat=True).first() or 0
        edition = editions.record(obj, request.user)
        if edition.number > before:
            said = _("Saved as edition %s, not yet released.") % edition.number
        elif edition.is_released():
            said = _("Nothing has changed: readers see edition %s.") % edition.number
        else:
            said = self.waits(edition) or (
                _("Nothing has changed since edition %s, which is not yet released.") % edition.number
            )
        self.message_user(request, said, messages.SUCCESS)
        return edition

    def release(self, request: HttpRequest, obj: Any, refusal: str) -> Edition:
        """Record and release, or only record and say why it is not released; a sentence says what happened."""
        if refusal:
            edition = editions.record(obj, request.user)
            said = _("Saved as edition %(number)s, but not released: %(why)s")
            self.message_user(request, said % {"number": edition.number, "why": refusal}, messages.WARNING)
            return edition
        was_public = Edition.objects.of(obj).released().values_list("number", flat=True).first()
        edition = editions.release(obj, request.user)
        url = self.public_url(obj)
        if waits := self.waits(edition):
            self.message_user(request, waits, messages.SUCCESS)
            return edition
        if edition.number == was_public:
            said = _("Nothing has changed since edition {number}, which is released.")
        elif url:
            said = _("Released as edition {number}; readers see it now.")
        else:
            said = _(
                "Released as edition {number}. Readers see it once the operation’s profile is released too."
            )
        link = format_html(' <a href="{}">{}</a>', url, _("View on site")) if url else ""
        self.message_user(request, format_html(said, number=edition.number) + link, messages.SUCCESS)
        return edition

    def waits(self, edition: Edition) -> str:
        """Says when readers will see an edition that nothing has changed since; empty where that is not set."""
        when = scheduled(edition)
        said = _("Nothing has changed since edition %(number)s, which is released on %(when)s.")
        return said % {"number": edition.number, "when": when} if when else ""

    def refuses_release(self, obj: Any) -> str:
        """Why this cannot be released, in a sentence; empty where it can."""
        return ""

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
        """Back to where the form was opened: the list with its filters, else the start page."""
        filters = self.get_preserved_filters(request)
        if "_continue" in request.POST:
            url = reverse(f"admin:operations_{self.opts.model_name}_change", args=[quote(obj.pk)])
            return HttpResponseRedirect(f"{url}?{filters}" if filters else url)
        return (
            self._response_post_save(request, obj)
            if filters
            else HttpResponseRedirect(reverse("admin:index"))
        )

    def withdraw_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_release_permission(request, obj) or not self.has_view_or_change_permission(
            request, obj
        ):
            raise PermissionDenied
        change_url = reverse(f"admin:operations_{self.opts.model_name}_change", args=[quote(obj.pk)])
        if request.method == "POST":
            if edition := editions.withdraw(obj, request.user):
                said = _("Edition %s is withdrawn; readers no longer see it.") % edition.number
                self.log_change(request, obj, said)
                self.message_user(request, said, messages.SUCCESS)
                newest = Edition.objects.of(obj).first()
                if when := scheduled(newest):
                    said = _("Edition %(number)s is still set to be released on %(when)s.")
                    self.message_user(
                        request, said % {"number": newest.number, "when": when}, messages.WARNING
                    )
            else:
                self.message_user(
                    request, _("Nothing was withdrawn: no edition is public."), messages.WARNING
                )
            return HttpResponseRedirect(change_url)
        context = {
            **self.admin_site.each_context(request),
            **self.standing(request, obj),
            "title": _("Take back what was released?"),
            "opts": self.opts,
            "original": obj,
            "change_url": change_url,
        }
        return TemplateResponse(request, "admin/operations/withdraw.html", context)


class StateFilter(admin.SimpleListFilter):
    """By what readers see of a row that has the numbers of its editions (see ``sites``)."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list:
        return [(state.value, state.label) for state in State if state not in {State.MISSING, State.LATER}]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return {
            State.DRAFT: queryset.filter(last_released__isnull=True),
            State.RELEASED: queryset.filter(public=F("newest")),
            State.CHANGED: queryset.filter(public__lt=F("newest")),
            State.WITHDRAWN: queryset.filter(public__isnull=True, last_released__isnull=False),
        }.get(self.value(), queryset)


class StatefulList:
    @admin.display(description=gettext_lazy("state"))
    def state(self, obj: Any) -> str:
        return state_tag(state_of(obj.newest, obj.last_released, obj.public))
