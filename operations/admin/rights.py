"""Rights per operation in the admin: one rule for lists, forms, choices and permissions."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import NestedObjects
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth import get_permission_codename
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from django.utils.translation import ngettext

from ..models import Edition, Operation, Role
from ..rights import belongs_to_an_operation, has_everywhere

RELEASE = "operations.release_edition"
READ_PROFILES = ("operations.view_operation", "operations.change_operation")
READ_TEXTS = ("operations.view_narrative", "operations.change_narrative")
READ_OFFICES = ("operations.view_office", "operations.change_office")


def allowed(request: HttpRequest, *permissions: str, by_one_role: bool = False) -> set[int]:
    """The keys of the operations on which the user has one of the permissions, asked once a request.

    Where ``by_one_role``, of those on which one role gives all of them.
    """
    asked = request.__dict__.setdefault("allowed_operations", {})
    if (permissions, by_one_role) not in asked:
        mine = Operation.objects.allowed(request.user, *permissions, by_one_role=by_one_role).order_by()
        asked[permissions, by_one_role] = set(mine.values_list("pk", flat=True))
    return asked[permissions, by_one_role]


def everywhere(request: HttpRequest, *permissions: str) -> bool:
    """Whether the user has one of the permissions on every operation, asked once a request."""
    asked = request.__dict__.setdefault("allowed_everywhere", {})
    if permissions not in asked:
        asked[permissions] = has_everywhere(request.user, *permissions)
    return asked[permissions]


def operation_of(obj: Any) -> int | None:
    """The key of the operation that a row belongs to; ``None`` for one that belongs to none."""
    if isinstance(obj, Operation):
        return obj.pk
    for whole in ("narrative", "edition"):
        if hasattr(obj, f"{whole}_id"):
            return getattr(obj, whole).operation_id
    return getattr(obj, "operation_id", None)


def permission(model: type[models.Model] | models.Model, action: str) -> str:
    """Such as “operations.change_narrative”."""
    return f"{model._meta.app_label}.{get_permission_codename(action, model._meta)}"


def is_mine(request: HttpRequest, operation: int | None, *permissions: str) -> bool:
    """Whether the user has one of the permissions there; where there is no operation, on every one."""
    if operation is None:
        return everywhere(request, *permissions)
    return operation in allowed(request, *permissions)


def content_for(request: HttpRequest, of: models.Model, content: Any) -> Any:
    """What an edition of something holds, for this user.

    Without the offices that are not public for who may not see offices there, and without the predecessor for who may
    not know of it.
    """
    if content and content.get("predecessor") and not knows_of(request, content["predecessor"]["code"]):
        content = {**content, "predecessor": None}
    if (
        not content
        or "offices" not in content["private"]
        or is_mine(request, operation_of(of), *READ_OFFICES)
    ):
        return content
    return {key: value for key, value in content.items() if key != "private"}


def knows_of(request: HttpRequest, code: str) -> bool:
    """Whether the operation of this code is one that the user sees, or that readers see."""
    if everywhere(request, *READ_PROFILES):
        return True
    mine = Operation.objects.filter(code=code, pk__in=allowed(request, *READ_PROFILES))
    return mine.exists() or Edition.objects.released().profiles().filter(content__code=code).exists()


def is_seen(request: HttpRequest, obj: models.Model) -> bool:
    """Whether the user may know of this row: it belongs to an operation where they may, or to none."""
    if isinstance(obj, Role):
        return request.user.has_perm("operations.change_role")
    if not isinstance(obj, Operation) and not belongs_to_an_operation(type(obj)):
        return True
    return is_mine(request, operation_of(obj), permission(obj, "view"), permission(obj, "change"))


class Discreet:
    """A ModelAdmin whose page before a deletion names no row of an operation that its user does not see."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple:
        to_delete, counts, needed, protected = super().get_deleted_objects(objs, request)
        collector = NestedObjects(using="default", origin=objs)
        collector.collect(objs)
        if unseen := [row for row in collector.protected if not is_seen(request, row)]:
            seen = [row for row in collector.protected if is_seen(request, row)]
            said = ngettext(
                "%d row of an operation that you do not see",
                "%d rows of operations that you do not see",
                len(unseen),
            )
            protected = [*map(named, seen), said % len(unseen)]
        if not all(is_seen(request, row) for rows in collector.data.values() for row in rows):
            to_delete = list(map(named, objs))
        return to_delete, counts, needed, protected


def named(row: models.Model) -> str:
    return f"{capfirst(row._meta.verbose_name)}: {row}"


class PerOperation(Discreet):
    """A ModelAdmin that shows and changes only what belongs to the operations where its user may do so."""

    def permission(self, action: str) -> str:
        return permission(self.model, action)

    def operations(self, request: HttpRequest, *actions: str) -> QuerySet:
        return Operation.objects.allowed(request.user, *map(self.permission, actions)).order_by()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        everything = super().get_queryset(request)
        if everywhere(request, *map(self.permission, ("view", "change"))):
            return everything
        name = "pk__in" if self.model is Operation else "operation__in"
        return everything.filter(**{name: self.operations(request, "view", "change")})

    def is_mine(self, request: HttpRequest, obj: models.Model | None, *permissions: str) -> bool:
        return obj is None or is_mine(request, operation_of(obj), *permissions)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        either = (self.permission("view"), self.permission("change"))
        return super().has_view_permission(request, obj) and self.is_mine(request, obj, *either)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """An operation is added by who may add them everywhere: there is no place yet that it belongs to."""
        may = super().has_add_permission(request)
        return may and (self.model is not Operation or everywhere(request, self.permission("add")))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        mine = self.is_mine(request, obj, self.permission("change"))
        return super().has_change_permission(request, obj) and mine

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        mine = self.is_mine(request, obj, self.permission("delete"))
        return super().has_delete_permission(request, obj) and mine

    def has_release_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may change something and by the same role release it, may release and withdraw it."""
        both = (RELEASE, self.permission("change"))
        if obj is None:
            return request.user.has_perms(both)
        return operation_of(obj) in allowed(request, *both, by_one_role=True)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(getattr(field, "widget", None), RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget  # without links that open another form in a window
        return field

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A row is added where its user may add it; an operation refers to those that its user sees."""
        if db_field.remote_field.model is Operation:
            actions = ("view", "change") if self.model is Operation else ("add",)
            kwargs["queryset"] = self.operations(request, *actions).order_by("name")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})


class PartPerOperation:
    """An inline whose rows are seen, added, changed and deleted by the rights on the operation of its form."""

    def may(self, request: HttpRequest, obj: Any, *actions: str) -> bool:
        operation = operation_of(obj)
        if obj is None:  # a new text says of which operation it is; a new operation is of none
            chosen = getattr(request, "narrative", {}).get("operation")
            operation = chosen and chosen.pk
        return is_mine(request, operation, *(permission(self.model, action) for action in actions))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Without a form: whether there may be rows at all, as ``get_queryset`` asks."""
        may = super().has_view_permission(request, obj)
        return may and (obj is None or self.may(request, obj, "view", "change"))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request, obj) and self.may(request, obj, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self.may(request, obj, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self.may(request, obj, "delete")
