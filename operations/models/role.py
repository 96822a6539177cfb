"""Who may do what, and where: a role is a group given to a member of staff for some operations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .reference import Region


def groups_giving(*permissions: str) -> models.QuerySet:
    """The groups that have one of the permissions; none has nothing that is named."""
    wanted = Q(pk__in=[])
    for permission in permissions:
        app_label, codename = permission.split(".")
        wanted |= Q(content_type__app_label=app_label, codename=codename)
    return Group.objects.filter(permissions__in=Permission.objects.filter(wanted))


class RoleQuerySet(models.QuerySet):
    def giving(self, user: Any, *permissions: str) -> RoleQuerySet:
        """The roles by which this user has one of the permissions, such as “operations.change_narrative”."""
        return self.filter(user=user, group__in=groups_giving(*permissions))

    def giving_all(self, user: Any, *permissions: str) -> RoleQuerySet:
        """The roles that each give this user all of the permissions: none of them lends one to another."""
        roles = self.filter(user=user)
        for permission in permissions:
            roles = roles.filter(group__in=groups_giving(permission))
        return roles

    def everywhere(self) -> RoleQuerySet:
        return self.filter(operation__isnull=True, region__isnull=True)

    def reaching(self, operation: Any, regions: Iterable[Any]) -> RoleQuerySet:
        """The roles that hold for an operation in these regions: its own, and those that it is part of."""
        here = Q(operation__isnull=True, region__isnull=True) | Q(operation=operation)
        for region in regions:
            here |= Q(region=region)
        return self.filter(here)


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

    def clean(self) -> None:
        """A role is for those who can sign in to the admin; others would have it without knowing."""
        if self.user_id is None:
            return
        said = {
            not self.user.is_staff: _("%s cannot sign in to the admin. Make the account one of staff first."),
            not self.user.is_active: _("The account of %s is closed. Open it again first."),
        }
        if True in said:
            raise ValidationError({"user": said[True] % self.user})

    @property
    def where(self) -> str:
        return str(self.operation or self.region or gettext("every operation"))
