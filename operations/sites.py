"""The admin site: its name, and its pages that belong to no model."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _

from .models import Agency
from .start_page import start_page


class OpenfieldAdminSite(admin.AdminSite):
    index_template = "admin/start.html"
    index_title = _("My operations")
    enable_nav_sidebar = True

    @property
    def site_header(self) -> str:
        return Agency.current().shown_name

    @property
    def site_title(self) -> str:
        return Agency.current().shown_name

    def get_urls(self) -> list:
        """Without the redirect to any object's page, which tells the addresses of what is not public."""
        from .admin.roles import roles_view  # the model admins ask for this site while they are imported
        from .admin.worklist import work_list
        from .brand_views import design

        own = [
            path("design/", self.admin_view(design), name="design"),
            path("roles/", self.admin_view(roles_view), name="roles"),
            path("operations/work-list/", self.admin_view(work_list), name="work_list"),
        ]
        return [*own, *(url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site")]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().index(request, {**start_page(request), **(extra_context or {})})
