"""Actions on rows of a list: what somebody else changed since the list was shown is left out, and named."""

from __future__ import annotations

import hashlib
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME, ActionForm
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.translation import ngettext

from ..asked import whole_number
from ..models import Edition, Operation, WorkingCopy

STAMP = "stamp"


def newest_edition() -> int:
    return Edition.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


class ListedForm(ActionForm):
    """Knows the newest edition of all when the list was shown, for rows that are chosen but not on its page."""

    listed = forms.IntegerField(label="", required=False, widget=forms.HiddenInput, initial=newest_edition)


def stamp_of(obj: models.Model) -> str:
    """The same as long as nobody changes the row: of a working copy its newest edition, of another its values."""
    if isinstance(obj, WorkingCopy):
        return str(obj.newest or 0)
    values = [str(getattr(obj, field.attname)) for field in obj._meta.concrete_fields]
    return hashlib.blake2b("\0".join(values).encode(), digest_size=9).hexdigest()


class Stamped:
    """A ModelAdmin whose list says with each row in which state it was shown."""

    action_form = ListedForm

    def action_checkbox(self, obj: Any) -> str:
        box = super().action_checkbox(obj)
        return format_html(
            '{}<input type="hidden" name="{}" value="{}:{}">', box, STAMP, obj.pk, stamp_of(obj)
        )

    def response_action(
        self,
        request: HttpRequest,
        queryset: QuerySet,
        **where: Any,  # Django 6.1 says where the action stands
    ) -> HttpResponse | None:
        with transaction.atomic():
            chosen = self.acted_on(request, queryset)
            if changed := [row for row in chosen if self.is_changed(request, row)]:
                self.message_user(request, left_out(changed), messages.WARNING)
                if len(changed) == len(chosen):
                    return HttpResponseRedirect(request.get_full_path())
                queryset = queryset.exclude(pk__in=[row.pk for row in changed])
            response = super().response_action(request, queryset, **where)
        if isinstance(response, TemplateResponse):  # a page that asks first: it, too, says what it shows
            kept = [row for row in chosen if row not in changed]
            response.context_data["stamps"] = [f"{row.pk}:{stamp_of(row)}" for row in kept]
        return response

    def acted_on(self, request: HttpRequest, queryset: QuerySet) -> list[Any]:
        """The rows, which nobody can change until the action is done."""
        if request.POST.get("select_across") != "1":
            keys = map(whole_number, request.POST.getlist(ACTION_CHECKBOX_NAME))
            queryset = queryset.filter(pk__in=[key for key in keys if key is not None])
        name = "pk" if self.model is Operation else "operation"
        places = set(queryset.order_by().values_list(name, flat=True))
        Operation.objects.lock_all(places)
        return list(queryset)

    def is_changed(self, request: HttpRequest, row: Any) -> bool:
        """Whether somebody else changed it since the list was shown; not where the request does not say when."""
        stamps = dict(stamp.partition(":")[::2] for stamp in request.POST.getlist(STAMP))
        whole = row if isinstance(row, WorkingCopy) else row.operation
        later = Edition.objects.of(whole).exclude(made_by=request.user)
        if (stamp := stamps.get(str(row.pk))) is not None:
            if not isinstance(row, WorkingCopy):
                return stamp != stamp_of(row)
            return later.filter(number__gt=whole_number(stamp) or 0).exists()
        listed = whole_number(request.POST.get("listed"))
        return listed is not None and later.filter(pk__gt=listed).exists()


def left_out(rows: list[Any]) -> str:
    said = ngettext(
        "Left out, because somebody else changed it since this list was shown. Look at it, then choose it again:",
        "Left out, because somebody else changed them since this list was shown. Look at them, then choose them again:",
        len(rows),
    )
    lines = format_html_join("", "<li>{}</li>", ((str(row),) for row in rows))
    return format_html('{}<ul class="left-out">{}</ul>', said, lines)
