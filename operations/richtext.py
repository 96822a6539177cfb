"""Rich text: the few tags a narrative may hold, and a clean paste from Word.

Every fragment passes ``clean_html`` when it is saved and again when it is rendered.
"""

from __future__ import annotations

import html
import re

import nh3

TAGS = {"p", "br", "strong", "em", "a", "ul", "ol", "li", "h4", "blockquote", "sub", "sup"}
ATTRIBUTES = {"a": {"href", "title"}}
SCHEMES = {"http", "https", "mailto", "tel"}

# Word marks the paragraphs of a list with a bullet of its own and non-breaking spaces.
FAKE_BULLET = re.compile(r"<p>\s*[·•▪‣◦§o-]\s+(.*?)</p>", re.DOTALL)
FAKE_LIST = re.compile(r"(?:<li data-fake>.*?</li>\s*)+", re.DOTALL)
EMPTY = re.compile(r"<(p|li|h4|blockquote|strong|em|ul|ol|sub|sup)>(?:\s|<br>)*</\1>")
EDGE_BREAKS = re.compile(r"(<p>)(?:\s|<br>)+|(?:\s|<br>)+(</p>)")
RENAMED = {"b": "strong", "i": "em", "h1": "h4", "h2": "h4", "h3": "h4", "h5": "h4", "h6": "h4", "div": "p"}


def clean_html(fragment: str) -> str:
    """``fragment`` with nothing but the allowed tags; links open as links, empty paragraphs are gone.

    Running it on its own result changes nothing.
    """
    text = fragment.replace("\u00a0", " ").replace("&nbsp;", " ").replace("\u200b", "").replace("\ufeff", "")
    text = re.sub(r"[\u202a-\u202e\u2066-\u2069]", "", text)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"<(/?)o:p\s*/?>", "", text)
    for old, new in RENAMED.items():
        text = re.sub(rf"<(/?){old}(?=[\s>/])", rf"<\1{new}", text, flags=re.IGNORECASE)
    text = _sanitise(text)
    text = FAKE_BULLET.sub(r"<li data-fake>\1</li>", text)
    text = FAKE_LIST.sub(lambda m: "<ul>" + m[0].replace(" data-fake", "") + "</ul>", text)
    previous = None
    while previous != text:
        previous = text
        text = EMPTY.sub("", EDGE_BREAKS.sub(r"\1\2", text))
    text = re.sub(r"[ \t\r\f]+", " ", text)
    text = re.sub(r"\s*\n\s*", "\n", text)
    return _sanitise(text).strip()


def _sanitise(text: str) -> str:
    return nh3.clean(
        text,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noopener nofollow",
        clean_content_tags={
            "script",
            "style",
            "svg",
            "math",
            "iframe",
            "object",
            "template",
            "title",
            "noscript",
        },
    )


def plain_text(fragment: str) -> str:
    """The words of a fragment, without markup: for summaries and comparisons, to be escaped where it is shown."""
    spaced = re.sub(r"<(?:/p|/li|/h4|/blockquote|br)\s*/?>", " ", fragment)
    return " ".join(html.unescape(nh3.clean(spaced, tags=set())).split())
