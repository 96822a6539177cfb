"""Accounts: who signs in. What they may do is a matter of roles, which have a screen of their own."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..roles import administrators, str_of
from .rights import Discreet

POWERS = ("is_active", "is_staff", "is_superuser")


class AccountForm(UserChangeForm):
    def clean(self) -> dict[str, Any]:
        """The last administrator stays one."""
        cleaned = super().clean()
        lost = [name for name in POWERS if name in self.changed_data and not cleaned.get(name)]
        if lost and not administrators().exclude(pk=self.instance.pk).exists():
            said = _("Nobody else gives roles and opens accounts. Make a colleague an administrator first.")
            raise ValidationError({lost[0]: said})
        return cleaned


admin.site.unregister(User)


@admin.register(User)
class AccountAdmin(Discreet, UserAdmin):
    form = AccountForm
    list_display = ["username", "first_name", "last_name", "email", "is_active", "is_staff", "is_superuser"]
    list_filter = ["is_active", "is_staff", "is_superuser"]
    filter_horizontal = []
    readonly_fields = ["roles_given", "last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        (gettext_lazy("Person"), {"fields": ["first_name", "last_name", "email"]}),
        (gettext_lazy("Rights"), {"fields": ["is_active", "is_staff", "is_superuser", "roles_given"]}),
        (gettext_lazy("Dates"), {"fields": ["last_login", "date_joined"]}),
    ]

    @admin.display(description=gettext_lazy("roles"))
    def roles_given(self, account: User) -> str:
        if account.is_superuser:
            return _("An administrator may do everything, and needs no role.")
        roles = account.roles.select_related("group", "region", "operation").order_by("group__name", "pk")
        given = format_html_join(", ", "{}", ((str_of(role),) for role in roles)) or _("none yet")
        url = f"{reverse('admin:roles')}?{urlencode({'person': account.username})}"
        return format_html('{} · <a href="{}">{}</a>', given, url, _("Give and take away roles"))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        fixed = [*super().get_readonly_fields(request, obj)]
        return fixed if request.user.is_superuser else [*fixed, "is_superuser"]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and self.may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        may = super().has_delete_permission(request, obj) and self.may_touch(request, obj)
        return may and obj != request.user

    def may_touch(self, request: HttpRequest, obj: User | None) -> bool:
        """The account of who gives roles is in the hands of administrators alone, its password above all."""
        if request.user.is_superuser or obj is None:
            return True
        return not obj.is_superuser and not administrators().filter(pk=obj.pk).exists()
