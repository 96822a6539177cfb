"""Two people in one form: who saves second sees what was merged before anything is saved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from .. import merging, sheets
from ..asked import whole_number
from ..comparison import Comparison, TextChange, compare
from ..models import Edition, Narrative, Operation
from ..word_diff import compare_blocks, parse
from .pages import clock, zone_of
from .rights import content_for

MOST_NAMED = 10


@dataclass
class Note:
    """A field in which two people's changes met, or that took what another made of it."""

    label: str
    field_id: str = ""
    theirs: Any = None  # as printed; None where the field took it
    comparison: Comparison | None = None  # of two texts, theirs and the sender's
    language: str = ""


@dataclass
class Overtaking:
    """Who saved what while a form was open, for the page that shows it merged."""

    newest: Edition | None
    seen: Edition | None
    zone: str
    user: Any = None
    earlier: list[Edition] = field(default_factory=list)  # saved meanwhile, before the newest
    conflicts: list[Note] = field(default_factory=list)
    taken: list[Note] = field(default_factory=list)
    added: list[Note] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    kept: list[Note] = field(default_factory=list)

    @property
    def who(self) -> str:
        by = self.newest and self.newest.made_by
        if by and by == self.user:
            return _("You, in another window,")
        return str(by or _("Somebody"))

    @property
    def by(self) -> str:
        """Whose a single change is: nobody in particular where several people saved."""
        people = {edition.made_by_id for edition in [self.newest, *self.earlier] if edition}
        return self.who if len(people) == 1 else _("Somebody else")

    @property
    def when(self) -> str:
        return clock(self.newest.made_at, self.zone) if self.newest else ""

    @property
    def before(self) -> list[str]:
        """A sentence for each of the earlier saves."""
        said = _("%(who)s saved edition %(number)s at %(when)s.")
        return [
            said
            % {
                "who": edition.made_by or _("Somebody"),
                "number": edition.number,
                "when": clock(edition.made_at, self.zone),
            }
            for edition in self.earlier
        ]

    @property
    def url(self) -> str:
        return reverse("admin:operations_edition_change", args=[self.newest.pk]) if self.newest else ""

    @property
    def comparison(self) -> Comparison | None:
        """The edition that the form was opened with, and the newest one."""
        if not (self.seen and self.newest) or self.seen.pk == self.newest.pk:
            return None
        return compare(self.seen.content, self.newest.content)


def overtaking(request: HttpRequest, whole: Any, seen: str) -> Overtaking:
    """``whole``: the working copy whose editions tell what happened since the edition of this number."""
    made = Edition.objects.of(whole).select_related("made_by")
    newest = made.first()
    number = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else None
    older = made.filter(number=number).first() if number else None
    for edition in filter(None, (newest, older)):
        edition.content = content_for(request, whole, edition.content)
    earlier = (
        []
        if number is None or newest is None
        else list(made.filter(number__gt=number, number__lt=newest.number).defer("content")[:MOST_NAMED])
    )
    return Overtaking(newest, older, zone_of(request), request.user, earlier)


def is_newer(edition: Edition | None, seen: str) -> bool:
    """Whether somebody saved since the edition of this number; not where a form does not say which it saw."""
    known = seen.isascii() and seen.isdigit() and len(seen) < 10
    return bool(known and edition and edition.number > int(seen))


SAVED_COOKIE = "openfield_saved"  # names the form that was saved; read and deleted by drafts.js


