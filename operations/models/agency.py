"""The agency that publishes: its name, look and terms, in the one row of its table."""

from __future__ import annotations

import hashlib
import time
from functools import cache
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, URLValidator
from django.db import DatabaseError, models, transaction
from django.db.models import Q
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from .. import brand

SECONDS = 5  # that a process goes by what it read: pages cost no query for the agency's look
COLOUR = RegexValidator(
    r"\A#[0-9a-fA-F]{6}\Z", _("Write the colour as # and six digits, for example #0b5cad.")
)
WEB = URLValidator(schemes=["https"], message=_("Write a whole address that begins with https://."))

_kept: tuple[float, Agency] | None = None


class Agency(models.Model):
    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField(
        _("name"),
        max_length=80,
        blank=True,
        help_text=_("In the header and in titles. Where it is empty: in English, else as the server is set."),
    )
    line = models.CharField(
        _("short line"),
        max_length=160,
        blank=True,
        help_text=_("Who the agency is, at the foot of each page."),
    )
    people = models.CharField(
        _("what the people are called"),
        max_length=40,
        blank=True,
        help_text=_(
            "A heading such as “People of concern” or “People we serve”. Where it is empty: “People”."
        ),
    )
    colour = models.CharField(
        _("colour"),
        max_length=7,
        blank=True,
        validators=[COLOUR],
        help_text=_("Of links, bars and maps, for example #0b5cad. Leave empty for the colour of the site."),
    )
    colour_dark = models.CharField(
        _("colour on dark screens"),
        max_length=7,
        blank=True,
        validators=[COLOUR],
        help_text=_("Leave empty to have it made from the colour."),
    )
    logo = models.BinaryField(null=True, editable=False)  # WebP
    logo_version = models.CharField(max_length=12, blank=True, editable=False)
    logo_width = models.PositiveSmallIntegerField(null=True, editable=False)
    logo_height = models.PositiveSmallIntegerField(null=True, editable=False)
    contact = models.EmailField(
        _("contact"), blank=True, help_text=_("Where readers write to: shown at the foot of each page.")
    )
    website = models.CharField(_("website"), max_length=200, blank=True, validators=[WEB])
    licence = models.CharField(
        _("licence of the data"), max_length=80, blank=True, help_text=_("For example CC BY 4.0.")
    )
    licence_url = models.CharField(_("address of the licence"), max_length=200, blank=True, validators=[WEB])
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("agency")
        verbose_name_plural = _("agency: name, colours, terms")
        constraints = [models.CheckConstraint(name="agency_is_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return self.shown_name

    @classmethod
    def current(cls, *, fresh: bool = False) -> Agency:
        """The row without its logo, or a new one; read again every few seconds. A page of an error needs no database."""
        global _kept
        if _kept is None or fresh or _kept[0] < time.monotonic():
            try:
                found = cls.objects.defer("logo").first() or cls()
            except DatabaseError:
                return _kept[1] if _kept else cls()
            _kept = (time.monotonic() + SECONDS, found)
        return _kept[1]

    @staticmethod
    def keep(agency: Agency | None, seconds: float = SECONDS) -> None:
        """What ``current`` answers from now on; ``None``: what is in the table."""
        global _kept
        _kept = agency and (time.monotonic() + seconds, agency)

    def save(self, **kwargs: Any) -> None:
        super().save(**kwargs)
        self.keep(None)
        transaction.on_commit(lambda: self.keep(None))  # what another thread read meanwhile is old

    def clean(self) -> None:
        """Its colours can be read by everybody, in light and dark; the sentence names one that can."""
        self.colour, self.colour_dark = self.colour.lower(), self.colour_dark.lower()
        wrong = {}
        if self.colour_dark and not self.colour:
            wrong["colour_dark"] = _("Give the colour for light screens too.")
        for name, contrast, enough, ground in (
            ("colour", brand.light_contrast, brand.light_enough, _("light")),
            ("colour_dark", brand.dark_contrast, brand.dark_enough, _("dark")),
        ):
            colour = getattr(self, name)
            if brand.HEX.fullmatch(colour) and contrast(colour) < brand.AA and name not in wrong:
                wrong[name] = gettext(
                    "On a %(ground)s screen %(colour)s has a contrast of %(ratio)s; text needs at least 4.5:1. "
                    "The nearest colour that has it is %(nearest)s."
                ) % {
                    "ground": ground,
                    "colour": colour,
                    "ratio": brand.printed(contrast(colour)),
                    "nearest": enough(colour),
                }
        if wrong:
            raise ValidationError(wrong)

    def own(self, field: str) -> str:
        """In the reader's language, never in another one."""
        return getattr(self, f"{field}_{(get_language() or 'en')[:2]}", None) or ""

    @property
    def shown_name(self) -> str:
        return self.own("name") or self.name_en or settings.AGENCY_NAME

    @property
    def shown_line(self) -> str:
        return self.own("line")

    @property
    def shown_people(self) -> str:
        return self.own("people") or gettext("People")

    @property
    def website_shown(self) -> str:
        return self.website.removeprefix("https://").removeprefix("www.").rstrip("/")

    @property
    def stylesheet(self) -> str:
        return brand.stylesheet(self.colour, self.colour_dark) if self.colour else ""

    @property
    def stylesheet_version(self) -> str:
        """Empty where the look is that of the site."""
        return version_of(self.stylesheet.encode()) if self.colour else ""

    @property
    def icon(self) -> str:
        """That of the site in the agency's colour, in the page itself: one request less."""
        return "data:image/svg+xml," + quote(drawn_icon().replace(brand.SITE, self.colour), safe=" =:/")


@cache
def drawn_icon() -> str:
    return (settings.BASE_DIR / "static/site/icon.svg").read_text(encoding="utf-8")


def version_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
