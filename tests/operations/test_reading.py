"""Tables as people have them: how a file is to be read is found out and shown, and its rows are streamed."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import time
from contextlib import suppress

import openpyxl
import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from operations import reading, text_files
from operations.cells import Digits
from operations.reading import Reading, SetAside, TableFile, open_table

TABLE = "donor,date,amount\nNorway,2021-11-24,5\nSpain,2021-11-25,6\n"
ROWS = [(2, ["Norway", "2021-11-24", "5"]), (3, ["Spain", "2021-11-25", "6"])]
NAMES = {"donor", "date", "amount", "bailleur de fonds"}


def opened(text: str | bytes, **options) -> TableFile:
    raw = text.encode() if isinstance(text, str) else text
    choices = {name: options.pop(name) for name in list(options) if name in Reading.__dataclass_fields__}
    return open_table(io.BytesIO(raw), choices=Reading(**choices), **options)


def read(text: str | bytes, **options) -> list[tuple[int, list]]:
    return list(opened(text, **options).rows())


def workbook(*rows, change=lambda sheet: None, **sheets) -> bytes:
    """A workbook of a sheet “Gifts” with these rows, and of others by name."""
    book = openpyxl.Workbook()
    book.active.title = "Gifts"
    for row in rows:
        book.active.append(list(row))
    for name, others in sheets.items():
        page = book.create_sheet(name)
        for row in others:
            page.append(list(row))
    change(book.active)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


# --- What a source may be -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["path", "str", "bytes", "upload"])
def test_a_path_or_an_open_file_is_read_as_often_as_asked(kind, tmp_path):
    path = tmp_path / "gifts.csv"
    path.write_text(TABLE)
    source = {
        "path": path,
        "str": str(path),
        "bytes": io.BytesIO(TABLE.encode()),
        "upload": SimpleUploadedFile("gifts.csv", TABLE.encode()),
    }[kind]
    table = open_table(source)
    assert (table.headers, table.size) == (["donor", "date", "amount"], len(TABLE))
    assert table.sha256 == hashlib.sha256(TABLE.encode()).hexdigest()
    assert list(table.rows()) == list(table.rows()) == ROWS
    assert list(table.chunks(1)) == [[ROWS[0]], [ROWS[1]]]
    assert list(table.chunks(2)) == list(table.chunks(9)) == [ROWS]
    assert next(table.rows()) == ROWS[0]
    assert list(table.rows()) == ROWS


def test_how_a_file_was_read_can_be_stored_and_asked_for_again():
    table = opened("Gifts of 2021\n\n" + TABLE.replace(",", ";").replace("Spain", "Österreich"), known=NAMES)
    assert table.reading == Reading(encoding="utf-8", delimiter=";", header_line=3, layout="flat")
    stored = json.loads(json.dumps(table.reading.to_json()))
    assert Reading.from_json(stored) == table.reading
    assert Reading.from_json({"sheets": ["a"], "of tomorrow": 1}) == Reading(sheets=("a",))


def test_the_limits_hold_where_they_are_given():
    assert len(read(TABLE, most_rows=2, most_bytes=len(TABLE))) == 2
    with pytest.raises(ValidationError, match="more than 1 rows"):
        read(TABLE, most_rows=1)
    with pytest.raises(ValidationError, match="larger than 0 MB"):
        opened(TABLE, most_bytes=len(TABLE) - 1)


# --- Encodings ------------------------------------------------------------------------------------

WESTERN = "donor;note\nCôte d'Ivoire;Société Générale – 5 €\nEspaña;“Año”\n"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", WESTERN),
        ("utf-8-sig", WESTERN),
        ("utf-16", WESTERN),
        ("cp1252", WESTERN),
        ("cp1252", "donor;note\nPérou;x\n"),
        ("cp1252", "donor;note\nDonor’s;x\n"),
        ("cp1250", "donor;note\nČeská republika;Příspěvek, řízení, žluťoučký kůň\n"),
        ("cp1251", "donor;note\nРоссийская Федерация;взнос\n"),
        ("cp1254", "donor;note\nTürkiye Diyanet Vakfı;İstanbul, Şişli, Güneydoğu\n"),
        ("cp1256", "donor;note\nالمملكة العربية السعودية;المبلغ\nقطر;الكويت\n"),
        ("mac_roman", WESTERN * 5),
    ],
)
@pytest.mark.parametrize("far", [0, 9000], ids=["at once", "far below"])
def test_the_encoding_is_found_and_said_unless_it_is_utf_8(encoding, text, far):
    header, rest = text.split("\n", 1)
    text = "\n".join([header, *["plain;x"] * far, rest])
    table = opened(text.encode(encoding))
    assert table.reading.encoding == encoding
    assert [row for _line, row in table.rows()][far:] == [line.split(";") for line in rest.splitlines()]
    if encoding.startswith("utf-8"):
        assert table.notes == []
    else:
        (note,) = table.notes
        assert text_files.ENCODINGS[encoding] in note


def test_a_chosen_encoding_is_taken_even_without_a_byte_order_mark():
    assert read(TABLE.encode("utf-16-be"), encoding="utf-16-be") == ROWS
    assert read("donor,x\nPérou,1\n".encode("cp850"), encoding="cp850") == [(2, ["Pérou", "1"])]
    with pytest.raises(ValidationError, match="“rot13” is no encoding"):
        opened(TABLE, encoding="rot13")


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("encoding", "label"), [("", "UTF-8"), ("utf-8-sig", "UTF-8"), ("cp1252", "Windows-1252")]
)
def test_bytes_that_are_none_of_the_encoding_are_an_error_with_their_line_when_it_is_reached(
    ends, encoding, label
):
    lines = ["donor,x", *["Türkiye,é"] * 40_000]
    raw = [line.encode("cp1252" if encoding == "cp1252" else "utf-8") for line in lines]
    raw[30_000] = b"Bogot\x81,1" if encoding == "cp1252" else b"Bogot\xe1,1"
    table = opened(ends.encode().join(raw), encoding=encoding)
    rows = table.rows()
    assert next(rows) == (2, ["Türkiye", "é"])
    seen = 1
    with pytest.raises(ValidationError, match=f"Line 30001 is not {label}"):  # noqa: PT012 - the last row is counted
        for line, _row in rows:
            seen = line
    assert seen == 30_000


def test_what_can_be_in_any_encoding_is_not_guessed():
    with pytest.raises(ValidationError, match="its encoding cannot be told"):
        opened(b"donor,x\n" + bytes(range(0x80, 0x9F)) + b",1\n")


def test_nul_is_refused_where_no_byte_order_mark_says_why_it_stands_there():
    for text in (TABLE, TABLE.replace("Spain", "España")):
        with pytest.raises(ValidationError, match="NUL characters"):
            opened(text.encode("utf-16-le"))


# --- Delimiters -----------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "###"])
@pytest.mark.parametrize("title", ["", "Gifts, by donor; as of 2021 | all\n\n"])
def test_the_delimiter_is_the_one_that_most_lines_agree_on(delimiter, title):
    lines = [
        ["donor", "note", "amount"],
        ["Norway", "a, b; c", "1,5"],
        ["Spain", "d, e", "2,5"],
        ["Italy", "", "3,5"],
    ]
    text = title + "\n".join(
        delimiter.join(f'"{c}"' if set(c) & set(",;") else c for c in row) for row in lines
    )
    table = opened(text)
    assert table.reading.delimiter == delimiter
    assert [row for _line, row in table.rows()] == lines[1:]


def test_decimal_commas_do_not_make_commas_the_delimiter():
    assert read("donor;amount\nA;1,5\nB;2,5\nC;3,5\n") == [
        (2, ["A", "1,5"]),
        (3, ["B", "2,5"]),
        (4, ["C", "3,5"]),
    ]


def test_a_delimiter_of_several_characters_may_stand_in_quotes():
    assert read('donor###note\n"a###b"###"two\nlines"\nc###d\n') == [
        (2, ["a###b", "two\nlines"]),
        (4, ["c", "d"]),
    ]
    with pytest.raises(ValidationError, match=r"Line 2 holds an invisible control character"):
        read("donor###note\na\x1fb###c\n")


def test_a_chosen_delimiter_is_taken():
    assert read("donor~x,y\nNorway~1,2\n", delimiter="~") == [(2, ["Norway", "1,2"])]
    for wrong in ('"', "\n", "a\x1f"):
        with pytest.raises(ValidationError, match="Cells cannot be separated by"):
            opened(TABLE, delimiter=wrong)


# --- The header and what stands around it ---------------------------------------------------------


@pytest.mark.parametrize(
    ("above", "line"),
    [
        ("", 1),
        ("\n\n", 3),
        ("Gifts\n", 2),
        ('Gifts\n"Extracted on 2021-11-30, at noon"\n\n,,\n', 5),
        ("Report:,Gifts\nDate:,2021-11-30\n", 3),
    ],
)
def test_the_header_is_found_below_titles_and_blank_lines(above, line):
    table = opened(above + TABLE, known=NAMES)
    assert table.reading.header_line == line
    assert list(table.rows()) == [(number + line - 1, row) for number, row in ROWS]
    titles = [SetAside(n, "title", " · ".join(filter(None, text.strip('"').split(",")))) for n, text in
              enumerate(above.splitlines(), 1) if text.strip(",") and not text.startswith('"')]  # fmt: skip
    assert [aside for aside in table.set_aside if "Extracted" not in aside.text] == titles
    assert [note.split(" is on line ")[0] for note in table.notes] == (["The header"] if titles else [])


def test_known_names_are_the_strongest_sign_of_a_header():
    text = "Name,Place,Sum of it\nBailleur de fonds,Date,Amount\nNorway,2021-11-24,5\n"
    assert opened(text).reading.header_line == 1
    assert opened(text, known=NAMES).reading.header_line == 2
    assert opened(text, known=lambda header: header.lower() in NAMES).headers[0] == "Bailleur de fonds"


def test_years_may_be_names_of_columns_and_numbers_and_days_may_not():
    assert opened("Figures\ncountry,2019,2020\nPeru,5,6\n").headers == ["country", "2019", "2020"]
    for text in ("Norway,2021-11-24,5\nSpain,2021-11-25,6\n", "5,6\n7,8\n", "Norway,government,$1,500\n" * 3):
        with pytest.raises(ValidationError, match="No line of the file looks like a header"):
            opened(text)


def test_a_person_can_say_which_line_is_the_header():
    text = "a,b\nc,d\n\ne,f\n"
    assert opened(text, header_line=2).headers == ["c", "d"]
    assert read(text, header_line=2) == [(4, ["e", "f"])]
    for line in (3, 99):
        with pytest.raises(ValidationError, match=f"Line {line} cannot be the header"):
            opened(text, header_line=line)


def test_a_row_of_hxl_tags_is_never_a_record():
    table = opened("donor,date,amount\n#org +name+funder,,#value\nNorway,2021-11-24,5\n")
    assert (table.reading.hxl_line, table.hxl) == (2, ["#org +name+funder", "", "#value"])
    assert list(table.rows()) == [(3, ["Norway", "2021-11-24", "5"])]
    assert table.set_aside == [SetAside(2, "hxl", "#org +name+funder · #value")]
    assert opened("donor,no\n#1 of us,5\n").reading.hxl_line == 0


AROUND = (
    "donor,date,amount\nNorway,2021-11-24,5\nSource,,\nTotal 2020,,5\ndonor,Date,amount\nSpain,2021-11-25,6\n"
    "Grand total:,,11\n\n* provisional,,\n,Extracted by FTS,\n"
)


def test_footers_totals_and_repeated_headers_are_found_and_shown_but_come_out_as_rows():
    table = opened(AROUND)
    assert [line for line, _row in table.rows()] == [2, 3, 4, 5, 6, 7, 9, 10]
    assert table.set_aside == [
        SetAside(4, "total", "Total 2020 · 5"),
        SetAside(5, "repeated_header", "donor · Date · amount"),
        SetAside(7, "total", "Grand total: · 11"),
        SetAside(9, "footer", "* provisional"),
        SetAside(10, "footer", "Extracted by FTS"),
    ]
    assert (table.found, table.blank) == ({"total": 2, "repeated_header": 1, "footer": 2}, 1)
    again = list(table.rows())
    assert (len(again), len(table.set_aside)) == (8, 5)


def test_they_are_left_out_on_the_users_word():
    table = opened(AROUND, leave_out=("total", "footer", "repeated_header"))
    assert [line for line, _row in table.rows()] == [2, 3, 6]
    assert len(table.set_aside) == 5
    assert [line for line, _row in opened(AROUND, leave_out=("footer",)).rows()] == [2, 3, 4, 5, 6, 7]


def test_a_short_last_record_with_a_figure_is_no_footer():
    table = opened("donor,date,amount\nNorway,2021-11-24,5\n,,6\n")
    assert list(table.rows()) == [(2, ["Norway", "2021-11-24", "5"]), (3, ["", "", "6"])]
    assert table.set_aside == []


def test_thousands_of_lines_that_may_be_a_footer_are_counted_and_not_all_kept(monkeypatch):
    monkeypatch.setattr(reading, "MOST_SHOWN", 3)
    table = opened("donor,date,amount\nNorway,2021-11-24,5\n" + "x,,\n" * 700)
    assert len(list(table.rows())) == 701
    assert (table.found["footer"], len(table.set_aside)) == (199, 3)


def test_cells_that_our_exports_marked_as_text_come_back_as_they_were():
    text = "donor,x\n'=1+1,''-\n" + "Norway,d'Or\n" * 30_000 + "'+5,x\n"
    rows = read(text)
    assert (rows[0], rows[1], rows[-1]) == (
        (2, ["=1+1", "'-"]),
        (3, ["Norway", "d'Or"]),
        (30_003, ["+5", "x"]),
    )


def test_a_record_of_several_lines_has_the_line_on_which_it_begins():
    lines = 'a,"1\n2"\r\n' + "b,2\n" * 1500 + 'c,"1\r\n2\r3"\nd,4\n'
    rows = read("donor,x\n" + lines)
    assert [rows[0], rows[1], rows[-2], rows[-1]] == [
        (2, ["a", "1\n2"]),
        (4, ["b", "2"]),
        (1504, ["c", "1\r\n2\r3"]),
        (1507, ["d", "4"]),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The file is empty"),
        ("\n ,, \n", "The file is empty"),
        ("donor,x\n", "a header, but no lines"),
        ("donor,x\n#org,#value\n", "a header, but no lines"),
        ("donor,x\nA,1\n" * 600 + "A,1,2\n", "Line 1201 has 3 cells, but the header has 2"),
        ("donor,x\n" + "A,1\n" * 1500 + 'B,"2"3\n', "Line 1502 cannot be read"),
        ("donor,donor\nA,1\n", "names a column twice: donor"),
        ("<!DOCTYPE html><table>", "This is a web page"),
        (b"\xef\xbb\xbf\n<html><table>", "This is a web page"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "Excel 97"),
        ("x" * 9_000_000, "longer than any line|more than 131072 characters"),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(text, sentence):
    with pytest.raises(ValidationError, match=sentence):
        read(text)


# --- Workbooks ------------------------------------------------------------------------------------

SHEET = (("donor", "date", "amount"), ("Norway", "2021-11-24", 5.5), ("Spain", None, 1234))


def test_a_sheet_can_be_chosen_and_the_others_are_named():
    raw = workbook(("note",), ("x",), More=SHEET)
    table = opened(raw, sheet="More")
    assert (table.reading.sheet, table.reading.sheets) == ("More", ("Gifts", "More"))
    rows = list(table.rows())
    assert rows == list(table.rows()) == [(2, ["Norway", "2021-11-24", "5.5"]), (3, ["Spain", "", "1234"])]
    assert type(rows[0][1][2]) is Digits
    assert table.notes == ["The workbook has 2 sheets; only “More” was read."]
    assert opened(raw).reading.sheet == "Gifts"
    with pytest.raises(ValidationError, match=r"no visible sheet “Less”\. Choose one of: Gifts, More"):
        opened(raw, sheet="Less")


def test_other_sheets_with_such_a_table_are_told_unless_one_was_chosen():
    lookup, title = (("Code", "Name"), ("PER", "Peru")), ("Gifts of 2022",)
    raw = workbook(*SHEET, More=(title, (), *SHEET), Codes=lookup, Empty=SHEET[:1])
    table = opened(raw, known=NAMES)
    assert (table.reading.sheet, table.reading.sheets_alike) == ("Gifts", ("More",))
    assert opened(raw).reading.sheets_alike == ("More",)  # by the headers of the sheet that was read
    stored = Reading.from_json(table.reading.to_json())
    assert open_table(io.BytesIO(raw), choices=stored).reading.sheets_alike == ("More",)
    assert opened(raw, sheet="Gifts", known=NAMES).reading.sheets_alike == ()
    assert opened(workbook(*SHEET, Codes=lookup), known=NAMES).reading.sheets_alike == ()


COVER = (("Gifts of 2021",), (), ("Prepared by", "Finance"), ("Date", "2021-12-31"))


@pytest.mark.parametrize(
    "cover", [(), COVER[:1], COVER, SHEET[:1]], ids=["empty", "title", "labels", "no lines"]
)
def test_a_first_sheet_that_is_no_table_is_passed_over_for_one_that_is(cover):
    raw = workbook(*cover, Notes=(("x",),), More=SHEET, Codes=(("Code", "Name"), ("PER", "Peru")))
    table = opened(raw, known=NAMES)
    assert (table.reading.sheet, table.reading.passed_over, table.reading.sheets_alike) == (
        "More",
        "Gifts",
        (),
    )
    assert table.notes == ["The workbook has 4 sheets; only “More” was read."]
    assert len(list(table.rows())) == 2
    stored = open_table(io.BytesIO(raw), choices=Reading.from_json(table.reading.to_json()), known=NAMES)
    assert stored.reading == table.reading
    assert opened(raw, sheet="More", known=NAMES).reading.passed_over == ""


def test_without_a_known_header_the_first_sheet_that_looks_like_a_table_is_taken():
    table = (("Qui", "Combien"), ("Norvège", 5))
    found = opened(workbook(("Cover",), More=table, Most=table), known=NAMES).reading
    assert (found.sheet, found.passed_over, found.sheets_alike) == ("More", "Gifts", ("Most",))
    assert opened(workbook(*table, More=table), known=NAMES).reading.passed_over == ""


def test_where_no_sheet_is_a_table_all_are_named():
    with pytest.raises(ValidationError) as error:
        opened(workbook(More=(("x", 5),)), known=NAMES)
    assert " ".join(error.value.messages) == (
        "The file is empty. The workbook has several sheets: “Gifts”, “More”. Choose the one that is to be read."
    )
    assert error.value.sheets == ("Gifts", "More")
    hidden = workbook(*SHEET, More=(("x",),), change=hide_column)
    with pytest.raises(ValidationError, match="Column B of the sheet is hidden"):
        opened(hidden, known=NAMES)  # which is a table, and not passed over


def test_a_sheet_that_is_told_may_have_hidden_lines_and_a_hidden_sheet_is_not_told():
    def hide(sheet) -> None:
        hide_row(sheet.parent["More"])
        hide_column(sheet.parent["More"])
        sheet.parent["Old"].sheet_state = "hidden"

    table = opened(workbook(*SHEET, More=SHEET, Old=SHEET, change=hide), known=NAMES)
    assert (table.reading.sheets_alike, len(list(table.rows()))) == (("More",), 2)


def test_private_donors_at_the_end_of_groups_are_no_footer():
    text = "date,donor,amount\n2021-02-03,Norway,1000\n2021-02-04,Japan,5\n,private donors,\n"
    grouped = opened(text, layout="grouped")
    assert (len(list(grouped.rows())), grouped.found["footer"]) == (3, 0)
    flat = opened(text)
    assert (len(list(flat.rows())), flat.found["footer"]) == (3, 1)
    end = opened(text + "By the finance section,,\n", layout="grouped")
    assert (len(list(end.rows())), end.found["footer"]) == (4, 1)


def test_a_table_may_begin_anywhere_in_a_sheet():
    raw = workbook(("Gifts of 2021",), (), *((None, *row) for row in SHEET), (None, "Total", None, 6))
    table = opened(raw)
    assert (table.headers, table.reading.header_line) == (["", "donor", "date", "amount"], 3)
    assert [line for line, _row in table.rows()] == [4, 5, 6]
    assert [aside.reason for aside in table.set_aside] == ["title", "total"]


def hide_column(sheet) -> None:
    sheet.column_dimensions["B"].hidden = True


def hide_row(sheet) -> None:
    sheet.row_dimensions[3].hidden = True


def fill_far(sheet) -> None:
    sheet.cell(2, 400, "unseen")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (hide_column, "Column B of the sheet is hidden"),
        (hide_row, "Line 3 of the sheet is hidden"),
        (fill_far, r"more than 200 columns \(line 2\)"),
    ],
)
def test_what_nobody_sees_in_a_sheet_is_refused(change, sentence):
    with pytest.raises(ValidationError, match=sentence):
        read(workbook(*SHEET, change=change))


def test_hidden_columns_and_rows_without_a_value_are_no_matter():
    def hide(sheet) -> None:
        sheet.column_dimensions["F"].hidden = True
        sheet.row_dimensions[9].hidden = True

    assert len(read(workbook(*SHEET, change=hide))) == 2


def test_a_workbook_by_another_name_is_refused_and_without_a_name_recognised():
    raw = workbook(*SHEET)
    assert len(read(raw)) == len(read(raw, name="gifts.xlsx")) == 2
    with pytest.raises(ValidationError, match="This is a workbook, not a CSV file"):
        opened(raw, name="gifts.csv")
    with pytest.raises(ValidationError, match="This is not an XLSX workbook"):
        opened(TABLE, name="gifts.xlsx")


# --- The block of text ----------------------------------------------------------------------------

PAGE = "Chad\nA country, in Africa\n• 05-MAR-2020\n  Norway\n  $1,500\n• Italy\n  private donors\n  $20\nView all\n"


def test_a_block_of_contributions_is_proposed_and_can_be_declined():
    table = opened(PAGE)
    assert (table.reading.layout, table.headers) == ("block", ["date", "donor", "donor_type", "amount"])
    assert list(table.rows()) == [
        (4, ["05-MAR-2020", "Norway", "", "$1,500"]),
        (6, ["05-MAR-2020", "Italy", "private", "$20"]),
    ]
    assert [(aside.line, aside.reason) for aside in table.set_aside] == [
        (1, "title"),
        (2, "title"),
        (9, "footer"),
    ]
    assert opened(PAGE, layout="flat").headers == ["A country", "in Africa"]
    with pytest.raises(ValidationError, match="no block of contributions"):
        opened(TABLE, layout="block")


# --- Any file, and large ones ---------------------------------------------------------------------

CELLS = st.text(
    st.characters(codec="cp1252", exclude_characters="\r\n\0\x1f#'", exclude_categories=["Cc"]), max_size=8
)


@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=6),
    st.sampled_from([",", ";", "\t", "|", "###"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_rows_come_back_from_every_form_of_a_file(cells, delimiter, encoding, ends):
    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"'

    lines = [["donor", "date", "amount"], *cells]
    raw = ends.join(delimiter.join(map(quoted, row)) for row in lines).encode(encoding)
    expected = [(n, list(row)) for n, row in enumerate(cells, 2) if any(cell.strip() for cell in row)]
    assume(expected)
    table = opened(raw, encoding=encoding, delimiter=delimiter, header_line=1, layout="flat")
    assert list(table.rows()) == expected


@hypothesis_settings(max_examples=300)
@given(st.one_of(st.binary(), st.text().map(str.encode), st.binary().map(lambda raw: b"donor,x\n" + raw)))
def test_any_bytes_are_a_table_or_refused_in_a_sentence(raw):
    with suppress(ValidationError):
        table = opened(raw)
        width = len(table.headers)
        assert all(len(row) == width for _line, row in table.rows())


@given(
    st.lists(st.lists(st.sampled_from(["", "Norway", "Total", "5", " ", "donor", "2020-01-01"]), max_size=3))
)
def test_the_quick_look_and_the_close_look_see_the_same(rows):
    """The same rows beside a cell that makes every row be looked at closely."""
    text = "donor,date,amount\n" + "".join(",".join(row) + "\n" for row in rows) + "Norway,2020-01-01,5\n"
    quick, close = opened(text), opened(text + "'=1,2020-01-01,6\n")
    assert [*quick.rows(), (len(rows) + 3, ["=1", "2020-01-01", "6"])] == list(close.rows())
    assert (quick.set_aside, quick.blank) == (close.set_aside, close.blank)


def test_a_few_bytes_beyond_ascii_in_a_large_file_are_found_at_once():
    """One in 2,000 lines, and each line long; the encoding is known before the first row is read."""
    plain = b"Norway," + b"x" * 300 + b"\n"
    raw = b"donor,note\n" + (plain * 2000 + b"C\xf4te d'Ivoire,x\n") * 40
    started = time.perf_counter()
    assert opened(raw).reading.encoding == "cp1252"
    assert time.perf_counter() - started < 1


def test_a_byte_order_mark_is_no_part_of_the_first_header_whatever_was_chosen():
    raw = b'\xef\xbb\xbf"donor",x\nNorway,1\n'
    for encoding in ("", "utf-8", "utf-8-sig"):
        assert opened(raw, encoding=encoding).headers == ["donor", "x"]


MEASURED = """
import resource, sys
import django
django.setup()
from operations.reading import open_table
table = open_table(sys.argv[1])
next(table.rows())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = sum(len(chunk) for chunk in table.chunks(1000))
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_large_file_is_read_in_the_memory_of_a_small_one(tmp_path):
    path = tmp_path / "large.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(
            [["donor", "date", "note"], *[["Norway", "2021-11-24", "é" * 100]] * 100_000]
        )
    assert path.stat().st_size > 20 * 1024**2
    started = time.perf_counter()
    printed = subprocess.run(
        [sys.executable, "-c", MEASURED, str(path)],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    count, grown = map(int, printed.split())
    assert (count, grown < 8 * 1024) == (100_000, True)
    assert time.perf_counter() - started < 10
