"""Three states of a form merged: whatever was typed on either side stands in the form or beside it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.merging import Row, Rules, Sheet, dumps, fingerprint, fold, loads, merge, shown

RULES = Rules(rich=frozenset({"body"}), free=frozenset({"rows-order"}), named_by={"rows": "name"})
NAMES = ("a", "b", "c")
texts = st.sampled_from(["", "1", "2", "3", "Ünë"])


def sheet(rows=(), **fields):
    return Sheet(fields, {"rows": list(rows)})


def row(key, name="", value="", order="", **options):
    return Row({"order": order, "name": name, "value": value}, key, key, **options)


@st.composite
def sheets(draw, keys=("1", "2", "3"), new=0):
    """With rows that are known by key, and some that are not stored yet."""
    fields = {name: draw(texts) for name in NAMES}
    rows = [row(key, f"row {key}", draw(texts), draw(texts)) for key in keys if draw(st.booleans())]
    rows += [row("", f"new {n} {draw(texts)}", draw(texts)) for n in range(draw(st.integers(0, new)))]
    return Sheet(fields, {"rows": rows})


def content(merged):
    """The merged form as it would be saved."""
    rows = [(each.key, each.values) for each in merged.rows["rows"] if not each.is_deleted]
    return merged.fields, rows


def as_saved(state):
    return state.fields, [(each.key, each.values) for each in state.rows["rows"] if not each.is_deleted]


@given(sheets(), sheets(keys=("1", "2", "3", "4", "5")))
def test_who_changed_nothing_gets_what_the_others_made(base, theirs):
    merged = merge(shown(base, RULES), theirs, base, RULES)
    assert content(merged) == as_saved(theirs)
    assert not merged.conflicts
    assert not any(each.conflicts or each.is_kept for each in merged.rows["rows"])
    assert merged.is_overtaken == (shown(base, RULES) != shown(theirs, RULES))


@given(sheets(), st.data())
def test_where_nobody_else_changed_anything_all_is_as_it_was_sent(base, data):
    values = {each.key: data.draw(texts) for each in base.rows["rows"]}
    rows = [
        row(
            each.key,
            each.values["name"],
            values[each.key],
            each.values["order"],
            is_deleted=data.draw(st.booleans()),
        )
        for each in base.rows["rows"]
    ]
    new = [row("", f"new {n}", data.draw(texts)) for n in range(data.draw(st.integers(0, 2)))]
    mine = Sheet({name: data.draw(texts) for name in NAMES}, {"rows": rows + new})
    merged = merge(shown(base, RULES), base, mine, RULES)
    assert content(merged) == as_saved(mine)
    assert not merged.is_overtaken and not merged.conflicts


@given(sheets(), sheets(keys=("1", "2", "3", "4")), sheets(keys=("1", "2", "3"), new=2))
def test_nothing_that_either_typed_is_lost(base, theirs, mine):
    was = shown(base, RULES)
    kept = {each.key for each in base.rows["rows"]}
    mine = Sheet(mine.fields, {"rows": [each for each in mine.rows["rows"] if each.key in kept | {""}]})
    merged = merge(was, theirs, mine, RULES)
    for name in NAMES:
        if mine.fields[name] != base.fields[name]:
            assert merged.fields[name] == mine.fields[name]
        if theirs.fields[name] != base.fields[name]:
            assert theirs.fields[name] in (merged.fields[name], merged.conflicts.get(name))
    there = {each.values["name"]: each for each in merged.rows["rows"]}
    before = {each.key: each.values for each in base.rows["rows"]}
    for each in mine.rows["rows"]:
        if each.values["value"] != before.get(each.key, {}).get("value"):
            assert there[each.values["name"]].values["value"] == each.values["value"]
    for each in theirs.rows["rows"]:
        if each.values["value"] != before.get(each.key, {}).get("value"):
            found = there[each.values["name"]]
            assert each.values["value"] in (found.values["value"], found.conflicts.get("value"))


@given(sheets(), sheets(keys=("1", "2", "3", "4")))
def test_saving_a_merged_form_again_finds_nothing_to_merge(base, theirs):
    merged = merge(shown(base, RULES), theirs, base, RULES)
    rows = [Row(each.values, each.key, each.pk, each.is_deleted) for each in merged.rows["rows"]]
    again = merge(shown(theirs, RULES), theirs, Sheet(merged.fields, {"rows": rows}), RULES)
    assert content(again) == content(merged)
    assert not again.is_overtaken


def test_a_field_that_both_changed_keeps_mine_and_shows_theirs():
    was = shown(sheet(a="1", b="1", c="1"), RULES)
    merged = merge(was, sheet(a="2", b="2", c="1"), sheet(a="3", b="1", c="3"), RULES)
    assert merged.fields == {"a": "3", "b": "2", "c": "3"}
    assert merged.conflicts == {"a": "2"}
    assert merged.taken == {"b"}


def test_the_same_change_on_both_sides_is_no_conflict():
    merged = merge(shown(sheet(a="1"), RULES), sheet(a="2"), sheet(a="2"), RULES)
    assert (merged.fields, merged.conflicts, merged.is_overtaken) == ({"a": "2"}, {}, True)


def test_a_row_that_the_others_deleted_goes_unless_i_changed_it():
    base = sheet([row("1", "x", "1"), row("2", "y", "1")])
    merged = merge(shown(base, RULES), sheet(), sheet([row("1", "x", "1"), row("2", "y", "2")]), RULES)
    assert [(each.values["name"], each.key, each.is_kept) for each in merged.rows["rows"]] == [
        ("y", "", True)
    ]
    assert [values["name"] for values in merged.gone["rows"]] == ["x"]


def test_a_row_that_i_deleted_and_the_others_changed_is_asked_about():
    base = sheet([row("1", "x", "1"), row("2", "y", "1")])
    mine = sheet([row("1", "x", "1", is_deleted=True), row("2", "y", "1", is_deleted=True)])
    merged = merge(shown(base, RULES), sheet([row("1", "x", "2"), row("2", "y", "1")]), mine, RULES)
    assert [(each.is_deleted, each.is_deletion_against) for each in merged.rows["rows"]] == [
        (True, True),
        (True, False),
    ]


def test_a_row_that_the_others_added_is_shown():
    merged = merge(shown(sheet(), RULES), sheet([row("7", "z", "1")]), sheet(), RULES)
    assert [(each.key, each.is_theirs) for each in merged.rows["rows"]] == [("7", True)]
    assert merged.is_overtaken


def test_one_row_that_both_added_is_one_row():
    theirs = sheet([row("7", "Lima", "1")])
    merged = merge(shown(sheet(), RULES), theirs, sheet([row("", "Lima", "2")]), RULES)
    assert [(each.key, each.values["value"], each.conflicts) for each in merged.rows["rows"]] == [
        ("7", "2", {"value": "1"})
    ]


def test_rows_that_were_made_anew_are_known_again():
    base = sheet([row("1", "x", "1"), row("2", "y", "1")])
    theirs = sheet([row("11", "x", "1"), row("12", "y", "5")])
    mine = sheet([row("1", "x", "9"), row("2", "y", "1")])
    merged = merge(shown(base, RULES), theirs, mine, RULES)
    assert [(each.key, each.values["value"]) for each in merged.rows["rows"]] == [("11", "9"), ("12", "5")]
    assert not merged.gone["rows"]


def test_two_orders_are_no_conflict():
    base = sheet([row("1", "x", order="1"), row("2", "y", order="2")])
    theirs = sheet([row("2", "y", order="1"), row("1", "x", order="2")])
    mine = sheet([row("1", "x", order="9"), row("2", "y", order="2")])
    merged = merge(shown(base, RULES), theirs, mine, RULES)
    assert [(each.key, each.values["order"], each.conflicts) for each in merged.rows["rows"]] == [
        ("2", "1", {}),
        ("1", "9", {}),
    ]


def test_without_a_base_all_that_differs_is_a_conflict():
    merged = merge(None, sheet(a="1", b="2"), sheet(a="1", b="3"), RULES)
    assert (merged.fields, merged.conflicts) == ({"a": "1", "b": "3"}, {"b": "2"})


@pytest.mark.parametrize(
    ("stored", "edited"),
    [
        ("<ul><li>one</li></ul>", "<ul><li><p>one</p></li></ul>"),
        (
            '<p><a href="https://x.org/" rel="noopener nofollow">x</a></p>',
            '<p><a href="https://x.org/">x</a></p>',
        ),
        ("<blockquote>said</blockquote>", "<blockquote><p>said</p></blockquote>"),
        ("<p>a</p>\n<p>b</p>", "<p>a</p><p>b</p>"),
        ("<p><em><strong>a</strong></em></p>", "<p><strong><em>a</em></strong></p>"),
        ("", "<p></p>"),
    ],
)
def test_how_an_editor_writes_html_is_no_change(stored, edited):
    assert fold(stored, rich=True) == fold(edited, rich=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<p>a</p>", "<p>A</p>"),
        ("<p>a<br>b</p>", "<p>a b</p>"),
        ("<p>a</p><p>b</p>", "<p>a b</p>"),
        ("<ul><li>a</li><li>b</li></ul>", "<ul><li><p>a</p><p>b</p></li></ul>"),
        ("<ul><li>a</li></ul>", "<ol><li>a</li></ol>"),
        ("<p>a <strong>b</strong></p>", "<p>a b</p>"),
        ('<p><a href="https://x.org/">x</a></p>', '<p><a href="https://y.org/">x</a></p>'),
        ("<p>52,996</p>", "<p>52,000</p>"),
    ],
)
def test_what_a_reader_would_see_differently_is_a_change(one, other):
    assert fingerprint(one, rich=True) != fingerprint(other, rich=True)


def test_line_ends_and_the_order_of_choices_are_no_change():
    assert fold("a\r\nb ") == fold("a\nb")
    assert fold(("PE", "CO")) == fold(("CO", "PE"))


@given(sheets(new=1))
def test_what_was_shown_comes_back_from_the_browser_as_it_was(state):
    assert loads(dumps(shown(state, RULES))) == shown(state, RULES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[]",
        "{}",
        "[1,2]",
        '[{"a":1},{}]',
        '[{},{"t":[]}]',
        '[{},{"t":{"1":{"a":2}}}]',
        "[" * 100_000,
    ],
)
def test_what_is_no_record_of_a_form_is_none(text):
    assert loads(text) is None
