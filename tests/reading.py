"""A page as a person reads it."""

import html
import re


def words(response) -> str:
    """The text of a page, tags left out and spaces folded."""
    return words_of(response.content.decode())


def words_of(part: str) -> str:
    """The same of a part of a page."""
    body = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", part, flags=re.DOTALL)
    text = " ".join(html.unescape(re.sub(r"<[^<>]*>", " ", body)).split())
    return re.sub(r"\s+([.,;:%])", r"\1", text.replace("\u00a0", " "))
