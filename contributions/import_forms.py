"""The forms of an import of contributions: upload, how the file is read, names, release, undoing."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from operations.cells import clean_amount, clean_year, fold_name
from operations.import_admin import TableImportForm
from operations.importing import fold_reference, shown
from operations.moment_field import MomentField
from operations.release_forms import LinesField
from operations.text_files import ENCODINGS

from .models import Contribution, Donor, DonorAlias, ImportBatch, ImportSource

EMPTY = "(empty)"  # how a person says that a cell is

COLUMNS = {
    "reference": gettext_lazy("reference"),
    "donor": gettext_lazy("donor"),
    "donor_type": gettext_lazy("class of the donor"),
    "date": gettext_lazy("date"),
    "operation": gettext_lazy("operation"),
    "budget_year": gettext_lazy("budget year"),
    "amount_usd": gettext_lazy("amount in US dollars"),
    "currency": gettext_lazy("original currency"),
    "amount": gettext_lazy("amount in the original currency"),
    "earmarking": gettext_lazy("earmarking"),
    "description": gettext_lazy("description"),
}
ORDERS = {
    "dmy": gettext_lazy("Day first: 03/04/2021 is 3 April 2021"),
    "mdy": gettext_lazy("Month first: 03/04/2021 is 4 March 2021"),
    "plain": gettext_lazy("Only days that can be read in one way, such as 2021-04-03"),
    "month": gettext_lazy("Months alone too, such as 2021-04"),
    "year": gettext_lazy("Years alone too, such as 2021"),
}
DECIMALS = {
    ".": gettext_lazy("A point: 1,234.56"),
    ",": gettext_lazy("A comma: 1.234,56"),
}
# Kinds of lines that may be no records, as a ``Reading`` names them.
NO_RECORDS = {
    "footer": gettext_lazy("Lines at the end"),
    "total": gettext_lazy("Lines that look like totals"),
    "repeated_header": gettext_lazy("Lines that repeat the header"),
}
LAYOUTS = {
    "flat": gettext_lazy("One gift on each line"),
    "grouped": gettext_lazy("Groups: a date or an operation holds for the lines below it"),
    "block": gettext_lazy("A block of text with bullets"),
}
DELIMITERS = {
    ",": gettext_lazy("comma"),
    ";": gettext_lazy("semicolon"),
    "\t": gettext_lazy("tab"),
    "|": gettext_lazy("vertical bar"),
    "###": "###",
}
READING = ("encoding", "delimiter", "sheet", "header_line", "layout")
CONSTANTS = ("currency", "operation", "date", "donor", "donor_type")
OF_ONE_FILE = (
    "complete_years", "control_total", "release", "confirmed", "confirmed_by", "donors", "new_donors", "alike",
)  # fmt: skip
OF_COLUMNS = (
    "sheet",
    "columns",
    "donor",
    "date",
    "amount",
    "currency",
)  # questions that the form as a whole answers


def clean_control_total(text: str) -> str:
    try:
        amount = clean_amount(text, round_to_cents=True)
    except ValueError as error:
        raise ValidationError(str(error)) from None
    return "" if amount is None else f"{amount:f}"


def clean_complete_years(text: str) -> list[int]:
    try:
        return sorted({clean_year(part) for part in re.split(r"[,;\s]+", text) if part})
    except ValueError as error:
        raise ValidationError(str(error)) from None


class Checks(forms.Form):
    """What the whole file has to be, as the person who loads it knows from elsewhere."""

    control_total = forms.CharField(
        label=gettext_lazy("Control total, US dollars"),
        required=False,
        max_length=40,
        help_text=gettext_lazy("The sum that the source states. The lines must make it, to the cent."),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    complete_years = forms.CharField(
        label=gettext_lazy("Complete for budget years"),
        required=False,
        max_length=100,
        help_text=gettext_lazy(
            "Such as 2021, or 2020, 2021. Lines of these years that the file lacks are then to be withdrawn; "
            "the preview shows each of them."
        ),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def clean_control_total(self) -> str:
        return clean_control_total(self.cleaned_data["control_total"])

    def clean_complete_years(self) -> list[int]:
        return clean_complete_years(self.cleaned_data["complete_years"])


class UploadForm(Checks, TableImportForm):
    """The library's upload, with what is known of the file before it is read."""

    source = forms.ModelChoiceField(
        ImportSource.objects.all(),
        label=gettext_lazy("Source"),
        required=False,
        empty_label=gettext_lazy("Not a kept one: find out how the file is read"),
        help_text=gettext_lazy("Reads the file as the last one of this source was read."),
    )
    field_order = ["import_file", "source", "control_total", "complete_years", "round_to_cents"]

    def clean_import_file(self) -> Any:
        upload = self.cleaned_data["import_file"]
        if upload.size > settings.IMPORT_MAX_BYTES:
            said = _("The file is larger than %(megabytes)d MB, the most that this site takes.")
            raise ValidationError(said % {"megabytes": settings.IMPORT_MAX_BYTES // 1024**2})
        return upload

    def fields_of_batch(self) -> dict[str, Any]:
        """What it decides, as fields of an ``ImportBatch``."""
        given, source = self.cleaned_data, self.cleaned_data["source"]
        options = dict(source.options) if source else {}
        if source:
            options["answered_before"] = options.get("answered", [])
        options["round_to_cents"] = given["round_to_cents"] or options.get("round_to_cents", False)
        options |= {name: given[name] for name in ("control_total", "complete_years") if given.get(name)}
        return {
            "source": source,
            "reading": dict(source.reading) if source else {},
            "mapping": dict(source.mapping) if source else {},
            "options": options,
        }


# --- How the file is read ---------------------------------------------------------------------------


class ColumnsForm(Checks):
    """How a file is read: its questions, its columns, what it lacks, what is left out."""

    stands_for = forms.ChoiceField(
        label=gettext_lazy("A month or a year alone stands for"),
        choices=[("last", gettext_lazy("its last day")), ("first", gettext_lazy("its first day"))],
        widget=forms.RadioSelect,
        required=False,
    )
    round_to_cents = forms.BooleanField(
        label=gettext_lazy("Round to whole cents"),
        required=False,
        help_text=gettext_lazy("Amounts finer than a cent are rounded half-up, each on its own."),
    )
    save_as = forms.CharField(
        label=gettext_lazy("Keep these choices as source"),
        required=False,
        max_length=100,
        help_text=gettext_lazy(
            "A name such as “ERP, monthly export”. The next upload can choose it. An existing source of this name "
            "is replaced."
        ),
    )

    def __init__(
        self, *args: Any, batch: ImportBatch, operations: Sequence[Any], may_complete: bool, **kwargs: Any
    ) -> None:
        """``operations``: those that a line may be of; ``may_complete``: whether a year may be declared complete."""
        super().__init__(*args, **kwargs)
        self.batch, self.survey = batch, batch.plan.get("survey", {})
        self.headers = self.survey.get("headers", [])
        self.asked = {question["name"]: question["said"] for question in self.survey.get("questions", ())}
        self.chosen = batch.options.get("chosen", {})  # of the reading, by a person
        self.answered = set(batch.options.get("answered", ()))
        self.add_reading()
        if self.headers:
            self.add_columns()
            self.add_constants(operations)
            self.add_forms_of_cells()
            self.add_left_out()
        for name in ("round_to_cents", "control_total"):
            self.initial.setdefault(name, batch.options.get(name))
        self.initial["complete_years"] = ", ".join(map(str, batch.options.get("complete_years", ())))
        if not may_complete:
            del self.fields["complete_years"]
        for name in self.asked:
            if name in self.fields:
                self.fields[name].widget.attrs["aria-describedby"] = f"asked-{name}"

    def add_choice(self, name: str, label: Any, choices: Any, initial: Any = "", **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        self.fields[name] = forms.ChoiceField(label=label, choices=choices, initial=initial, **kwargs)

    def add_reading(self) -> None:
        found = self.batch.reading

        def as_found(name: str, words: Any = "") -> list[tuple[str, Any]]:
            words = words or found.get(name)
            return [("", _("as found: %s") % words if words else _("find out"))]

        encoding, delimiter, layout = (found.get(name, "") for name in ("encoding", "delimiter", "layout"))
        sheets = found.get("sheets", [])
        if sheets:
            asked = "sheet" in self.asked
            choices = [
                *([("", _("choose one"))] if asked else as_found("sheet")),
                *((sheet, sheet) for sheet in sheets),
            ]
            required = {"required": _("Choose the sheet that is to be read.")}
            self.add_choice(
                "sheet",
                _("Sheet"),
                choices,
                self.chosen.get("sheet", "") or (found.get("passed_over") and found["sheet"]) or "",
                required=asked,
                error_messages=required,
            )
        elif not self.headers or encoding:
            choices = [*as_found("encoding", ENCODINGS.get(encoding, "")), *ENCODINGS.items()]
            self.add_choice("encoding", _("Encoding"), choices, self.chosen.get("encoding", ""))
            choices = [*as_found("delimiter", DELIMITERS.get(delimiter, "")), *DELIMITERS.items()]
            self.add_choice("delimiter", _("Between cells stands"), choices, self.chosen.get("delimiter", ""))
        self.fields["header_line"] = forms.IntegerField(
            label=_("Line of the header"),
            min_value=1,
            max_value=10_000,
            required=False,
            initial=self.chosen.get("header_line"),
            help_text=_("Found on line %d.") % found["header_line"] if found.get("header_line") else "",
        )
        choices = [*as_found("layout", LAYOUTS.get(layout, "")), *LAYOUTS.items()]
        self.add_choice("layout", _("Layout"), choices, self.chosen.get("layout", ""))

    def add_columns(self) -> None:
        choices = [("", _("not used")), *COLUMNS.items()]
        # Where the columns moved, what looks like one is proposed; a constant for it then has to go.
        proposed = self.survey.get("moved", {}).get("alike", {}) | self.batch.mapping
        for place, header in enumerate(self.headers):
            self.add_choice(f"column-{place}", header or _("(no name)"), choices, proposed.get(header, ""))

    def add_constants(self, operations: Sequence[Any]) -> None:
        given = self.batch.options.get("constants", {})
        for name in CONSTANTS:
            label, initial = capfirst(COLUMNS[name]), given.get(name, "")
            if name == "operation":
                choices = [
                    ("", _("none")),
                    *((place.code, f"{place} ({place.code})") for place in operations),
                ]
                self.add_choice("set-operation", label, choices, initial)
            elif name == "donor_type":
                choices = [("", _("not said")), *Donor.Kind.choices]
                self.add_choice("set-donor_type", label, choices, initial)
            else:
                self.fields[f"set-{name}"] = forms.CharField(
                    label=label, required=False, max_length=200, initial=initial
                )
        self.fields["set-currency"].help_text = _("Its code, such as USD.")
        self.fields["set-date"].help_text = _("Such as 2021-12-31.")

    def add_forms_of_cells(self) -> None:
        """Which of 03/04 is the month, and which mark stands before decimals; asked for where nothing proves it."""
        for name, label, choices in (
            ("dates", _("Dates"), ORDERS),
            ("decimal", _("Decimal mark"), DECIMALS),
        ):
            asked = name in self.asked
            is_answered = name in self.answered
            offered = list(choices.items())
            if not asked and not is_answered:
                offered.insert(0, ("", self.proven(name)))
            self.add_choice(
                name,
                label,
                offered,
                self.batch.options.get(name, "") if is_answered else None if asked else "",
                required=asked,
                widget=forms.RadioSelect,
                error_messages={"required": _("Choose one: the file does not say it.")},
            )
        self.initial.setdefault("stands_for", self.batch.options.get("stands_for", "last"))

    def proven(self, name: str) -> str:
        """What the column itself says, and by which line."""
        found = self.survey["dates" if name == "dates" else "amounts"]
        answer, words = found["order" if name == "dates" else "decimal"], ORDERS | DECIMALS
        if found["proof"]:
            return _("As the column shows: %s") % found["proof"]
        if name == "decimal" and answer == "plain":
            return _("As the column shows: no amount needs to be told")
        return _("As the column shows: %s") % words.get(answer, "")

    def add_left_out(self) -> None:
        left_out = self.batch.reading.get("leave_out", ())
        for reason, label in NO_RECORDS.items():
            if self.survey["found"].get(reason):
                initial = "leave" if reason in left_out else "keep" if reason in self.answered else None
                choices = [("leave", _("Leave them out")), ("keep", _("They are contributions: keep them"))]
                required = {"required": _("Choose whether they are left out.")}
                self.add_choice(
                    reason,
                    label,
                    choices,
                    initial,
                    required=True,
                    widget=forms.RadioSelect,
                    error_messages=required,
                )
        rules = self.batch.options.get("leave_out_where", [])
        for place in range(len(rules) + 1):
            rule = rules[place] if place < len(rules) else {"header": "", "cells": [], "keep": False}
            headers = [("", _("no column")), *((header, header) for header in self.headers if header)]
            self.add_choice(f"where-{place}-header", _("Where column"), headers, rule["header"])
            self.fields[f"where-{place}-cells"] = forms.CharField(
                label=_("says"),
                required=False,
                max_length=1000,
                initial="; ".join(cell or EMPTY for cell in rule["cells"]),
                help_text=_("Several separated by semicolons; (empty) for a cell that says nothing."),
            )
            actions = [("", _("leave the line out")), ("keep", _("keep the line, and no other"))]
            self.add_choice(f"where-{place}-keep", _("then"), actions, "keep" if rule["keep"] else "")
        self.rules = len(rules) + 1

    # --- what the template shows ---

    @property
    def table_head(self) -> list[forms.BoundField]:
        return [self[f"column-{place}"] for place in range(len(self.headers))]

    @property
    def constants(self) -> list[forms.BoundField]:
        return [self[f"set-{name}"] for name in CONSTANTS if f"set-{name}" in self.fields]

    @property
    def reading_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in READING if name in self.fields]

    @property
    def no_records(self) -> list[dict[str, Any]]:
        """The kinds of lines that may be no contributions, with the field that decides and the lines."""
        return [
            {
                "field": self[reason],
                "said": self.asked.get(reason, ""),
                "count": self.survey["found"][reason],
                "lines": [line for line in self.survey["set_aside"] if line[1] == reason],
            }
            for reason in NO_RECORDS
            if reason in self.fields
        ]

    @property
    def titles(self) -> list[list[Any]]:
        """Lines above the header, and tags under it: they are left out in any case."""
        return [line for line in self.survey.get("set_aside", ()) if line[1] not in NO_RECORDS]

    @property
    def where(self) -> list[list[forms.BoundField]]:
        return [
            [self[f"where-{place}-{part}"] for part in ("header", "cells", "keep")]
            for place in range(self.rules)
        ]

    @property
    def plain_questions(self) -> list[str]:
        """Those that are answered by the sheet, in the table of columns, or by what stands in every line."""
        return [said for name, said in self.asked.items() if name in OF_COLUMNS]

    # --- what was said ---

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.now_chosen = {name: cleaned[name] for name in READING if cleaned.get(name)}
        read = dict(self.chosen)
        if "sheet" in self.asked and self.now_chosen.get("sheet") == self.batch.reading["sheet"]:
            read["sheet"] = self.now_chosen["sheet"]  # the one that was read already
        self.is_read_anew = self.now_chosen != read
        if self.headers and not self.is_read_anew:
            self.clean_columns(cleaned)
            self.clean_where(cleaned)
        if self.is_read_anew:  # its columns may be others: what was said about them does not count
            for name in list(self.errors):
                if name not in READING:
                    del self.errors[name]
        return cleaned

    def clean_columns(self, cleaned: dict[str, Any]) -> None:
        self.mapping: dict[str, str] = {}
        for place, header in enumerate(self.headers):
            column = cleaned.get(f"column-{place}")
            if column and column in self.mapping.values():
                self.add_error(
                    f"column-{place}", _("Another column is read as “%s” already.") % COLUMNS[column]
                )
            elif column:
                self.mapping[header] = column
        self.given = {name: cell for name in CONSTANTS if (cell := cleaned.get(f"set-{name}"))}
        for name in self.given:
            if name in self.mapping.values():
                self.add_error(f"set-{name}", _("A column of the file says it already. Empty this, or do not use the column."))  # fmt: skip
        has = {*self.mapping.values(), *self.given}
        for name in ("donor", "date"):
            if name not in has:
                self.add_error(
                    f"set-{name}", _("Choose the column above, or say here what holds for every line.")
                )
        if not has & {"amount_usd", "amount"}:
            self.add_error(None, _("Choose the column that holds the amounts."))
        elif "amount_usd" not in has and "currency" not in has:
            said = _("Say in which currency the amounts are, or choose the column that says it.")
            self.add_error("set-currency", said)

    def clean_where(self, cleaned: dict[str, Any]) -> None:
        self.rules_said = []
        for place in range(self.rules):
            header, text, keep = (
                cleaned.get(f"where-{place}-{part}") for part in ("header", "cells", "keep")
            )
            cells = [cell.strip() for cell in (text or "").split(";") if cell.strip()]
            cells = ["" if cell.casefold() == EMPTY else cell for cell in cells]
            if header and cells:
                self.rules_said.append({"header": header, "cells": cells, "keep": keep == "keep"})
            elif header or cells:
                said = _("Say both the column and what it says, or neither.")
                self.add_error(f"where-{place}-header", said)

    def apply(self) -> None:
        """Make what was said the batch's; what was only found out is found out again."""
        cleaned, batch = self.cleaned_data, self.batch
        options = {
            name: value
            for name, value in batch.options.items()
            if name not in ("release", "confirmed", "answered_before")
        }
        options["chosen"] = self.now_chosen
        options["round_to_cents"] = cleaned["round_to_cents"]
        options["control_total"] = cleaned["control_total"]
        if "complete_years" in self.fields:
            options["complete_years"] = cleaned["complete_years"]
        batch.reading = {**self.now_chosen, "leave_out": [n for n in NO_RECORDS if cleaned.get(n) == "leave"]}
        if self.is_read_anew or not self.headers:
            batch.mapping = {}
            answered = self.answered - {"dates", "decimal", "columns"}
            options.pop("headers_seen", None)
        else:
            batch.mapping = self.mapping
            options |= {"constants": self.given, "leave_out_where": self.rules_said}
            options["stands_for"] = cleaned["stands_for"] or "last"
            answered = {name for name in ("dates", "decimal") if cleaned.get(name)}
            answered |= {name for name in NO_RECORDS if cleaned.get(name) == "keep"} | {"columns"}
            options["headers_seen"] = self.headers
        for name in ("dates", "decimal"):
            options.pop(name, None)
            if name in answered:
                options[name] = cleaned[name]
        options["answered"] = sorted(answered)
        batch.options, batch.problem = options, ""

    def keep_source(self, user: Any) -> ImportSource | None:
        """Keep what was said under a name, for the next file of the same source."""
        if not (name := self.cleaned_data["save_as"].strip()):
            return None
        batch = self.batch
        options = {name: value for name, value in batch.options.items() if name not in OF_ONE_FILE}
        # What is no record in this file may be one in the next, and its columns may be others.
        options["answered"] = [name for name in options["answered"] if name not in ("columns", *NO_RECORDS)]
        reading = {**batch.reading, "leave_out": []}
        fields = {"reading": reading, "mapping": batch.mapping, "options": options, "saved_by": user}
        batch.source, _created = ImportSource.objects.update_or_create(name=name, defaults=fields)
        return batch.source


# --- Names that nobody knows ------------------------------------------------------------------------


def short(*parts: str) -> str:
    """A name for form fields of something that a file says."""
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).hexdigest()


class Names:
    """What a person says about the donors and operations of a file that nobody knows."""

    def __init__(
        self,
        batch: ImportBatch,
        operations: Sequence[Any],
        may_add: bool,
        may_alias: bool,
        sees_hidden: bool = True,
    ) -> None:
        """``sees_hidden``: whether private donors are named to this person that readers never see by name."""
        self.batch, self.operations = batch, operations
        self.may_add, self.may_alias = may_add, may_alias
        unknown = batch.plan.get("unknown", {})
        hidden = Donor.objects.none() if sees_hidden else Donor.objects.hidden()
        self.known = Donor.objects.exclude(pk__in=hidden.values("pk"))
        unseen = {str(token) for token in hidden.values_list("token", flat=True)}
        self.donors = [
            {
                **found,
                "near": [near for near in found["near"] if near["token"] not in unseen],
                "field": f"donor-{short(found['name'], found['kind'])}",
            }
            for found in unknown.get("donors", ())
        ]
        self.places = [
            {**found, "field": f"operation-{short(found['text'])}"} for found in unknown.get("operations", ())
        ]

    @property
    def decided(self) -> list[dict[str, str]]:
        """What was said already, to be taken back."""
        donors, operations = self.batch.options.get("donors", {}), self.batch.options.get("operations", {})
        tokens = [said["is"] for said in donors.values() if "is" in said]
        names = {str(d.token): d.name_en for d in Donor.objects.filter(token__in=tokens)} if tokens else {}
        kinds = dict(Donor.Kind.choices)
        rows = [
            {
                "field": short("donor", key),
                "name": key.rpartition("|")[0],
                "said": _("is %s") % names.get(said["is"], "–")
                if "is" in said
                else _("is new: %s") % kinds.get(said["new"], said["new"]),
            }
            for key, said in donors.items()
        ]
        return rows + [
            {"field": short("operation", text), "name": text, "said": _("is %s") % code}
            for text, code in operations.items()
        ]

    def apply(self, data: Any) -> Iterator[str]:
        """Make the batch's what was said; each sentence tells of an answer that says nothing."""
        options = self.batch.options
        taken_back = set(data.getlist("take_back"))
        options["donors"] = {
            key: said
            for key, said in options.get("donors", {}).items()
            if short("donor", key) not in taken_back
        }
        options["operations"] = {
            text: code
            for text, code in options.get("operations", {}).items()
            if short("operation", text) not in taken_back
        }
        if self.may_add:
            options["new_donors"] = "new_donors" in data
        yield from self.apply_donors(data, options["donors"])
        yield from self.apply_operations(data, options["operations"])

    def apply_donors(self, data: Any, decided: dict[str, Any]) -> Iterator[str]:
        tokens = {str(token) for token in Donor.objects.values_list("token", flat=True)}
        known = known_donors()
        for found in self.donors:
            choice, typed = data.get(found["field"], ""), data.get(f"{found['field']}-other", "").strip()
            said: dict[str, str] | None = None
            if choice == "new":
                kind = data.get(f"{found['field']}-kind", "")
                if kind not in Donor.Kind.values:
                    yield _("Say what “%s” is: a government, private donors or another kind.") % found["name"]
                elif self.may_add:
                    said = {"new": kind}
            elif choice == "other" or (typed and not choice):
                if token := known.get(fold_name(typed)):
                    said = {"is": token}
                else:
                    yield _("No donor is called “%(typed)s”: nothing was decided about “%(name)s”.") % {
                        "typed": shown(typed),
                        "name": found["name"],
                    }
            elif choice in tokens:
                said = {"is": choice}
            if said and ("new" in said or self.may_alias):
                decided[f"{fold_name(found['name'])}|{found['kind']}"] = said

    def apply_operations(self, data: Any, decided: dict[str, str]) -> Iterator[str]:
        codes = {place.code for place in self.operations}
        known = {
            fold_reference(name): place.code for place in self.operations for name in (str(place), place.code)
        }
        for found in self.places:
            choice, typed = data.get(found["field"], ""), data.get(f"{found['field']}-other", "").strip()
            if choice in codes:
                decided[fold_name(found["text"])] = choice
            elif choice == "other" or (typed and not choice):
                if code := known.get(fold_reference(typed)):
                    decided[fold_name(found["text"])] = code
                else:
                    yield _("No operation is called “%(typed)s”: nothing was decided about “%(name)s”.") % {
                        "typed": shown(typed),
                        "name": found["text"],
                    }


def known_donors() -> dict[str, str]:
    """Folded names and other spellings of donors, with their tokens."""
    known = {alias: str(token) for alias, token in DonorAlias.objects.values_list("folded", "donor__token")}
    return known | {
        fold_name(name): str(token) for name, token in Donor.objects.values_list("name_en", "token")
    }


# --- Confirmed, released, undone --------------------------------------------------------------------


def seen(batch: ImportBatch) -> str:
    """The same as long as a preview shows the same: what is confirmed is what was looked at."""
    options = {name: value for name, value in batch.options.items() if name not in ("release", "confirmed")}
    told = [batch.reading, batch.mapping, options, batch.counts, batch.totals, batch.plan.get("fingerprint")]
    return hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=12).hexdigest()


