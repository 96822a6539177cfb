"""The forms of the admin: a text with its sections and key figures, and forms that two people have open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .asked import whole_number
from .cells import clean_text
from .models import (
    Edition,
    KeyFigure,
    Narrative,
    Operation,
    Section,
    SectionType,
    TextKind,
    WorkingCopy,
)
from .translating import bodies

# --- A form that somebody else may have open ---------------------------------------------------------


class SeenForm(forms.ModelForm):
    """A form that knows what its user saw, so that nobody's work is overwritten unseen (see ``merging``)."""

    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)
    shown = forms.CharField(required=False, widget=forms.HiddenInput, strip=False)
    is_overtaken = False  # somebody else changed it meanwhile: what was merged is shown before it is saved

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        whole = getattr(self.instance, "operation", None) if self.is_part else self.instance
        self.newest = Edition.objects.of(whole).defer("content").first() if whole and whole.pk else None
        self.fields["seen"].initial = self.newest.number if self.newest else 0

    @property
    def is_part(self) -> bool:
        """A row of an operation's profile, which has no editions of its own."""
        return not isinstance(self.instance, WorkingCopy)

    @property
    def changed_data(self) -> list[str]:
        return [name for name in super().changed_data if name not in {"seen", "shown"}]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.is_overtaken:
            raise ValidationError(_("Somebody else saved while this form was open."), code="overtaken")
        return cleaned


class RowFormSet(forms.BaseInlineFormSet):
    """Rows of a table: each field is named by its column's heading, for those who do not see it.

    Where two people have the form open, ``same_by`` is the field by which a row that was made anew is known again,
    and two changes of a ``free`` field are no conflict.
    """

    same_by = "name"
    free: tuple[str, ...] = ()

    def add_fields(self, form: forms.ModelForm, index: int | None) -> None:
        super().add_fields(form, index)
        for bound in form:
            bound.field.widget.attrs.setdefault("aria-label", str(bound.label).capitalize())


# --- Narratives --------------------------------------------------------------------------------------


