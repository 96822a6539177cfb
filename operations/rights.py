"""Sign-in rights: the permissions that a member of staff has by their roles.

Where they have them is ``Operation.objects.allowed``; that and this are the one rule set of the admin.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import Q, QuerySet


class RoleBackend(ModelBackend):
    """Django's own, and beside a user's groups those of their roles."""

    def _get_group_permissions(self, user_obj: Any) -> QuerySet:
        return Permission.objects.filter(Q(group__user=user_obj) | Q(group__roles__user=user_obj)).distinct()