class WhenForm(forms.Form):
    """When readers are to see an import."""

    NOW, LATER, NOT_YET = "now", "later", "not_yet"

    when = forms.ChoiceField(
        label=gettext_lazy("When readers see it"), choices=[], widget=forms.RadioSelect, initial=NOT_YET
    )
    at = MomentField(label=gettext_lazy("Time of release"), required=False)

    def __init__(
        self, *args: Any, zone: str, may_wait: bool, may_release: bool = True, **kwargs: Any
    ) -> None:
        """``may_wait``: whether it may stay unreleased."""
        super().__init__(*args, **kwargs)
        choices = [(self.NOW, _("At once")), (self.LATER, _("At a time"))] if may_release else []
        choices += [(self.NOT_YET, _("Not yet: somebody releases it later"))] if may_wait else []
        self.fields["when"].choices = choices
        self.fields["when"].initial = choices[0][0]
        self.fields["at"].zone = zone
        if not may_release:
            del self.fields["at"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        at, when = cleaned.get("at"), cleaned.get("when")
        if when == self.LATER and "at" not in self.errors:
            if at is None:
                self.add_error("at", _("Write the day and the time."))
            elif at <= timezone.now():
                self.add_error("at", _("This time has passed. Write a later one, or choose “At once”."))
        elif when and when != self.LATER and (at or "at" in self.errors):
            self.errors.pop("at", None)
            said = _("A day and a time are written, but not chosen. Choose “At a time”, or empty them.")
            self.add_error("at", said)
        return cleaned

    @property
    def moment(self) -> dt.datetime | None:
        """From when on, ``None`` for never or for now."""
        return self.cleaned_data["at"] if self.cleaned_data["when"] == self.LATER else None


class ConfirmForm(WhenForm):
    """The release of a file that is about to be imported, which may replace lines that readers do not yet see."""

    def __init__(self, *args: Any, batch: ImportBatch, **kwargs: Any) -> None:
        super().__init__(*args, may_wait=True, **kwargs)
        self.batch = batch

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        when = cleaned.get("when")
        if not self.errors and when != self.NOT_YET:
            replaced = self.batch.staged.filter(state__in=["c", "w"]).order_by().values("previous")
            others = ImportBatch.objects.filter(
                pk__in=Contribution.objects.filter(pk__in=replaced).order_by().values("batch")
            )
            if others.exclude(released_at__lte=self.moment or timezone.now()).exists():
                said = _(
                    "It replaces lines of another import, which readers will not see by then. Release that one first, "
                    "or choose “Not yet”."
                )
                self.add_error("when", said)
        return cleaned

    @property
    def release(self) -> str:
        """As a batch keeps it among its options."""
        if self.cleaned_data["when"] == self.LATER:
            return self.cleaned_data["at"].isoformat()
        return "now" if self.cleaned_data["when"] == self.NOW else "later"


class UndoForm(forms.Form):
    why = LinesField(
        label=gettext_lazy("Why it is undone"),
        rows=2,
        help_text=gettext_lazy("Kept with the import, for staff."),
        error_messages={"required": gettext_lazy("Say in a few words why.")},
    )
