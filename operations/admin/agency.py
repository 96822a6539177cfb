"""The agency's name, look and terms: one form, no list."""

from __future__ import annotations

import io
import warnings
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from modeltranslation.admin import TranslationAdmin
from PIL import Image

from .. import brand
from ..models import Agency
from ..models.agency import version_of

MOST_BYTES, MOST_PIXELS = 1024 * 1024, 4000
WIDTH, HEIGHT = 480, 120  # what is kept: three pixels for each that is shown
MOST_KEPT = 12 * 1024  # a first visit to a page has 30 KB


def logo_of(upload: Any) -> tuple[bytes, int, int]:
    """The picture as WebP in the size that the site needs, drawn anew: nothing else of the file is kept.

    ValidationError, with what to do, for what is no PNG or WebP, or too large.
    """
    if upload.size > MOST_BYTES:
        raise ValidationError(
            _("The file is larger than 1 MB. Save the logo smaller: 480 pixels are enough.")
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(upload, formats=["PNG", "WEBP"])
            if max(picture.size) > MOST_PIXELS:
                raise ValidationError(_("A side of the logo is longer than 4,000 pixels: 480 are enough."))
            picture = picture.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValidationError(
            _("This is no picture as PNG or WebP. Save the logo as one (an SVG too) and choose it again.")
        ) from None
    picture.thumbnail((WIDTH, HEIGHT))
    for options in ({"lossless": True}, {"quality": 85}):
        content = io.BytesIO()
        picture.save(content, "WEBP", method=6, **options)
        if content.tell() <= MOST_KEPT:
            return content.getvalue(), *picture.size
    raise ValidationError(_("The logo has too much detail: readers on a poor line would wait. Simplify it."))


class AgencyForm(forms.ModelForm):
    new_logo = forms.FileField(
        label=gettext_lazy("New logo"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/png,image/webp"}),
        help_text=gettext_lazy("PNG or WebP, at most 1 MB; shown 40 pixels high on white."),
    )
    no_logo = forms.BooleanField(label=gettext_lazy("Take the logo away"), required=False)

    def clean_new_logo(self) -> tuple[bytes, int, int] | None:
        upload = self.cleaned_data["new_logo"]
        return logo_of(upload) if upload else None

    def save(self, commit: bool = True) -> Agency:
        agency = self.instance
        if made := self.cleaned_data["new_logo"]:
            agency.logo, agency.logo_width, agency.logo_height = made
            agency.logo_version = version_of(agency.logo)
        elif self.cleaned_data["no_logo"]:
            agency.logo, agency.logo_width, agency.logo_height, agency.logo_version = None, None, None, ""
        return super().save(commit)


@admin.register(Agency)
class AgencyAdmin(TranslationAdmin):
    form = AgencyForm
    readonly_fields = ["contrast", "present_logo"]
    fieldsets = [
        (None, {"fields": [("name_en", "name_fr"), ("name_es", "name_ar")]}),
        (gettext_lazy("Short line"), {"fields": [("line_en", "line_fr"), ("line_es", "line_ar")]}),
        (gettext_lazy("Terms"), {"fields": [("people_en", "people_fr"), ("people_es", "people_ar")]}),
        (gettext_lazy("Colours"), {"fields": [("colour", "colour_dark"), "contrast"]}),
        (gettext_lazy("Logo"), {"fields": ["present_logo", "new_logo", "no_logo"]}),
        (
            gettext_lazy("At the foot of each page"),
            {"fields": [("contact", "website"), ("licence", "licence_url")]},
        ),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Where there is none yet. Every page of the admin asks: what the process knows is enough."""
        return super().has_change_permission(request) and Agency.current()._state.adding

    def has_delete_permission(self, request: HttpRequest, obj: Agency | None = None) -> bool:
        return False

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Another process may have stored it a moment ago."""
        if self.has_change_permission(request) and Agency.objects.exists():
            return redirect("admin:operations_agency_change", 1)
        return super().add_view(request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        """There is one; who may not change it sees it."""
        if self.has_view_or_change_permission(request):
            if Agency.objects.exists():
                return redirect("admin:operations_agency_change", 1)
            if self.has_add_permission(request):
                return redirect("admin:operations_agency_add")
        return super().changelist_view(request, extra_context)

    def render_change_form(self, request: HttpRequest, context: dict, **kwargs: Any) -> HttpResponse:
        return super().render_change_form(request, {**context, "show_save_and_add_another": False}, **kwargs)

    @admin.display(description=gettext_lazy("how they read"))
    def contrast(self, agency: Agency | None) -> str:
        if not agency or not agency.colour:
            return _("The colour of the site, which everybody can read.")
        in_dark = agency.colour_dark or brand.dark_enough(agency.colour)
        shown = [
            (
                _("light"),
                brand.light(agency.colour),
                brand.LIGHT_GROUNDS[0],
                brand.light_contrast(agency.colour),
            ),
            (_("dark"), brand.dark(in_dark), brand.DARK_GROUNDS[0], brand.dark_contrast(in_dark)),
        ]
        rows = [(name, shades, ground, brand.printed(ratio)) for name, shades, ground, ratio in shown]
        return render_to_string("admin/operations/contrast.html", {"rows": rows})

    @admin.display(description=gettext_lazy("logo"))
    def present_logo(self, agency: Agency | None) -> str:
        if not agency or not agency.logo_version:
            return _("None: the name stands in its place.")
        return render_to_string("admin/operations/logo.html", {"agency_row": agency})
