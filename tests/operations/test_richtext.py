"""Rich text: the few tags a narrative may hold, and a clean paste from Word."""

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.richtext import SCHEMES, TAGS, clean_html

WORD = """<html xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"
xmlns:w="urn:schemas-microsoft-com:office:word" xmlns="http://www.w3.org/TR/REC-html40"><head>
<meta http-equiv=Content-Type content="text/html; charset=utf-8"><meta name=Generator content="Microsoft Word 15">
<!--[if gte mso 9]><xml><o:OfficeDocumentSettings><o:AllowPNG/></o:OfficeDocumentSettings></xml><![endif]-->
<style><!-- /* Style Definitions */ p.MsoNormal, li.MsoNormal {mso-style-unhide:no; margin:0cm;}
@list l0:level1 {mso-level-number-format:bullet; mso-level-text:·;} --></style></head>
<body lang=EN-GB style='tab-interval:36.0pt'><!--StartFragment-->
<h2>Key <i>achievements</i></h2>
<p class=MsoNormal style='margin-bottom:8.0pt;line-height:107%'><b style='mso-bidi-font-weight:normal'><span
lang=EN-US style='font-family:"Calibri",sans-serif;color:red'>Cash</span></b><span lang=EN-US>&nbsp;reached
300,000&nbsp;people.</span><a href="https://example.org/report" target="_blank">Report</a><o:p></o:p></p>
<p class=MsoNormal><o:p>&nbsp;</o:p></p>
<p class=MsoListParagraphCxSpFirst style='text-indent:-18.0pt;mso-list:l0 level1 lfo1'><![if !supportLists]><span
style='font-family:Symbol;mso-bidi-font-family:Symbol'><span style='mso-list:Ignore'>·<span
style='font:7.0pt "Times New Roman"'>&nbsp;&nbsp;&nbsp;&nbsp;&nbsp; </span></span></span><![endif]>Shelter for 1,200<o:p></o:p></p>
<p class=MsoListParagraphCxSpMiddle style='margin-left:72.0pt;mso-list:l0 level2 lfo1'><![if !supportLists]><span
style='font-family:"Courier New"'><span style='mso-list:Ignore'>o<span>&nbsp;&nbsp; </span></span></span><![endif]>of
whom 700 are women<o:p></o:p></p>
<p class=MsoListParagraphCxSpLast style='mso-list:l0 level1 lfo1'><![if !supportLists]><span
style='font-family:Wingdings'>§<span>&nbsp; </span></span><![endif]>Documents for <b>8,000</b><o:p></o:p></p>
<p class=MsoNormal>Next steps:<o:p></o:p></p>
<p class=MsoListParagraph style='mso-list:l1 level1 lfo2'><![if !supportLists]>1.<span>&nbsp;&nbsp; </span><![endif]>Register</p>
<p class=MsoListParagraph style='mso-list:l1 level1 lfo2'><![if !supportLists]>2.<span>&nbsp;&nbsp; </span><![endif]>Relocate</p>
<table class=MsoTableGrid><tr><td><p class=MsoNormal>cell</p></td></tr></table>
<!--EndFragment--></body></html>"""

tags = st.sampled_from(
    [
        *sorted(TAGS),
        "b",
        "i",
        "div",
        "h1",
        "span",
        "o:p",
        "script",
        "style",
        "svg",
        "math",
        "iframe",
        "img",
        "table",
        "td",
        "noscript",
        "form",
        "title",
        "textarea",
    ]
)
attributes = st.sampled_from(
    ["", " lang=EN-GB", ' onclick="x()"', " href='javascript:x'", ' href="https://example.org?a=1&b=2"', ' title="<p>- x</p>"',
     " class=MsoListParagraph style='mso-list:l0 level1'", ' id="a" name=b', " data-fake=ul", ' style="color:red"', "<", ' href="/x"']
)  # fmt: skip
texts = st.sampled_from(
    ["text", " ", "&nbsp;", "\u00a0", "\n", "·&nbsp;&nbsp; item", "- item", "o item", "1. item", "<br>", "&lt;b&gt;", "&amp;lt;", "<!-- c -->",
     "<![if !supportLists]>", "<![endif]>", "\ue000", "\u202e", "</p>", "<p", "]]>", "5 < 6 & 7", "\t", "\x00", "'\""]
)  # fmt: skip
pieces = st.one_of(
    texts,
    st.builds(lambda tag, more: f"<{tag}{more}>", tags, attributes),
    st.builds(lambda tag: f"</{tag}>", tags),
    st.builds(lambda tag, more, inner: f"<{tag}{more}>{inner}</{tag}>", tags, attributes, texts),
    st.text(max_size=8),
)
fragments = st.lists(pieces, max_size=14).map("".join)


