"""A page as a person reads it."""

import html
import re


def words(response) -> str:
    """The text of a page, tags left out and spaces folded."""
    body = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    text = " ".join(html.unescape(re.sub(r"<[^<>]*>", " ", body)).split())
    return re.sub(r"\s+([.,;:%])", r"\1", text.replace("\u00a0", " "))