class NarrativeChoiceForm(forms.Form):
    """The first step of a new text: which one it is."""

    operation = forms.ModelChoiceField(Operation.objects.none(), label=gettext_lazy("operation"))
    year = forms.IntegerField(label=gettext_lazy("year"), min_value=1950, max_value=2199)
    kind = forms.ChoiceField(
        label=gettext_lazy("kind"),
        choices=TextKind.choices,
        help_text=gettext_lazy(
            "A plan says what will be done in the year; a year-end report says what happened in it."
        ),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("language"),
        choices=settings.LANGUAGES,
        required=False,
        help_text=gettext_lazy("The language that the text is written in."),
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["operation"].queryset = Operation.objects.allowed(user, "operations.add_narrative")
        self.fields["year"].initial = timezone.now().year

    def clean_language(self) -> str:
        return self.cleaned_data["language"] or "en"


class NarrativeForm(SeenForm):
    """A text itself has no fields to fill: which one it is was chosen before and does not change."""

    identity: dict[str, Any] = {}

    class Meta:
        model = Narrative
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("instance") is None:
            kwargs["instance"] = Narrative(**self.identity)
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        if self.instance._state.adding:
            self.instance.validate_constraints()
        return super().clean()


class SectionForm(forms.ModelForm):
    type = forms.ModelChoiceField(SectionType.objects.none(), widget=forms.HiddenInput)

    class Meta:
        model = Section
        fields = ["type", "body"]

    def has_changed(self) -> bool:
        return "body" in self.changed_data

    @property
    def section_type(self) -> SectionType | None:
        """Its heading; ``None`` where the request names one that does not belong to the text."""
        return self.types.get(whole_number(str(self["type"].value())))


class SectionFormSet(forms.BaseInlineFormSet):
    """One form for every heading that belongs to the text, in the headings' order, filled or not.

    A section without a word is not kept: an edition holds what was written.
    """

    keyed_by = "type"  # which row is which, where two people have the form open

    def __init__(self, *args: Any, instance: Narrative, queryset: Any, **kwargs: Any) -> None:
        queryset = queryset.select_related("type")
        written = list(queryset.filter(narrative=instance)) if instance.pk else []
        source = instance.translated_from
        self.source = (
            bodies(source.content) if source else None
        )  # a translation has the sections of its source
        belonging = [
            type
            for type in SectionType.objects.all()
            if instance.kind and type.belongs_to(instance.kind, instance.year)
            if self.source is None or type.code in self.source
        ]
        self.types = {type.pk: type for type in [*belonging, *(section.type for section in written)]}
        missing = self.types.keys() - {section.type_id for section in written}
        empty = sorted(missing, key=lambda pk: (self.types[pk].order, self.types[pk].code))
        self.extra = len(empty)
        initial = [{"type": pk} for pk in empty]
        super().__init__(*args, instance=instance, queryset=queryset, initial=initial, **kwargs)

    def add_fields(self, form: forms.ModelForm, index: int | None) -> None:
        super().add_fields(form, index)
        form.types = self.types
        form.fields["type"].queryset = SectionType.objects.filter(pk__in=self.types)
        form.fields["body"].widget.attrs |= {"lang": self.instance.language, "dir": "auto"}
        if self.source is not None and form.section_type:
            form.source_body = self.source.get(form.section_type.code, "")

    def __iter__(self) -> Iterator[SectionForm]:
        shown = [form for form in self.forms if form.section_type]
        return iter(sorted(shown, key=lambda form: (form.section_type.order, form.section_type.code)))

    def save_existing(self, form: forms.ModelForm, obj: Section, commit: bool = True) -> Section:
        if commit and not form.cleaned_data["body"]:
            obj.delete()
            return obj
        return super().save_existing(form, obj, commit)


class KeyFigureForm(forms.ModelForm):
    order = forms.IntegerField(
        label=gettext_lazy("order"), required=False, min_value=1, max_value=999, widget=forms.NumberInput
    )

    class Meta:
        model = KeyFigure
        fields = ["order", "value", "text", "source", "measure", "editor_note"]
        widgets = {
            "text": forms.Textarea(attrs={"rows": 2}),
            "measure": forms.TextInput(attrs={"list": "measures", "autocomplete": "off"}),
            "editor_note": forms.Textarea(attrs={"rows": 2}),
        }

    def has_changed(self) -> bool:
        changed = set(self.changed_data)
        return bool(changed - {"order"} if self.instance._state.adding else changed)

    def validate_constraints(self) -> None:
        """The formset compares the measures of the rows that are sent, not with rows that change as well."""

    def clean_order(self) -> int:
        return self.cleaned_data["order"] or 999

    def clean_source(self) -> str:
        return self._clean_text("source")

    def clean_editor_note(self) -> str:
        return self._clean_text("editor_note")

    def _clean_text(self, name: str) -> str:
        try:
            return clean_text(self.cleaned_data[name])
        except ValueError as error:
            raise ValidationError(str(error)) from None


class KeyFigureFormSet(RowFormSet):
    """Rows of key figures, numbered 1, 2, 3 … A row goes where its new number says.

    In a translation they are the figures of its source in their order: only the words are entered.
    """

    same_by = "text"
    free = ("order",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        source = self.instance.translated_from
        self.source = source.content["key_figures"] if source else None
        self.extra = 3 if source is None else 0
        if not self.is_bound:
            rows = self.initial_form_count()
            self.initial_extra = [{"order": rows + number} for number in range(1, self.extra + 1)]

    def add_fields(self, form: forms.ModelForm, index: int | None) -> None:
        super().add_fields(form, index)
        if self.source is None:
            return
        for name in ("value", "order", "measure"):
            form.fields[name].disabled = True
        for name in ("text", "source"):
            form.fields[name].widget.attrs |= {"lang": self.instance.language, "dir": "auto"}
        form.source_figure = self.source[index] if index is not None and index < len(self.source) else None

    def clean(self) -> None:
        super().clean()
        measures = set()
        for form in self.kept_forms:
            measure = form.instance.measure
            if measure and measure in measures:
                form.add_error("measure", _("Another key figure of this text has this measure already."))
            measures.add(measure)

    @property
    def kept_forms(self) -> list[KeyFigureForm]:
        """Those that are filled and not to be deleted."""
        filled = [form for form in self.forms if form.has_changed() or not form.instance._state.adding]
        return [form for form in filled if not (self.can_delete and self._should_delete_form(form))]

    @cached_property
    def measures(self) -> list[str]:
        """Those of the operation, to choose from."""
        used = KeyFigure.objects.filter(narrative__operation=self.instance.operation_id).exclude(measure="")
        return list(used.order_by("measure").values_list("measure", flat=True).distinct())

    def save(self, commit: bool = True) -> list[KeyFigure]:
        self.free_measures()
        saved = super().save(commit)
        moved = {form.instance.pk for form in self.forms if "order" in form.changed_data} | {
            row.pk for row in self.new_objects
        }
        rows = list(KeyFigure.objects.filter(narrative=self.instance).order_by("order", "id"))
        before = {row.pk: row.order for row in rows}
        ordered = [row for row in rows if row.pk not in moved]
        for row in rows:
            if row.pk in moved:
                ordered.insert(row.order - 1, row)
        for order, row in enumerate(ordered, 1):
            row.order = order
        KeyFigure.objects.bulk_update([row for row in rows if row.order != before[row.pk]], ["order"])
        return saved

    def free_measures(self) -> None:
        """Rows may give a measure to one another: those that change it, or go, let go of it first."""
        kept = self.kept_forms
        going = [form for form in self.initial_forms if form not in kept or "measure" in form.changed_data]
        if rows := [form.instance.pk for form in going if form.initial.get("measure")]:
            KeyFigure.objects.filter(pk__in=rows).update(measure="")
