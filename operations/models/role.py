"""Who may do what, and where: a role is a group given to a member of staff for some operations."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .reference import Region


class RoleQuerySet(models.QuerySet):
    def giving(self, user: Any, *permissions: str) -> RoleQuerySet:
        """The roles by which this user has one of the permissions, such as “operations.change_narrative”."""
        wanted = Q()
        for permission in permissions:
            app_label, codename = permission.split(".")
            wanted |= Q(content_type__app_label=app_label, codename=codename)
        return self.filter(
            user=user, group__in=Group.objects.filter(permissions__in=Permission.objects.filter(wanted))
        )


class Role(models.Model):
    """A group's permissions for one operation, for the operations of a region, or (with neither) for every one."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="roles", verbose_name=_("member of staff")
    )
    group = models.ForeignKey(Group, models.CASCADE, related_name="roles", verbose_name=_("role"))
    operation = models.ForeignKey(
        "operations.Operation",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="roles",
        verbose_name=_("operation"),
    )
    region = models.ForeignKey(
        Region, models.CASCADE, null=True, blank=True, related_name="roles", verbose_name=_("region")
    )

    objects = RoleQuerySet.as_manager()

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        ordering = ["user", "group", "region", "operation"]
        constraints = [
            models.UniqueConstraint(
                "user",
                "group",
                "operation",
                condition=Q(operation__isnull=False),
                name="role_in_operation_once",
            ),
            models.UniqueConstraint(
                "user", "group", "region", condition=Q(region__isnull=False), name="role_in_region_once"
            ),
            models.UniqueConstraint(
                "user",
                "group",
                condition=Q(operation__isnull=True, region__isnull=True),
                name="role_everywhere_once",
            ),
            models.CheckConstraint(
                name="role_for_an_operation_or_a_region",
                condition=Q(operation__isnull=True) | Q(region__isnull=True),
                violation_error_message=_("Choose an operation or a region, not both."),
            ),
        ]

    def __str__(self) -> str:
        return gettext("%(user)s: %(group)s, %(where)s") % {
            "user": self.user,
            "group": self.group,
            "where": self.where,
        }

    @property
    def where(self) -> str:
        return str(self.operation or self.region or gettext("every operation"))
