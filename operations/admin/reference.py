"""Reference data, for those who keep them."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from modeltranslation.admin import TranslationAdmin

from ..models import (
    Pillar,
    PopulationType,
    Region,
    SectionType,
)
from .rights import Discreet


@admin.register(Region)
class RegionAdmin(Discreet, TranslationAdmin):
    list_display = ["name", "code", "parent", "order"]
    list_select_related = ["parent"]
    search_fields = ["code", "name_en"]
    fields = [("code", "order", "parent"), ("name_en", "name_fr"), ("name_es", "name_ar")]

    def get_readonly_fields(self, request: HttpRequest, obj: Region | None = None) -> list[str]:
        """Where a region belongs decides where the roles in it hold."""
        fixed = [*super().get_readonly_fields(request, obj)]
        return fixed if request.user.has_perm("operations.change_role") else [*fixed, "parent"]


@admin.register(PopulationType)
class PopulationTypeAdmin(Discreet, TranslationAdmin):
    list_display = ["name", "code", "order", "first_year", "last_year"]
    search_fields = ["code", "name_en"]
    fields = [
        ("code", "order"),
        ("name_en", "name_fr"),
        ("name_es", "name_ar"),
        ("first_year", "last_year"),
    ]


@admin.register(Pillar)
class PillarAdmin(Discreet, TranslationAdmin):
    list_display = ["name", "code", "scheme", "order", "first_year", "last_year"]
    list_filter = ["scheme"]
    search_fields = ["code", "name_en"]
    fields = [
        ("code", "scheme", "order"),
        ("name_en", "name_fr"),
        ("name_es", "name_ar"),
        ("first_year", "last_year"),
    ]


@admin.register(SectionType)
class SectionTypeAdmin(Discreet, TranslationAdmin):
    list_display = [
        "heading",
        "code",
        "in_plan",
        "in_year_end",
        "required_since",
        "order",
        "first_year",
        "last_year",
    ]
    list_filter = ["in_plan", "in_year_end"]
    search_fields = ["code", "heading_en"]
    fields = [
        ("code", "order"),
        ("heading_en", "heading_fr"),
        ("heading_es", "heading_ar"),
        ("in_plan", "in_year_end", "required_since"),
        "guidance",
        ("first_year", "last_year"),
    ]
    formfield_overrides = {models.TextField: {"widget": forms.Textarea(attrs={"rows": 3})}}
