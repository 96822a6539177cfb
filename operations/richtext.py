"""Rich text: the few tags a narrative may hold, and a clean paste from Word.

Every fragment passes ``clean_html`` when it is saved and again when it is rendered.
"""

from __future__ import annotations

import re

import nh3

TAGS = {"p", "br", "strong", "em", "a", "ul", "ol", "li", "h4", "blockquote", "sub", "sup"}
ATTRIBUTES: dict[str, set[str]] = {"a": {"href"}, "*": set()}
SCHEMES = {"http", "https", "mailto", "tel"}
WITH_CONTENT = {
    "script",
    "style",
    "svg",
    "math",
    "iframe",
    "object",
    "template",
    "title",
    "noscript",
    "textarea",
    "select",
    "xml",
}

INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\ue000]")
RENAMED = {
    **{"b": "strong", "i": "em"},
    **dict.fromkeys(("h1", "h2", "h3", "h5", "h6"), "h4"),
    **dict.fromkeys(
        ("div", "tr", "dt", "dd", "article", "section", "figcaption", "address", "pre", "center"), "p"
    ),
}
# A row of a table becomes a paragraph; its cells stay apart: 2019 and 300 must not become 2019300.
TABLE_TAG = re.compile(
    r"</?(?:table|caption|colgroup|col|thead|tbody|tfoot|td|th)\b[^<>]{0,2000}>", re.IGNORECASE
)
CELL_END = re.compile(r"</t[dh]\s*>\s*(?=<t[dh][\s>])", re.IGNORECASE)
RENAMED_TAG = re.compile(rf"<(/?)({'|'.join(RENAMED)})(?=[\s>/])", re.IGNORECASE)

# Word's lists are paragraphs with a bullet or number of their own: its style says so (marked with U+E000,
# which no text of ours holds), or a bullet that no sentence begins with.
WORD_LIST = re.compile(r"(<p\b[^<>]{0,999}?(?:MsoListParagraph|mso-list:\s*l\d)[^<>]{0,999}>)", re.IGNORECASE)
BULLET = r"[·•▪‣◦§o–-]"
NUMBER = r"(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)]"
FAKE_BULLET = re.compile(rf"<p>(?:\s*[·•▪‣◦-]\s+|\ue000\s*{BULLET}\s+)(\S.*?)</p>", re.DOTALL)
FAKE_NUMBER = re.compile(rf"<p>\ue000\s*{NUMBER}\s+(\S.*?)</p>", re.DOTALL)
FAKE_LIST = re.compile(r"(?:<li data-fake=(ul|ol)>.*?</li>\s*)(?:<li data-fake=\1>.*?</li>\s*)*", re.DOTALL)

TOKEN = re.compile(r"""(<[^<>"]*(?:"[^"]*"[^<>"]*)*>)""")
MAY_BE_EMPTY = {"a", "br"}
BLOCKS = {"p", "ul", "ol", "li", "h4", "blockquote"}
NO_LINK = re.compile(r'<a rel="[^"]*">(.*?)</a>', re.DOTALL)
EDGE_BREAKS = re.compile(r"(<(?:p|li|h4)>)(?:\s|<br>)+|(?<!\s)(?<!<br>)(?:\s|<br>)+(</(?:p|li|h4)>)")
MOST_PASSES = 10


def clean_html(fragment: str) -> str:
    """``fragment`` with nothing but the allowed tags; Word's lists are lists, empty paragraphs are gone.

    Running it on its own result changes nothing.
    """
    text = INVISIBLE.sub("", fragment.replace("\u00a0", " ").replace("&nbsp;", " "))
    text = WORD_LIST.sub("\\1\ue000", text)
    text = TABLE_TAG.sub("", CELL_END.sub(" | ", text))
    text = RENAMED_TAG.sub(lambda tag: f"<{tag[1]}{RENAMED[tag[2].lower()]}", text)
    for _pass in range(MOST_PASSES):  # what is taken out can change how the rest is nested
        previous, text = text, tidy(make_lists(tidy(wrap_bare(sanitise(text)))))
        if text == previous:
            break
    return text


def make_lists(text: str) -> str:
    text = FAKE_BULLET.sub(r"<li data-fake=ul>\1</li>", text)
    text = FAKE_NUMBER.sub(r"<li data-fake=ol>\1</li>", text).replace("\ue000", "")
    return FAKE_LIST.sub(lambda m: f"<{m[1]}>{m[0].replace(f' data-fake={m[1]}', '')}</{m[1]}>", text)


def wrap_bare(text: str) -> str:
    """With paragraphs around the text that stands outside every block; ``text`` is well-formed."""
    whole, bare, depth = [], [], 0

    def close() -> None:
        if "".join(bare).strip():
            whole.append(f"<p>{''.join(bare).strip()}</p>")
        bare.clear()

    for token in TOKEN.split(text):
        name = token[1:-1].split(" ")[0] if TOKEN.fullmatch(token) else ""
        if name.strip("/") in BLOCKS:
            if depth == 0:
                close()
            depth += -1 if name.startswith("/") else 1
            whole.append(token)
        else:
            (whole if depth else bare).append(token)
    close()
    return "".join(whole)


def tidy(text: str) -> str:
    text = EDGE_BREAKS.sub(r"\1\2", without_empty(text))
    text = re.sub(r"[ \t\r\f]+", " ", text)
    return re.sub(r"\s*\n\s*", "\n", text).strip()


def without_empty(text: str) -> str:
    """Without the elements that hold nothing but white space and line breaks; ``text`` is well-formed."""
    kept: list[str] = []
    opened: list[tuple[int, bool]] = []  # where each open element begins, and whether it holds something
    for token in TOKEN.split(text):
        name = token[1:-1].split(" ")[0] if token.startswith("<") and TOKEN.fullmatch(token) else ""
        if name.startswith("/"):
            start, is_full = opened.pop() if opened else (0, True)
            if not is_full and name[1:] not in MAY_BE_EMPTY:
                del kept[start:]
                continue
            if opened:
                opened[-1] = (opened[-1][0], True)
        elif name and name != "br":
            opened.append((len(kept), False))
        elif not name and opened and token.strip():
            opened[-1] = (opened[-1][0], True)
        kept.append(token)
    return "".join(kept)


def sanitise(text: str) -> str:
    cleaned = nh3.clean(
        text,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noopener nofollow",
        clean_content_tags=WITH_CONTENT,
    )
    return NO_LINK.sub(r"\1", cleaned.replace("&nbsp;", " "))
