"""Previews of a draft, for staff and by a signed link."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from csp.constants import SELF
from csp.decorators import csp_replace, csp_update
from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse, translate_url
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import get_language, get_language_info, gettext_lazy, override
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from .. import editions
from ..asked import asked_year, whole_number
from ..models import Edition, PreviewLink
from ..moments import with_zone
from ..previews import bare_profile, in_the_present, kept_private, preview_page, show_preview, token_of
from ..templatetags.figures import OWN_NAMES
from .pages import Pages, zone_of
from .rights import READ_PROFILES, allowed

WIDTHS = (360, 768)  # pixels: a phone, a tablet
LANGUAGES = [code for code, _name in settings.LANGUAGES]
LISTED = 50  # links


class LinkForm(forms.Form):
    hours = forms.TypedChoiceField(
        label=gettext_lazy("It ends after"),
        coerce=int,
        choices=[(1, gettext_lazy("1 hour")), (4, gettext_lazy("4 hours")), (24, gettext_lazy("24 hours"))],
        initial=4,
    )


class Previews(Pages):
    """A mixin of ``WorkingCopyAdmin``."""

    def get_urls(self) -> list:
        return [
            self.path("preview", self.preview_view),
            self.path("widths", self.widths_view),
            self.path("links", self.links_view),
            *super().get_urls(),
        ]

    def standing(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        own = {**super().standing(request, obj), "preview_url": None}
        if own["newest"]:
            own["preview_url"] = self.preview_url(obj, own["newest"].language)
        return own

    def preview_url(self, obj: Any, language: str, **query: Any) -> str:
        """The public page in ``language`` with a draft in it; its banner stays in the language of the asker."""
        url = translate_url(self.url("preview", obj), language)
        return f"{url}?{urlencode({'staff': get_language(), **query})}"

    def previewed(self, request: HttpRequest, obj: Any) -> Edition:
        """The edition that is asked for by its number; else the newest."""
        number = request.GET.get("edition", "")
        made = Edition.objects.of(obj).select_related("operation", "made_by")
        if not number:
            if newest := made.first():
                return newest
            raise Http404(_("Nothing has been saved yet."))
        return get_object_or_404(made, number=whole_number(number))

    # --- The page ------------------------------------------------------------------------------------

    @method_decorator(require_safe)
    @method_decorator(xframe_options_sameorigin)
    @method_decorator(csp_replace({"frame-ancestors": [SELF]}))  # by ``widths_view``, and by nothing else
    def preview_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self.found(request, object_id)
        draft = self.previewed(request, obj)
        in_the_present(request)
        page = preview_page(draft, self.profile_for(request), asked_year(request), request.at)
        if page is None:
            raise Http404
        response = show_preview(request, page, draft, staff=self.banner(request, obj, draft, page))
        return kept_private(response)

    def profile_for(self, request: HttpRequest) -> Any:
        """Makes the profile that stands around a text where none is released: the draft, for who may see it."""

        def profile(draft: Edition) -> Edition:
            mine = allowed(request, *READ_PROFILES)
            if draft.operation_id not in mine:
                return bare_profile(draft)
            made = Edition.objects.of(draft.operation)
            return made.first() or Edition(
                operation=draft.operation,
                kind=Edition.Kind.PROFILE,
                number=0,
                content=editions.freeze(draft.operation),
            )

        return profile

    def banner(self, request: HttpRequest, obj: Any, draft: Edition, page: Any) -> dict[str, Any]:
        """What stands above the page, in the language of the member of staff; in a frame only that it is a draft."""
        staff = request.GET.get("staff", "")
        staff = staff if staff in LANGUAGES else get_language() or "en"
        shown = {"staff": staff, "edition": draft.number}
        if draft.year is None:
            shown |= {"year": page.year}
        with override(staff):
            links = {} if "framed" in request.GET else self.links_of(request, obj, draft, page, shown)
        return {
            "language": staff,
            "direction": "rtl" if get_language_info(staff)["bidi"] else "ltr",
            "is_framed": "framed" in request.GET,
            "is_newest": not Edition.objects.of(obj).filter(number__gt=draft.number).exists(),
            **links,
        }

    def links_of(
        self, request: HttpRequest, obj: Any, draft: Edition, page: Any, shown: dict[str, Any]
    ) -> dict[str, Any]:
        here = self.url("preview", obj)
        language = {"language": request.LANGUAGE_CODE}
        widths = self.url("widths", obj)
        years = page.years if draft.year is None else []
        return {
            "change_url": self.url("change", obj),
            "versions_url": self.url("versions", obj),
            "share_url": f"{self.url('links', obj)}?edition={draft.number}"
            if self.may_share(request, obj)
            else None,
            "widths": [
                (width, f"{widths}?{urlencode({**shown, **language, 'width': width})}") for width in WIDTHS
            ],
            "languages": [
                (code, name, f"{translate_url(here, code)}?{urlencode(shown)}") for code, name in own_names()
            ],
            "years": [
                (year, f"{request.path}?{urlencode({**shown, 'year': year})}") for year in reversed(years)
            ],
        }

    @method_decorator(require_safe)
    @method_decorator(csp_update({"frame-src": [SELF]}))
    def widths_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The preview in a frame that is as wide as a phone or a tablet."""
        obj = self.found(request, object_id)
        draft = self.previewed(request, obj)
        asked = {name: request.GET.get(name, "") for name in ("width", "language")}
        width = int(asked["width"]) if asked["width"] in map(str, WIDTHS) else WIDTHS[0]
        language = asked["language"] if asked["language"] in LANGUAGES else draft.language
        query = {"edition": draft.number}
        if year := asked_year(request):
            query["year"] = year

        def here(**changed: Any) -> str:
            return f"?{urlencode({**query, 'width': width, 'language': language, **changed})}"

        context = {
            **self.page_context(request, obj, _("Preview of edition %s") % draft.number),
            "subtitle": str(obj),
            "width": width,
            "height": 800,
            "frame_url": self.preview_url(obj, language, **query, framed=1),
            "full_url": self.preview_url(obj, language, **query),
            "widths": [(other, here(width=other), other == width) for other in WIDTHS],
            "languages": [(code, name, here(language=code), code == language) for code, name in own_names()],
        }
        return kept_private(TemplateResponse(request, "admin/operations/widths.html", context))

    # --- Links for someone without an account -----------------------------------------------------

    def may_share(self, request: HttpRequest, obj: Any) -> bool:
        return self.has_change_permission(request, obj) or self.has_release_permission(request, obj)

    def links_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self.found(request, object_id)
        if not self.may_share(request, obj):
            raise PermissionDenied
        if request.method == "POST" and "revoke" in request.POST:
            return self.revoke_link(request, obj)
        draft = self.previewed(request, obj)
        form = LinkForm(request.POST or None)
        refusal = refuses_link(draft)
        if request.method == "POST" and not refusal and form.is_valid():
            return self.make_link(request, obj, draft, form.cleaned_data["hours"])
        context = {
            **self.page_context(request, obj, _("A link for someone without an account")),
            "subtitle": str(obj),
            "draft": draft,
            "form": form,
            "refusal": refusal,
            "links": self.links(request, obj),
        }
        response = TemplateResponse(request, "admin/operations/preview_links.html", context)
        response["Cache-Control"] = "no-store, private"
        return response

    def make_link(self, request: HttpRequest, obj: Any, draft: Edition, hours: int) -> HttpResponse:
        now = timezone.now()
        link = PreviewLink.objects.create(
            edition=draft, made_by=request.user, made_at=now, expires_at=now + dt.timedelta(hours=hours)
        )
        said = _("Made a link to the preview of edition %(number)s that ends on %(when)s.")
        said %= {"number": draft.number, "when": with_zone(link.expires_at, zone_of(request))}
        self.log_change(request, obj, said)
        self.message_user(request, said, messages.SUCCESS)
        return HttpResponseRedirect(
            f"{self.url('links', obj)}?edition={draft.number}&show={link.pk}#link-{link.pk}"
        )

    def revoke_link(self, request: HttpRequest, obj: Any) -> HttpResponse:
        links = PreviewLink.objects.of(obj).select_related("edition")
        link = get_object_or_404(links, pk=whole_number(request.POST["revoke"]))
        now = timezone.now()
        ended = PreviewLink.objects.open(now).filter(pk=link.pk)
        if ended.update(revoked_at=now, revoked_by=request.user):
            said = _("The link to the preview of edition %s no longer leads anywhere.") % link.edition.number
            self.log_change(request, obj, said)
            self.message_user(request, said, messages.SUCCESS)
        else:
            self.message_user(request, _("This link had ended already."), messages.INFO)
        return HttpResponseRedirect(self.url("links", obj))

    def links(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        """The newest ones; the address of an open one for who made it, where it is asked for."""
        now, zone, asked = timezone.now(), zone_of(request), request.GET.get("show", "")
        found = (
            PreviewLink.objects.of(obj)
            .select_related("edition", "made_by", "revoked_by")
            .defer("edition__content")[:LISTED]
        )
        listed = []
        for link in found:
            is_open = link.revoked_at is None and link.expires_at > now
            may_show = is_open and link.made_by_id == request.user.pk
            listed.append(
                {
                    "link": link,
                    "is_open": is_open,
                    "made": with_zone(link.made_at, zone),
                    "expires": with_zone(link.expires_at, zone),
                    "revoked": link.revoked_at and with_zone(link.revoked_at, zone),
                    "may_show": may_show,
                    "address": address_of(request, link) if may_show and str(link.pk) == asked else "",
                }
            )
        return listed


def refuses_link(draft: Edition) -> str:
    """Why no link is made to this edition, in a sentence; empty where one can be made."""
    if draft.withdrawn_at:
        return _("Edition %s was withdrawn. Save a new draft to show it to somebody.") % draft.number
    if draft.is_released():
        return _("Edition %s is released: send the address of its page instead.") % draft.number
    return ""


def address_of(request: HttpRequest, link: PreviewLink) -> str:
    """The whole address, in the language of the draft."""
    with override(link.edition.language):
        path = reverse("operations:preview", args=[token_of(link)])
    return request.build_absolute_uri(path)


def own_names() -> list[tuple[str, str]]:
    """The languages of the site, each by its own name."""
    return [
        (code, OWN_NAMES.get(code) or get_language_info(code)["name_local"].capitalize())
        for code in LANGUAGES
    ]
