"""The screen on which an administrator sees and gives roles."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import F, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from .. import roles
from ..asked import whole_number
from ..models import Operation, Region, Role

PEOPLE_AT_ONCE = 50


class FilterForm(forms.Form):
    """Which people the table shows."""

    person = forms.CharField(
        label=gettext_lazy("Person"),
        required=False,
        max_length=150,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    role = forms.ModelChoiceField(
        Group.objects.order_by("name"),
        label=gettext_lazy("Role"),
        required=False,
        empty_label=gettext_lazy("any"),
    )
    operation = forms.ModelChoiceField(
        Operation.objects.order_by("name"),
        label=gettext_lazy("Operation"),
        required=False,
        empty_label=gettext_lazy("any"),
    )
    region = forms.ModelChoiceField(
        Region.objects.all(), label=gettext_lazy("Region"), required=False, empty_label=gettext_lazy("any")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="show_%s", **kwargs)

    @property
    def asked(self) -> dict[str, Any]:
        """What was asked for; what is not there asks nothing."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}

    def people(self) -> QuerySet:
        """Those who work, and those who have a role still, with their roles."""
        found = get_user_model().objects.filter(Q(is_active=True, is_staff=True) | Q(roles__isnull=False))
        asked = self.asked
        for word in asked.get("person", "").split():
            names = Q()
            for name in ("username", "first_name", "last_name", "email"):
                names |= Q(**{f"{name}__icontains": word})
            found = found.filter(names)
        if asked.keys() & {"role", "operation", "region"}:
            found = found.filter(roles__in=self.wanted())
        # What is empty comes first on every database: a region's roles stand after those of single operations.
        shown = Role.objects.select_related("group", "region", "operation").order_by(
            "group__name", F("region__name").asc(nulls_first=True), F("operation__name").asc(nulls_first=True)
        )
        return found.distinct().order_by("username").prefetch_related(Prefetch("roles", shown), "groups")

    def wanted(self) -> QuerySet:
        """The roles that the table is asked for."""
        asked, found = self.asked, Role.objects.all()
        if "role" in asked:
            found = found.filter(group=asked["role"])
        if "operation" in asked:
            operation = asked["operation"]
            found = found.reaching(operation.pk, roles.regions_of(operation))
        if "region" in asked:
            found = found.filter(Q(region=asked["region"]) | Q(operation__region=asked["region"]))
        return found


class RoleForm(forms.Form):
    """A role for some people in some places."""

    people = forms.ModelMultipleChoiceField(
        get_user_model().objects.order_by("username"),
        label=gettext_lazy("Who"),
        error_messages={"required": gettext_lazy("Choose at least one person.")},
    )
    group = forms.ModelChoiceField(
        Group.objects.none(),
        label=gettext_lazy("Role"),
        empty_label=None,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose a role.")},
    )
    operations = forms.ModelMultipleChoiceField(
        Operation.objects.order_by("name"), label=gettext_lazy("Operations"), required=False
    )
    regions = forms.ModelMultipleChoiceField(
        Region.objects.all(), label=gettext_lazy("Regions, with every operation in them"), required=False
    )
    everywhere = forms.BooleanField(
        label=gettext_lazy("Every operation, those to come included"), required=False
    )

    def __init__(self, *args: Any, by: Any, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="give_%s", **kwargs)
        working = self.fields["people"].queryset.filter(is_active=True, is_staff=True, is_superuser=False)
        # One who left is no choice, but is told apart from nobody where a form was open for long.
        self.fields["people"].widget.choices = sorted(
            ((person.pk, roles.name_of(person)) for person in working),
            key=lambda choice: choice[1].casefold(),
        )
        self.fields["group"].queryset = roles.groups_to_give(by)
        for name in ("people", "operations", "regions"):
            self.fields[name].widget.attrs["size"] = 8

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        places = [*cleaned.get("operations", []), *cleaned.get("regions", [])]
        if cleaned.get("everywhere") and places:
            said = _("You chose every operation, and some of them besides. Choose one or the other.")
            raise ValidationError(said)
        if not cleaned.get("everywhere") and not places and not self.errors:
            raise ValidationError(_("Say where: choose operations, regions, or every operation."))
        return {**cleaned, "places": [None] if cleaned.get("everywhere") else places}


