"""Pieces of text that matched, and what to look for where there is no page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from django import template
from django.conf import settings
from django.utils.html import escape, format_html, mark_safe
from django.utils.safestring import SafeString

from ..search_words import Piece

register = template.Library()

# Parts of addresses that are no words of what somebody looks for.
PARTS = {code for code, _name in settings.LANGUAGES} | {"operations", "regions", "donors", "contributions", "editions", "history",
    "pillars", "preview", "feeds", "search", "www", "html", "htm", "php", "index", "en", "csv", "json", "xlsx", "pdf"}  # fmt: skip


@register.filter
def marks(pieces: Iterable[Piece]) -> SafeString:
    """The text with what matched in ``<mark>``; every letter of it escaped."""
    parts = (format_html("<mark>{}</mark>", text) if hit else escape(text) for text, hit in pieces)
    return mark_safe("".join(parts))  # noqa: S308 — escaped just above


@register.simple_tag(takes_context=True)
def words_of_address(context: dict[str, Any]) -> str:
    """The words of an address without a page, to be looked for."""
    path = unquote(context["request"].path)
    if "admin" in path.split("/"):
        return ""  # readers are offered nothing that leads there
    found = [
        word for word in re.findall(r"[^\W_]+", path) if word.lower() not in PARTS and not word.isdigit()
    ]
    return " ".join(found)[:100]
