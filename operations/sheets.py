"""What stands in a Django form and its formsets, read for a merge and written back for it (see ``merging``)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import QueryDict
from django_prose_editor.widgets import ProseEditorWidget

from .merging import Merged, MergedRow, Row, Rules, Sheet, Value, Values

NOT_TYPED = {"seen", "shown", "DELETE", "ORDER"}
MOST_ROWS = 1000  # as many as a formset takes


def sheet_of(form: forms.BaseForm, formsets: Iterable[Any]) -> Sheet:
    """What these forms, which are not bound, show of the database."""
    return Sheet(values_of(form), {formset.prefix: list(_rows(formset)) for formset in formsets})


def _rows(formset: Any) -> Iterable[Row]:
    """The stored rows; of a table with a row for each of its keys, those too that are still empty."""
    keyed_by = getattr(formset, "keyed_by", "")
    for row in formset.forms if keyed_by else formset.initial_forms:
        values = values_of(row, formset)
        pk = str(row.instance.pk or "")
        yield Row(values, _text(values[keyed_by]) if keyed_by else pk, pk)


def values_of(form: forms.BaseForm, formset: Any = None) -> Values:
    return {
        name: _shown(form[name]) for name in form.fields if _is_typed(form, name, formset)
    }  # by the field's own name


def _is_typed(form: forms.BaseForm, name: str, formset: Any) -> bool:
    keys = set() if formset is None else {formset._pk_field.name, formset.fk.name}
    return not form.fields[name].disabled and name not in NOT_TYPED | keys


def _shown(bound: forms.BoundField) -> Value:
    """The value as a browser would send it."""
    widget, value = _widget(bound.field), bound.value()
    if isinstance(widget, forms.CheckboxInput):
        return "on" if widget.check_test(value) else ""
    value = widget.format_value(value)
    if isinstance(value, list | tuple):
        return tuple(value) if widget.allow_multiple_selected else _text(tuple(value))
    return "" if value is None else str(value)


def _widget(field: forms.Field) -> Any:
    return getattr(field.widget, "widget", field.widget)  # the admin wraps some


def _text(value: Value) -> str:
    return value if isinstance(value, str) else "".join(value[:1])


def sent(data: QueryDict, form: forms.BaseForm, formsets: Iterable[Any]) -> Sheet:
    """What a browser sent of these forms; rows that nothing was typed in are left out."""
    return Sheet(
        {name: _sent(data, form, name) for name in values_of(form)},
        {formset.prefix: list(_sent_rows(data, formset)) for formset in formsets},
    )


def _sent(data: QueryDict, form: forms.BaseForm, name: str, prefix: str = "") -> Value:
    full, widget = f"{prefix}{name}", _widget(form.fields[name])
    if isinstance(widget, forms.CheckboxInput):
        return "on" if data.get(full) not in (None, "", "false", "False") else ""
    return (
        tuple(data.getlist(full)) if getattr(widget, "allow_multiple_selected", False) else data.get(full, "")
    )


def _sent_rows(data: QueryDict, formset: Any) -> Iterable[Row]:
    keyed_by, empty = getattr(formset, "keyed_by", ""), formset.empty_form
    names = list(values_of(empty, formset))
    blank = {name: _shown(empty[name]) for name in names if name not in getattr(formset, "free", ())}
    for number in range(_count(data.get(f"{formset.prefix}-TOTAL_FORMS"))):
        prefix = f"{formset.prefix}-{number}-"
        values = {name: _sent(data, empty, name, prefix) for name in names}
        pk = data.get(f"{prefix}{formset._pk_field.name}", "")
        key = _text(values[keyed_by]) if keyed_by else pk
        if not key and all(values[name] == value for name, value in blank.items()):
            continue
        yield Row(values, key, pk, bool(formset.can_delete and data.get(f"{prefix}DELETE")))


def _count(text: str | None) -> int:
    return min(int(text), MOST_ROWS) if text and text.isascii() and text.isdigit() and len(text) < 6 else 0


def rules_of(form: forms.BaseForm, formsets: Iterable[Any]) -> Rules:
    formsets = list(formsets)
    rich = {name for name, field in form.fields.items() if is_rich(field)}
    for formset in formsets:
        fields = formset.empty_form.fields.items()
        rich |= {f"{formset.prefix}-{n}" for n, field in fields if is_rich(field)}
    return Rules(
        frozenset(rich),
        frozenset(
            f"{formset.prefix}-{name}" for formset in formsets for name in getattr(formset, "free", ())
        ),
        {formset.prefix: formset.same_by for formset in formsets if getattr(formset, "same_by", "")},
    )


def written(data: QueryDict, merged: Merged, formsets: Iterable[Any]) -> QueryDict:
    """The request that a browser would send from a form with these values."""
    data = data.copy()
    for name, value in merged.fields.items():
        _put(data, name, value)
    for formset in formsets:
        of_rows = re.compile(rf"{re.escape(formset.prefix)}-\d+-")
        for name in [name for name in data if of_rows.match(name)]:
            del data[name]
        rows = ordered(merged.rows[formset.prefix])
        for number, row in enumerate(rows):
            _put_row(data, formset, number, row)
        extra = 0 if getattr(formset, "keyed_by", "") else formset.extra
        if "order" in getattr(formset, "free", ()):
            for number in range(len(rows), len(rows) + extra):
                data[f"{formset.prefix}-{number}-order"] = str(number + 1)
        data[f"{formset.prefix}-INITIAL_FORMS"] = str(sum(bool(row.pk) for row in rows))
        data[f"{formset.prefix}-TOTAL_FORMS"] = str(len(rows) + extra)
    return data


def ordered(rows: list[MergedRow]) -> list[MergedRow]:
    """As a formset numbers them: first the stored ones."""
    return sorted(rows, key=lambda row: not row.pk)


def _put_row(data: QueryDict, formset: Any, number: int, row: MergedRow) -> None:
    prefix = f"{formset.prefix}-{number}-"
    for name, value in row.values.items():
        _put(data, f"{prefix}{name}", value)
    if row.pk:
        data[f"{prefix}{formset._pk_field.name}"] = row.pk
    data[f"{prefix}{formset.fk.name}"] = str(formset.instance.pk or "")
    if row.is_deleted:
        data[f"{prefix}DELETE"] = "on"


def _put(data: QueryDict, name: str, value: Value) -> None:
    if isinstance(value, tuple):
        data.setlist(name, list(value))
    else:
        data[name] = value  # an empty one too: Django takes a field that is left out for its default


def is_rich(field: forms.Field) -> bool:
    """Whether it holds HTML that is written in an editor."""
    return isinstance(_widget(field), ProseEditorWidget)
