"""Who may do what where: roles given, taken away, and asked by operation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .models import Operation, Region, Role
from .models.role import groups_giving

GIVE = "operations.change_role"

Place = Operation | Region | None


def _figures(model: str) -> list[str]:
    return [f"operations.{action}_{model}" for action in ("add", "change", "delete")]


# What one role has to give, all of it, for its holder to have the right.
RIGHTS: list[tuple[Any, list[str]]] = [
    (
        gettext_lazy("release and withdraw texts"),
        ["operations.release_edition", "operations.change_narrative"],
    ),
    (
        gettext_lazy("release and withdraw the profile"),
        ["operations.release_edition", "operations.change_operation"],
    ),
    (gettext_lazy("release money"), ["operations.release_edition", *_figures("financialfigure")]),
    (gettext_lazy("write texts"), ["operations.change_narrative"]),
    (gettext_lazy("change the profile"), ["operations.change_operation"]),
    (gettext_lazy("enter people"), _figures("populationfigure")),
    (gettext_lazy("enter money"), _figures("financialfigure")),
    (gettext_lazy("import contributions"), ["contributions.import_contribution"]),
    (gettext_lazy("read texts"), ["operations.view_narrative"]),
    (gettext_lazy("read the profile"), ["operations.view_operation"]),
]


def name_of(person: Any) -> str:
    """Such as “Ana Quispe (ana)”: two people may bear one name."""
    full = person.get_full_name()
    return f"{full} ({person.username})" if full else person.username


@dataclass(slots=True)
class Holder:
    """Somebody who has a right on an operation, and the roles by which they have it (none: an administrator)."""

    person: Any
    roles: list[Role] = field(default_factory=list)

    @property
    def name(self) -> str:
        return name_of(self.person)


def who_may(operation: Operation) -> list[tuple[str, list[Holder]]]:
    """Each right on this operation with everybody who has it there, in a fixed number of queries."""
    working = get_user_model().objects.filter(is_active=True, is_staff=True)
    administrators = [Holder(person) for person in working.filter(is_superuser=True).order_by("username")]
    reaching = (
        Role.objects.reaching(operation.pk, regions_of(operation))
        .filter(user__in=working.filter(is_superuser=False))
        .select_related("user", "group", "region", "operation")
        .prefetch_related("group__permissions__content_type")
        .order_by("user__username", "group__name", "pk")
    )
    given = [
        (role, {f"{p.content_type.app_label}.{p.codename}" for p in role.group.permissions.all()})
        for role in reaching
    ]
    answer = []
    for label, needed in RIGHTS:
        holders: dict[int, Holder] = {}
        for role, permissions in given:
            if permissions.issuperset(needed):
                holders.setdefault(role.user_id, Holder(role.user)).roles.append(role)
        answer.append((str(label), [*holders.values(), *administrators]))
    return answer


def regions_of(operation: Operation) -> list[int]:
    """The keys of its region and of those that that is part of."""
    parents = dict(Region.objects.values_list("pk", "parent_id"))
    regions, region = [], operation.region_id
    while region is not None and len(regions) < Region.LEVELS:
        regions.append(region)
        region = parents[region]
    return regions


def administrators() -> QuerySet:
    """The accounts that give roles: superusers, and those who have the right to by a role, a group or themselves."""
    giving = groups_giving(GIVE)
    return (
        get_user_model()
        .objects.filter(is_active=True, is_staff=True)
        .filter(
            Q(is_superuser=True)
            | Q(pk__in=Role.objects.everywhere().filter(group__in=giving).values("user"))
            | Q(groups__in=giving)
            | Q(
                user_permissions__codename="change_role",
                user_permissions__content_type__app_label="operations",
            )
        )
        .distinct()
    )


def groups_to_give(user: Any) -> QuerySet:
    """The groups that this person gives as roles: those over accounts and roles are given by a superuser alone."""
    if user.is_superuser:
        return Group.objects.order_by("name")
    if not user.has_perm(GIVE):
        return Group.objects.none()
    over_accounts = Q(permissions__content_type__app_label="auth") | Q(
        permissions__content_type__app_label="operations", permissions__content_type__model="role"
    )
    return Group.objects.exclude(pk__in=Group.objects.filter(over_accounts)).order_by("name")


def give(by: Any, people: Iterable[Any], group: Group, places: Iterable[Place]) -> list[Role]:
    """Give the role to each of these people in each of these places; the ones that they did not have yet.

    ValidationError where an account is closed or not one of staff: then nobody has got it.
    """
    people = list(people)
    wheres = [
        {
            "operation": place if isinstance(place, Operation) else None,
            "region": place if isinstance(place, Region) else None,
        }
        for place in places
    ]
    with transaction.atomic():
        has = set(
            Role.objects.filter(user__in=people, group=group).values_list("user", "operation", "region")
        )
        asked = [Role(user=person, group=group, **where) for person in people for where in wheres]
        new = [role for role in asked if (role.user_id, role.operation_id, role.region_id) not in has]
        for role in new:
            role.clean()
        Role.objects.bulk_create(new, ignore_conflicts=True)  # a colleague may give the same at this moment
        for person in people:
            if got := [str_of(role) for role in new if role.user_id == person.pk]:
                log(by, person, _("Given the role %s.") % ", ".join(got))
    return new


def take(by: Any, role: Role) -> None:
    """Take this role away; ValidationError where nobody would be left who gives roles."""
    with transaction.atomic():
        said = _("Taken away the role %s.") % str_of(role)
        role.delete()
        refuse_to_leave_none()
        log(by, role.user, said)


def take_from_group(by: Any, person: Any, group: Group) -> None:
    """End a membership without a place; ValidationError as of ``take``."""
    with transaction.atomic():
        person.groups.remove(group)
        refuse_to_leave_none()
        log(by, person, _("Taken out of the group %s.") % group)


def refuse_to_leave_none() -> None:
    if not administrators().exists():
        raise ValidationError(
            _(
                "Nothing was taken away: nobody would be left who gives roles. Give the role to a colleague first."
            )
        )


def str_of(role: Role) -> str:
    """Such as “Field editors · Peru”."""
    return f"{role.group} · {role.where}"


def log(by: Any, person: Any, said: str) -> None:
    LogEntry.objects.log_actions(by.pk, [person], CHANGE, said, single_object=True)