class Elements(HTMLParser):
    def __init__(self, fragment: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.other: list[str] = []
        self.feed(fragment)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_comment(self, data):
        self.other.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


@given(fragments)
def test_nothing_outside_the_allowed_tags_and_attributes_is_left(fragment):
    parsed = Elements(clean_html(fragment))
    assert parsed.other == []
    for tag, attrs in parsed.found:
        assert tag in TAGS
        assert set(attrs) <= ({"href", "rel"} if tag == "a" else set())
        if scheme := re.match(r"\s*([a-z0-9+.-]+):", attrs.get("href") or "", re.IGNORECASE):
            assert scheme[1].lower() in SCHEMES


@given(fragments)
def test_cleaning_twice_changes_nothing(fragment):
    once = clean_html(fragment)
    assert clean_html(once) == once


@given(st.text())
def test_any_text_is_cleaned_without_error(text):
    once = clean_html(text)
    assert clean_html(once) == once


def test_a_paste_from_word_is_paragraphs_and_lists():
    cleaned = clean_html(WORD)
    assert re.sub(r">\s+<", "><", cleaned) == (
        "<h4>Key <em>achievements</em></h4>"
        "<p><strong>Cash</strong> reached\n300,000 people."
        '<a href="https://example.org/report" rel="noopener nofollow">Report</a></p>'
        "<ul><li>Shelter for 1,200</li><li>of\nwhom 700 are women</li><li>Documents for <strong>8,000</strong></li></ul>"
        "<p>Next steps:</p>"
        "<ol><li>Register</li><li>Relocate</li></ol>"
        "<p>cell</p>"
    )
    assert clean_html(cleaned) == cleaned


@pytest.mark.parametrize(
    ("pasted", "cleaned"),
    [
        ("<p>· one</p><p>· two</p><p>after</p>", "<ul><li>one</li><li>two</li></ul><p>after</p>"),
        ("<p>- one</p>", "<ul><li>one</li></ul>"),
        ("<p>o bien se queda</p>", "<p>o bien se queda</p>"),  # a Spanish “or”, not Word's bullet
        ("<p>– 5 per cent</p>", "<p>– 5 per cent</p>"),
        ("<p>-5 per cent</p>", "<p>-5 per cent</p>"),
        ("<p>2. Results</p>", "<p>2. Results</p>"),
        ("<p>a<br><br></p><p>&nbsp;</p><p><br></p>", "<p>a</p>"),
        ("<p><strong></strong>a<em> </em></p>", "<p>a</p>"),
        ("<div>a</div><b>b</b><H1>c</H1>", "<p>a</p><p><strong>b</strong></p><h4>c</h4>"),
        ("<p>1&nbsp;234 people</p>", "<p>1 234 people</p>"),
        ("", ""),
        ("a<p>b</p>c <em>d</em>", "<p>a</p><p>b</p><p>c <em>d</em></p>"),
        (
            "<table><tr><td>2019</td><td>300</td></tr><tr><th>2020</th>\n<td>400</td></tr></table>",
            "<p>2019 | 300</p><p>2020 | 400</p>",
        ),
        ("<dl><dt>a</dt><dd>b</dd></dl><article>c</article>", "<p>a</p><p>b</p><p>c</p>"),
        ('<p><a href="javascript:x()">a</a></p>', "<p>a</p>"),
        ("<p>hy\u00adphen</p>", "<p>hyphen</p>"),
    ],
)
def test_what_editors_paste(pasted, cleaned):
    assert clean_html(pasted) == cleaned


@pytest.mark.parametrize(
    "hostile",
    ["<br>" * 100_000, "<p" * 200_000, "<p>- " * 50_000, "<!--" * 100_000, "<p " + "x" * 500_000, "\n" * 500_000 + "x",
     "<p><br>" * 50_000, "<b>" * 20_000, "<p class=MsoListParagraph>" * 20_000, " <br>" * 50_000 + "x</p>"],
    ids=range(10),
)  # fmt: skip
def test_no_text_holds_up_the_site(hostile):
    started = time.monotonic()
    clean_html(hostile)
    assert time.monotonic() - started < 5
