"""Tables as files: CSV and XLSX, read strictly and written plainly."""

from __future__ import annotations

import datetime as dt
import io
import re
import time
import zipfile
from decimal import Decimal

import openpyxl
import pytest
import tablib
import xlsxwriter
from django.core.exceptions import ValidationError
from django.utils import translation

from operations import reading
from operations.reading import given_cell
from operations.tables import PlainCSV, PlainXLSX, plain_cell
from operations.workbooks import Unreadable


def csv(text: str | bytes):
    return PlainCSV().read(text.encode() if isinstance(text, str) else text)


def workbook(*rows, sheet: str = "Sheet1", **options) -> bytes:
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, options)
    page = book.add_worksheet(sheet)
    for line, row in enumerate(rows):
        for column, cell in enumerate(row):
            if isinstance(cell, dt.date):
                page.write_datetime(line, column, cell, book.add_format({"num_format": "dd-mmm-yyyy"}))
            elif isinstance(cell, tuple):  # a number and how it is shown
                page.write_number(line, column, cell[0], book.add_format({"num_format": cell[1]}))
            else:
                page.write(line, column, cell)
    book.close()
    return stream.getvalue()


def changed(raw: bytes, **texts: bytes | None) -> bytes:
    """The workbook with other members: name (dots and slashes as underscores) → bytes; new ones are added."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            key = re.sub(r"\W", "_", member.filename)
            content = texts.pop(key) if key in texts else old.read(member)
            if content is not None:
                new.writestr(member.filename, content)
        for name, content in texts.items():
            new.writestr(name, content)
    return stream.getvalue()


def member(raw: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return archive.read(name)


TABLE = [("code", "name"), ("PER", "Peru"), ("COL", "Colombia")]
SHEET = "xl_worksheets_sheet1_xml"


# --- Reading CSV ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "code,name\nPER,Peru\nCOL,Colombia\n",
        "\ufeffcode,name\nPER,Peru\nCOL,Colombia",
        "code,name\r\nPER,Peru\r\nCOL,Colombia\r\n",
        "code,name\rPER,Peru\rCOL,Colombia\r",
        "code,name\r\nPER,Peru\nCOL,Colombia\r",
        "code;name\nPER;Peru\nCOL;Colombia\n",
        "code\tname\nPER\tPeru\nCOL\tColombia\n",
        '"code","name"\n"PER","Peru"\n"COL","Colombia"\n',
        " code ,\u200bname\u00a0\nPER,Peru\nCOL,Colombia\n",
        "code,name,\nPER,Peru,\nCOL,Colombia,\n",
    ],
)
def test_the_forms_of_a_csv_file(text):
    dataset = csv(text)
    assert dataset.headers == ["code", "name"]
    assert list(dataset) == [("PER", "Peru"), ("COL", "Colombia")]
    assert dataset.lines == [2, 3]


def test_lines_are_counted_as_an_editor_shows_them():
    dataset = csv('code,name\n\nPER,"Peru\n(the\nwhole)"\n,,\n   \nCOL,"a ""b"" c, d"\n\n')
    assert list(dataset) == [("PER", "Peru\n(the\nwhole)"), ("COL", 'a "b" c, d')]
    assert dataset.lines == [3, 8]


def test_a_short_line_is_filled_and_a_long_one_refused_by_its_number():
    assert list(csv("code,name\nPER\n")) == [("PER", None)]
    with pytest.raises(ValidationError, match="Line 4 has 3 cells, but the header has 2"):
        csv('code,name\nPER,"Peru\n"\nCOL,Colombia,x\n')


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "The file is empty"),
        (b"  \n\n \t \n", "The file is empty"),
        (b"code,name\n", "a header, but no lines"),
        (b"code,name\n,,\n", "a header, but no lines"),
        ("code,name\nPER,Perú\nCOL,".encode() + b"Bogot\xe1,\n", "Line 3 is not UTF-8"),
        ("code,name\nPER,Peru".encode("utf-16-le"), "NUL characters"),
        (b"code,name\nPER,Pe\0ru\n", "NUL characters"),
        (b'code,name\nPER,"Peru\nCOL,Colombia\n', "Line 2 cannot be read"),
        (b'code,name\nPER,"Pe"ru\n', "Line 2 cannot be read"),
        (
            b"code,name\nPER," + b"x" * 200_000,
            "Line 2 cannot be read. A cell that begins there has more than 131072 characters.",
        ),
        (b"code,name,Code\nPER,Peru,x\n", "names a column twice: code"),
        (b"budget_year,budget year\n1,2\n", "names a column twice: budget year"),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(raw, sentence):
    with pytest.raises(ValidationError, match=sentence):
        csv(raw)


@pytest.mark.parametrize(("encoding", "said"), [("cp1252", "Windows-1252: “Perú”"), ("utf-16", "UTF-16")])
def test_another_encoding_than_utf_8_is_read_and_said(encoding, said):
    dataset = csv("code,name\nPER,Perú\n".encode(encoding))
    assert list(dataset) == [("PER", "Perú")]
    (note,) = dataset.notes
    assert note.startswith(f"The file is not in UTF-8; it was read as {said}")


def test_a_workbook_named_csv_is_recognised_and_the_other_way_round():
    with pytest.raises(ValidationError, match="This is a workbook"):
        csv(workbook(*TABLE))
    with pytest.raises(ValidationError, match="not an XLSX workbook"):
        PlainXLSX().read(b"code,name\nPER,Peru\n")


def test_the_limits_hold_in_the_admin_and_not_on_the_command_line(settings):
    settings.IMPORT_MAX_ROWS, settings.IMPORT_MAX_BYTES = 2, 60
    assert len(PlainCSV().create_dataset(b"code\nA\nB\n")) == 2
    with pytest.raises(ValidationError, match="more than 2 rows"):
        PlainCSV().create_dataset(b"code\nA\nB\nC\n")
    with pytest.raises(ValidationError, match="larger than 0 MB"):
        PlainCSV().create_dataset(b"code\n" + b"A" * 60)
    assert len(csv("code\n" + "A\n" * 100)) == 100


# --- Reading XLSX ---------------------------------------------------------------------------------


def test_the_values_of_a_workbook():
    rows = [
        ("date", "amount", "text", "yes"),
        (dt.date(2021, 11, 24), 1614205, "000123", True),
        (dt.date(2021, 11, 25), 91743119.27, " =1+1", False),
        (None, 0.1 + 0.2, "1E5", None),
        (None, 1e15, "x", None),
        (None, -12.046374, "x", None),
    ]
    dataset = PlainXLSX().read(workbook(*rows, strings_to_formulas=False))
    assert list(dataset) == [
        (dt.date(2021, 11, 24), "1614205", "000123", True),
        (dt.date(2021, 11, 25), "91743119.27", " =1+1", False),
        (None, "0.3", "1E5", None),
        (None, "1000000000000000", "x", None),
        (None, "-12.046374", "x", None),
    ]


def test_days_counted_from_1904_are_the_same_days():
    dataset = PlainXLSX().read(workbook(("date",), (dt.date(2021, 11, 24),), date_1904=True))
    assert list(dataset) == [(dt.date(2021, 11, 24),)]


def test_a_number_shown_in_another_currency_says_so():
    rows = [
        ("amount",),
        ((5, "[$€-2] #,##0.00"),),
        ((-5.5, '"€"#,##0'),),
        ((7, "[$NOK] 0"),),
        ((9, "$#,##0"),),
        ((1, "0.00"),),
    ]
    assert [row[0] for row in PlainXLSX().read(workbook(*rows))] == ["€ 5", "-€ 5.5", "NOK 7", "9", "1"]


def test_formulas_and_errors_are_cells_without_a_value():
    raw = workbook(("a", "b"), ("=1+1", "x"), ("y", "=1/0"))
    raw = changed(raw, **{SHEET: member(raw, "xl/worksheets/sheet1.xml").replace(
        b'<c r="B3"><f>1/0</f><v>0</v></c>', b'<c r="B3" t="e"><v>#DIV/0!</v></c>')})  # fmt: skip
    (formula, x), (y, error) = PlainXLSX().read(raw)
    assert (x, y) == ("x", "y")
    assert isinstance(formula, Unreadable) and (formula, formula.reason) == (
        "=1+1", "The cell holds a formula, whose result may be out of date. Paste it as a value.")  # fmt: skip
    assert (
        isinstance(error, Unreadable) and error.reason == "The cell holds the error #DIV/0! of a spreadsheet."
    )


def test_the_first_visible_sheet_is_read_and_the_others_are_named():
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream)
    for name, cell in (("Notes", "a"), ("Gifts", "b"), ("More", "c")):
        page = book.add_worksheet(name)
        page.write_column(0, 0, ["code", cell])
        if name == "Notes":
            page.hide()
        if name == "Gifts":
            page.activate()
            page.set_first_sheet()
    book.close()
    dataset = PlainXLSX().read(stream.getvalue())
    assert list(dataset) == [("b",)]
    assert dataset.notes == ["The workbook has 3 sheets; only “Gifts” was read."]


def test_a_wrong_dimension_loses_no_rows():
    raw = workbook(*TABLE)
    sheet = re.sub(
        rb'<dimension ref="[^"]*"/>', b'<dimension ref="A1"/>', member(raw, "xl/worksheets/sheet1.xml")
    )
    assert len(PlainXLSX().read(changed(raw, **{SHEET: sheet}))) == 2


def test_rows_far_below_the_table_are_read_and_empty_ones_are_not():
    raw = workbook(*TABLE)
    sheet = member(raw, "xl/worksheets/sheet1.xml")
    phantom = b'<row r="1048576"><c r="A1048576" s="0"/></row></sheetData>'
    dataset = PlainXLSX().read(changed(raw, **{SHEET: sheet.replace(b"</sheetData>", phantom)}))
    assert dataset.lines == [2, 3]
    late = b'<row r="20000"><c r="A20000" t="inlineStr"><is><t>ECU</t></is></c></row></sheetData>'
    dataset = PlainXLSX().read(changed(raw, **{SHEET: sheet.replace(b"</sheetData>", late)}))
    assert (dataset.lines, dataset[2]) == ([2, 3, 20000], ("ECU", None))


def sheet_with(rows: bytes) -> bytes:
    """The workbook of the table, with these rows under it."""
    raw = workbook(*TABLE)
    sheet = member(raw, "xl/worksheets/sheet1.xml")
    return changed(raw, **{SHEET: sheet.replace(b"</sheetData>", rows + b"</sheetData>")})


def test_empty_cells_in_the_last_column_do_not_hold_up_the_site():
    rows = b"".join(b'<row r="%d"><c r="XFD%d" s="0"/></row>' % (n, n) for n in range(4, 2004))
    started = time.monotonic()
    assert len(PlainXLSX().create_dataset(sheet_with(rows))) == 2
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("file_format", [PlainCSV, PlainXLSX])
def test_a_table_has_no_more_than_two_hundred_columns(file_format):
    headers = [f"c{n}" for n in range(200)]

    def read(*row: str):
        text = "\n".join([",".join(row), ",".join("x" for _ in row)])
        return file_format().read(text.encode() if file_format is PlainCSV else workbook(row, "x" * len(row)))

    assert len(read(*headers).headers) == 200
    with pytest.raises(ValidationError, match=r"more than 200 columns \(line 1\)"):
        read(*headers, "another")


def test_blank_rows_and_rows_beyond_a_sheet_are_limited(monkeypatch):
    monkeypatch.setattr(reading, "MOST_BLANK_ROWS", 3)
    blank = b"".join(b'<row r="%d"><c r="A%d" s="0"/></row>' % (n, n) for n in range(4, 9))
    with pytest.raises(ValidationError, match="more than 3 blank rows"):
        PlainXLSX().create_dataset(sheet_with(blank))
    with pytest.raises(ValidationError, match="more than 3 blank rows"):
        PlainCSV().create_dataset(b"code\nPER\n" + b"\n" * 4)
    assert len(PlainXLSX().read(sheet_with(blank))) == 2
    with pytest.raises(ValidationError, match="more than 1048576 lines"):
        PlainXLSX().read(sheet_with(b'<row r="999999999"><c r="A999999999" s="0"/></row>'))


def bomb(size: int) -> bytes:
    return changed(workbook(*TABLE), **{"xl/extra.xml": b" " * size})


ENTITIES = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><sst>&b;</sst>'


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (bomb(30 * 1024**2), "unpacks to more"),
        (changed(workbook(*TABLE), xl_sharedStrings_xml=ENTITIES), "damaged"),
        (changed(workbook(*TABLE), xl_sharedStrings_xml=ENTITIES.decode().encode("utf-16")), "damaged"),
        (changed(workbook(*TABLE), **{"xl/vbaProject.bin": b"x"}), "macros"),
        (changed(workbook(*TABLE), **{"../evil": b"x"}), "not an XLSX workbook"),
        (changed(workbook(*TABLE), xl_workbook_xml=None), "not an XLSX workbook"),
        (changed(workbook(*TABLE), xl_workbook_xml=b"<workbook"), "damaged"),
        (changed(workbook(*TABLE), **{SHEET: b"no XML"}), "damaged"),
        (changed(workbook(*TABLE), **{SHEET: None}), "no visible sheet"),
        (workbook(*TABLE)[:-100], "not an XLSX workbook"),
        (b"PK\x03\x04", "not an XLSX workbook"),
        (b"", "not an XLSX workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "not an XLSX workbook"),
        (workbook(), "The file is empty"),
        (workbook(("code", "name")), "a header, but no lines"),
    ],
    ids=range(15),
)
def test_a_hostile_or_damaged_workbook_is_refused_in_a_sentence(raw, sentence):
    with pytest.raises(ValidationError, match=sentence):
        PlainXLSX().read(raw)


def test_one_damaged_byte_anywhere_is_refused_or_changes_nothing():
    raw = workbook(*TABLE)
    right = list(PlainXLSX().read(raw))
    for place in range(0, len(raw), 37):
        broken = raw[:place] + bytes([raw[place] ^ 0x55]) + raw[place + 1 :]
        try:
            assert list(PlainXLSX().read(broken)) == right
        except ValidationError:
            continue


# --- Writing --------------------------------------------------------------------------------------

DANGEROUS = ["=1+1", '=HYPERLINK("http://evil.example")', "+cmd|' /C calc'!A0", "-2+3", "@SUM(1+1)", "\tx", "\rx", "=_x000D_", "＝1+1", "＋1", "－1", "＠x", "-", "'=1+1", "''+x"]  # fmt: skip
HARMLESS = ["Peru", "'quoted'", "a=b", "1 - 2", "–", "-5", "-5.25", "12", "000123", "%0A=1+1", "😀", "العربية", 'say "x"', "a,b;c", "two\nlines"]  # fmt: skip


@pytest.mark.parametrize("text", DANGEROUS)
def test_a_text_that_a_spreadsheet_would_run_is_marked_as_text_and_reads_back(text):
    assert plain_cell(text) == f"'{text}"
    assert given_cell(plain_cell(text)) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_and_negative_numbers_stay_as_they_are(text):
    assert given_cell(plain_cell(text)) == plain_cell(text) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0, "0"),
        (-5, "-5"),
        (1557276, "1557276"),
        (Decimal("-1614205.50"), "-1614205.50"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.000001"), "0.000001"),
        (dt.date(2021, 11, 24), "2021-11-24"),
    ],
)
@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_values_are_written_without_a_locale(value, text, language):
    with translation.override(language):
        assert plain_cell(value) == text


@pytest.mark.parametrize("file_format", [PlainCSV, PlainXLSX])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_is_written_reads_back_as_the_same_cells(file_format, language):
    texts = [*DANGEROUS, *HARMLESS]
    rows = [(text, Decimal("-1234567.89"), 1557276, dt.date(2021, 11, 24), None, "x") for text in texts]
    rows.append(("large", Decimal("999999999999.99"), 2**62, None, "", "y"))
    with translation.override(language):
        written = file_format().export_data(tablib.Dataset(*rows, headers=["a", "b", "c", "d", "e", "f"]))
        dataset = file_format().read(written.encode() if isinstance(written, str) else written)
    read_back = [tuple("" if cell is None else str(cell) for cell in row) for row in dataset]
    assert read_back == [tuple("" if cell is None else str(cell) for cell in row) for row in rows]


def test_no_cell_of_a_workbook_is_a_formula_and_numbers_are_numbers():
    written = PlainXLSX().export_data(
        tablib.Dataset(
            *[(text, Decimal("-5.25"), 7) for text in DANGEROUS], headers=["text", "amount", "count"]
        )
    )
    sheet = openpyxl.load_workbook(io.BytesIO(written)).active
    for row in list(sheet.iter_rows())[1:]:
        assert [cell.data_type for cell in row] == ["s", "n", "n"]
        assert not re.match(r"[=+\-@\t\r＝＋－＠]", row[0].value)
        assert (row[1].value, row[2].value) == (-5.25, 7)