def roles_view(request: HttpRequest) -> HttpResponse:
    """Who has which role where, with a form to give one; GET also answers who may do what on an operation."""
    if not request.user.has_perm(roles.GIVE):
        raise PermissionDenied
    show = FilterForm(request.GET)
    form = RoleForm(by=request.user, initial={"operations": show.asked.get("operation")})
    if request.method == "POST":
        form, response = post(request, form)
        if response:
            return response
    people = Paginator(show.people(), PEOPLE_AT_ONCE).get_page(request.GET.get("page"))
    operation = show.asked.get("operation")
    context = {
        **admin.site.each_context(request),
        "title": _("Who does what, and where"),
        "form": form,
        "show": show,
        "asked": show.asked,
        "people": people,
        "rows": rows(
            people, request.user, set(show.wanted().values_list("pk", flat=True)) if show.asked else set()
        ),
        "operation": operation,
        "rights": roles.who_may(operation) if operation else [],
        "pages": {key: value for key, value in request.GET.items() if key != "page"},
    }
    return TemplateResponse(request, "admin/roles.html", context)


def rows(people: Any, by: Any, wanted: set[int]) -> list[dict[str, Any]]:
    """Each person with their roles, memberships without a place, and which of them ``by`` may take away."""
    mine = set(roles.groups_to_give(by).values_list("pk", flat=True))
    return [
        {
            "person": person,
            "name": person.get_full_name(),
            "roles": [
                {"role": role, "is_wanted": role.pk in wanted, "may_take": role.group_id in mine}
                for role in person.roles.all()
            ],
            "groups": [{"group": group, "may_take": group.pk in mine} for group in person.groups.all()],
        }
        for person in people
    ]


def post(request: HttpRequest, form: RoleForm) -> tuple[RoleForm, HttpResponse | None]:
    """Do what a button asks; without a response the form is shown again, with its errors."""
    here = HttpResponseRedirect(request.get_full_path())
    try:
        if "take" in request.POST:
            take(request)
            return form, here
        if "leave" in request.POST:
            leave(request)
            return form, here
        form = RoleForm(request.POST, by=request.user)
        if not form.is_valid():
            return form, None
        give(request, form.cleaned_data)
    except ValidationError as error:
        for said in error.messages:
            messages.error(request, said)
        return form, None if form.is_bound else here
    return form, here


def give(request: HttpRequest, given: dict[str, Any]) -> None:
    new = roles.give(request.user, given["people"], given["group"], given["places"])
    names = ", ".join(person.username for person in given["people"])
    if not new:
        said = ngettext("Nothing changed: %s has this role there already.", "Nothing changed: %s have this role there already.", len(given["people"]))  # fmt: skip
        messages.info(request, said % names)
        return
    where = ", ".join(dict.fromkeys(role.where for role in new))
    said = _("%(names)s: now %(role)s for %(where)s.")
    messages.success(request, said % {"names": names, "role": given["group"], "where": where})


def take(request: HttpRequest) -> None:
    role = Role.objects.filter(pk=whole_number(request.POST["take"])).first()
    if role is None:
        messages.info(request, _("Nothing changed: this role was taken away already."))
        return
    refuse_what_is_not_mine(request, role.group)
    said = {"name": role.user.username, "role": roles.str_of(role)}
    roles.take(request.user, role)
    messages.success(
        request, _("%(name)s no longer has the role %(role)s. To undo this, give it again.") % said
    )


def leave(request: HttpRequest) -> None:
    person_key, _dash, group_key = request.POST["leave"].partition("-")
    person = get_object_or_404(get_user_model(), pk=whole_number(person_key))
    group = get_object_or_404(Group, pk=whole_number(group_key))
    refuse_what_is_not_mine(request, group)
    roles.take_from_group(request.user, person, group)
    said = _("%(name)s is no longer in the group %(group)s.")
    messages.success(request, said % {"name": person.username, "group": group})


def refuse_what_is_not_mine(request: HttpRequest, group: Group) -> None:
    if not roles.groups_to_give(request.user).filter(pk=group.pk).exists():
        raise PermissionDenied