class TwoEditors:
    """A ModelAdmin whose form compares what it was shown with with what is stored, under a lock, before it saves.

    The form carries fingerprints of what it was shown with (``shown``), rather than a second field for each
    field, or the number of the edition alone: rows of a profile have no editions of their own, fingerprints tell
    even what changed between the reading of a page's form and of its edition, and they are short. Who forges them
    overwrites only what they may overwrite anyway.
    """

    locked_by: str  # the lookup of the operation that is locked, given the key of the object

    def whole(self, obj: Any) -> Operation | Narrative:
        """The working copy whose editions hold this object."""
        return obj

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict | None = None,
    ) -> HttpResponse:
        if request.method != "POST" or whole_number(object_id) is None:
            response = super().changeform_view(request, object_id, form_url, extra_context)
            return self.told_as_saved(request, response)
        with transaction.atomic():  # who saves second is compared with what the first has saved
            Operation.objects.lock(**{self.locked_by: object_id})
            self.merge(request, object_id)
            response = super().changeform_view(request, object_id, form_url, extra_context)
        if (edition := getattr(request, "unaffected_by", None)) and isinstance(
            response, HttpResponseRedirect
        ):
            said = _("%(who)s saved edition %(number)s meanwhile, which changed nothing in this form.")
            words = {"who": edition.made_by or _("Somebody"), "number": edition.number}
            self.message_user(request, said % words, messages.INFO)
        return self.told_as_saved(request, response)

    def save_related(self, request: HttpRequest, form: Any, formsets: list, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        request.saved_draft = self.draft_name(request, form.instance if change else None)

    def draft_name(self, request: HttpRequest, obj: Any) -> str:
        """Under which what is typed is kept in the browser until it is saved."""
        if obj is not None:
            return f"{self.opts.model_name}/{obj.pk}"
        chosen = getattr(request, "narrative", {})
        identity = "-".join(str(getattr(value, "pk", value)) for value in chosen.values())
        return f"{self.opts.model_name}/add" + (f"/{identity}" if identity else "")

    def told_as_saved(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Tell the browser that it need not keep what was typed any longer."""
        if (name := getattr(request, "saved_draft", "")) and isinstance(response, HttpResponseRedirect):
            response.set_cookie(
                SAVED_COOKIE,
                quote(name, safe=""),
                max_age=600,
                path=reverse("admin:index"),
                secure=settings.SESSION_COOKIE_SECURE,
                samesite="Lax",
            )
        return response

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"is_overtaken": hasattr(request, "overtaking")})

    # --- Before the form is bound ----------------------------------------------------------------------

    def merge(self, request: HttpRequest, object_id: str) -> None:
        """Where somebody else changed something in this form: put what was merged in place of what was sent."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None or not self.has_change_permission(request, obj):
            return
        form, formsets = self.unbound(request, obj)
        rules, theirs = sheets.rules_of(form, formsets), sheets.sheet_of(form, formsets)
        request.shown = merging.dumps(merging.shown(theirs, rules))
        seen, base = request.POST.get("seen", ""), merging.loads(request.POST.get("shown", ""))
        if base is None and not is_newer(form.newest, seen):
            return  # a client that tells nothing of what it saw
        merged = merging.merge(base, theirs, sheets.sent(request.POST, form, formsets), rules)
        if merged.is_overtaken:
            request.overtaking, request.merged = overtaking(request, self.whole(obj), seen), merged
            request.POST = sheets.written(request.POST, merged, formsets)
            request.POST["seen"] = str(form.newest.number if form.newest else 0)
            request.POST["shown"] = request.shown
        elif is_newer(form.newest, seen) and form.newest.made_by_id != request.user.pk:
            request.unaffected_by = form.newest

    def unbound(self, request: HttpRequest, obj: Any) -> tuple[Any, list]:
        """The form and the formsets of what is stored, as a page that is opened now would show them."""
        fields = flatten_fieldsets(self.get_fieldsets(request, obj))
        form = self.get_form(request, obj, change=True, fields=fields)(instance=obj)
        formsets = [
            formset(instance=obj, prefix=formset.get_default_prefix(), queryset=inline.get_queryset(request))
            for formset, inline in self.get_formsets_with_inlines(request, obj)
            if inline.has_change_permission(request, obj)
        ]
        return form, formsets

    # --- What is shown ---------------------------------------------------------------------------------

    def render_change_form(
        self, request: HttpRequest, context: dict, *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        form, inlines = context["adminform"].form, context["inline_admin_formsets"]
        if obj is None or self.has_change_permission(request, obj):
            self.tell_what_is_shown(request, form, [i.formset for i in inlines if i.has_change_permission])
        if hasattr(request, "overtaking"):
            self.tell_what_was_merged(request, form, {inline.formset.prefix: inline for inline in inlines})
            context["overtaking"] = request.overtaking
            other = [e for e in form.non_field_errors().as_data() if e.code != "overtaken"]
            if not (other or getattr(request, "has_errors", False)):
                context["errors"] = []
        context["is_bound"] = form.is_bound
        if obj is None or self.has_change_permission(request, obj):
            context["draft_name"] = self.draft_name(request, obj)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def tell_what_is_shown(self, request: HttpRequest, form: Any, formsets: list) -> None:
        """Fingerprints in the form itself: of what is stored, even where the form shows what was sent."""
        if not form.is_bound:
            rules = sheets.rules_of(form, formsets)
            form.initial["shown"] = merging.dumps(merging.shown(sheets.sheet_of(form, formsets), rules))
        elif hasattr(request, "shown"):
            form.data = form.data.copy()
            form.data["shown"] = request.shown

    def tell_what_was_merged(self, request: HttpRequest, form: Any, inlines: dict[str, Any]) -> None:
        """Notes beside the fields, each an error of its field; and their list above the form."""
        merged, told = request.merged, request.overtaking
        everything = [form, *(row for inline in inlines.values() for row in inline.formset.forms)]
        request.has_errors = any(
            error.code != "overtaken"
            for each in everything
            for errors in each.errors.as_data().values()
            for error in errors
        ) or any(inline.formset.non_form_errors() for inline in inlines.values())
        self.note(told, form, "", merged.conflicts, merged.taken)
        for table, rows in merged.rows.items():
            if table not in inlines:
                continue
            formset, name = inlines[table].formset, str(capfirst(inlines[table].opts.verbose_name))
            for row, row_form in zip(sheets.ordered(rows), formset.forms, strict=False):
                label = self.row_label(row_form, row, name)
                self.note(told, row_form, label, row.conflicts, row.taken)
                if row.is_theirs:
                    told.added.append(Note(label, _first_id(row_form)))
                if row.is_kept:
                    said = (
                        _("%s deleted this row. It is kept as a new one, because you changed it.") % told.by
                    )
                    row_form.add_error(None, said)
                    told.kept.append(Note(label, _first_id(row_form)))
                if row.is_deletion_against:
                    said = (
                        _("%s changed this row, which you want to delete. Saving again deletes it.") % told.by
                    )
                    row_form.add_error(None, said)
                    told.kept.append(Note(label, _first_id(row_form)))
            told.gone += [_named(values, name) for values in merged.gone.get(table, [])]

    def row_label(self, form: Any, row: Any, name: str) -> str:
        if section_type := getattr(form, "section_type", None):
            return str(section_type.heading)
        return _named(row.values, name)

    def note(self, told: Overtaking, form: Any, row: str, conflicts: dict, taken: frozenset) -> None:
        for name, theirs in conflicts.items():
            bound = form[name]
            label = _labelled(row, bound)
            note = Note(label, bound.id_for_label, printed(bound, theirs))
            if sheets.is_rich(bound.field):
                blocks = compare_blocks(parse(theirs), parse(bound.value() or ""))
                note.field_id = f"{bound.id_for_label}_heading"  # an editor stands in the place of the field
                note.language = bound.field.widget.attrs.get("lang", "")
                note.comparison = Comparison([TextChange(name, row, blocks)], [], note.language)
            told.conflicts.append(note)
            form.add_error(name, beside(told, note))
        for name in [name for name in form.fields if name in taken]:
            heading = "_heading" if sheets.is_rich(form.fields[name]) else ""
            told.taken.append(Note(_labelled(row, form[name]), f"{form[name].id_for_label}{heading}"))


def _labelled(row: str, bound: Any) -> str:
    label = str(capfirst(bound.label))
    if not row or sheets.is_rich(bound.field):
        return row or label
    return _("%(row)s: %(field)s") % {"row": row, "field": label}


def _named(values: dict[str, Any], name: str) -> str:
    """A row by what a person knows it by."""
    known = next((values[key] for key in ("name", "text") if values.get(key)), "")
    return f"{name} “{known}”" if known else name


def _first_id(form: Any) -> str:
    return next((bound.id_for_label for bound in form.visible_fields()), "")


def printed(bound: Any, value: merging.Value) -> str:
    """A value as its field prints it: the words of a choice, not its code."""
    choices = {str(key): str(label) for key, label in _flat(getattr(bound.field, "choices", []))}
    values = value if isinstance(value, tuple) else (value,)
    if isinstance(bound.field, forms.BooleanField):
        return _("yes") if value else _("no")
    return ", ".join(choices.get(each, each) for each in values if each) or _("nothing")


def _flat(choices: Any) -> list[tuple[Any, Any]]:
    flat: list[tuple[Any, Any]] = []
    for key, label in choices:
        flat += _flat(label) if isinstance(label, list | tuple) else [(key, label)]
    return flat


def beside(told: Overtaking, note: Note) -> str:
    return render_to_string("admin/operations/conflict_note.html", {"told": told, "note": note})
