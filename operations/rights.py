"""Sign-in rights: the permissions that a member of staff has by their roles.

Where they have them is ``Operation.objects.allowed``; that and this are the one rule set of the admin.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.apps import apps
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, Q, QuerySet

from .models import Operation, Role


class RoleBackend(ModelBackend):
    """What concerns operations comes by roles alone, everything else by Django's own means too.

    A role for a place gives what concerns operations. Of what belongs to none, such as donors and
    headings, it gives the sight alone; to change that takes a role for every operation, or Django's
    own group or permission.
    """

    def _get_user_permissions(self, user_obj: Any) -> QuerySet:
        return user_obj.user_permissions.exclude(concerns_operations())

    def _get_group_permissions(self, user_obj: Any) -> QuerySet:
        roles = Role.objects.filter(user=user_obj)
        elsewhere = ~concerns_operations()
        here = concerns_operations() | Q(content_type__app_label__in=OURS, codename__startswith="view_")
        return Permission.objects.filter(
            Q(group__in=user_obj.groups.all()) & elsewhere
            | Q(group__in=roles.everywhere().values("group"))
            | Q(group__in=roles.values("group")) & here
        ).distinct()


OURS = ("operations", "contributions")


@cache
def concerns_operations() -> Q:
    """The permissions on operations, and on rows that belong to one each."""
    of_operations = Q(pk__in=[])
    for model in apps.get_models():
        if model is Operation or (model is not Role and belongs_to_an_operation(model)):
            name = {"app_label": model._meta.app_label, "model": model._meta.model_name}
            of_operations |= Q(**{f"content_type__{key}": value for key, value in name.items()})
    return of_operations


def belongs_to_an_operation(model: type[Model]) -> bool:
    """Itself, or as a part of a text or of what was said about an edition."""
    for name in ("operation", "narrative", "edition"):
        try:
            if model._meta.get_field(name).is_relation:
                return True
        except FieldDoesNotExist:
            continue
    return False


def has_everywhere(user: Any, *permissions: str) -> bool:
    """Whether this member of staff has one of the permissions on every operation, those to come included."""
    if not user.is_active or not user.is_staff:
        return False
    return user.is_superuser or Role.objects.giving(user, *permissions).everywhere().exists()
