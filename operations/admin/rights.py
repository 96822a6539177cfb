"""Rights per operation in the admin: one rule for lists, forms, choices and permissions."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth import get_permission_codename
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst

from ..models import Operation

RELEASE = "operations.release_edition"


def allowed(request: HttpRequest, *permissions: str) -> set[int]:
    """The keys of the operations on which the user has one of the permissions, asked once a request."""
    asked = request.__dict__.setdefault("allowed_operations", {})
    if permissions not in asked:
        mine = Operation.objects.allowed(request.user, *permissions).order_by()
        asked[permissions] = set(mine.values_list("pk", flat=True))
    return asked[permissions]


class PerOperation:
    """A ModelAdmin that shows and changes only what belongs to the operations where its user may do so."""

    def permission(self, action: str) -> str:
        return f"{self.opts.app_label}.{get_permission_codename(action, self.opts)}"

    def operations(self, request: HttpRequest, *actions: str) -> QuerySet:
        return Operation.objects.allowed(request.user, *map(self.permission, actions)).order_by()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        name = "pk__in" if self.model is Operation else "operation__in"
        return super().get_queryset(request).filter(**{name: self.operations(request, "view", "change")})

    def is_mine(self, request: HttpRequest, obj: models.Model | None, *permissions: str) -> bool:
        if obj is None:
            return True
        key = obj.pk if self.model is Operation else obj.operation_id
        return key in allowed(request, *permissions)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        either = (self.permission("view"), self.permission("change"))
        return super().has_view_permission(request, obj) and self.is_mine(request, obj, *either)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        mine = self.is_mine(request, obj, self.permission("change"))
        return super().has_change_permission(request, obj) and mine

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        mine = self.is_mine(request, obj, self.permission("delete"))
        return super().has_delete_permission(request, obj) and mine

    def has_release_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may change something and release its operation's editions may release and withdraw it."""
        may = request.user.has_perm(RELEASE) and self.is_mine(request, obj, RELEASE)
        return may and self.has_change_permission(request, obj)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(getattr(field, "widget", None), RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget  # without links that open another form in a window
        return field

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.remote_field.model is Operation:
            kwargs["queryset"] = self.operations(request, "add", "change").order_by("name")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})
