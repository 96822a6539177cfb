"""The library's upload, preview and confirm, with our formats, options and preview of the plan."""

from __future__ import annotations

import secrets
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from import_export.admin import ImportExportMixin
from import_export.forms import ConfirmImportForm, ExportForm, ImportForm
from import_export.tmp_storages import TempFolderStorage

from .importing import Plan
from .tables import PlainCSV, PlainXLSX

FORMATS = [PlainCSV, PlainXLSX]
OPTIONS = ("round_to_cents", "release_profiles")
KEPT_SECONDS = 24 * 3600
SHOWN_ROWS = 100  # of the new ones, and of the changed ones
SHOWN_ERRORS = 500
SHOWN_HELD = 20


class UploadFolder(TempFolderStorage):
    """Uploads that wait for their confirmation: in the site's own folder, for a day."""

    def get_full_path(self) -> str:
        return str(self.folder / Path(self.name).name)

    @property
    def folder(self) -> Path:
        folder = settings.DATA_DIR / "uploads"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def save(self, data: bytes) -> None:
        for path in self.folder.iterdir():
            if time.time() - path.stat().st_mtime > KEPT_SECONDS:
                path.unlink(missing_ok=True)
        self.name = secrets.token_hex(16)
        Path(self.get_full_path()).write_bytes(data)


class TableImportForm(ImportForm):
    """The upload, with the options of its table alone."""

    round_to_cents = forms.BooleanField(
        label=gettext_lazy("Round to whole cents"),
        required=False,
        help_text=gettext_lazy("Tick if the file has amounts finer than a cent; each is rounded half-up."),
    )
    release_profiles = forms.BooleanField(
        label=gettext_lazy("Release the profiles that change"),
        required=False,
        help_text=gettext_lazy(
            "Readers then see the figures at once. Otherwise they wait in a draft of each operation, as do those of a "
            "profile with an error or with a warning that nobody has answered."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["format"].required = False
        self.fields["format"].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any]:
        """The file itself says whether it is a workbook."""
        cleaned = super().clean()
        if upload := cleaned.get("import_file"):
            is_workbook = upload.read(4) == b"PK\x03\x04" or upload.name.lower().endswith(".xlsx")
            upload.seek(0)
            cleaned["format"] = str(FORMATS.index(PlainXLSX if is_workbook else PlainCSV))
        return cleaned

    def keep_options(self, names: tuple[str, ...]) -> None:
        for name in OPTIONS:
            if name not in names:
                del self.fields[name]


class TableConfirmForm(ConfirmImportForm):
    """The confirmed upload, bound to the person who uploaded it: a forged name is refused."""

    round_to_cents = forms.BooleanField(widget=forms.HiddenInput(), required=False)
    release_profiles = forms.BooleanField(widget=forms.HiddenInput(), required=False)
    planned = forms.CharField(widget=forms.HiddenInput(), required=False)  # what the preview showed

    def __init__(self, *args: Any, user_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user_id = user_id

    def clean_import_file_name(self) -> str:
        try:
            user_id, name = signing.loads(
                self.cleaned_data["import_file_name"], salt="import", max_age=KEPT_SECONDS
            )
        except signing.BadSignature:
            raise ValidationError(_("This preview is too old. Upload the file again.")) from None
        if user_id != self.user_id:
            raise ValidationError(_("Another person uploaded this file. Upload it yourself to import it."))
        return name


class TableAdmin(ImportExportMixin):
    """For a ModelAdmin whose table can be imported and exported by its ``TableResource``."""

    formats = FORMATS
    tmp_storage_class = UploadFolder
    import_form_class = TableImportForm
    confirm_form_class = TableConfirmForm
    export_form_class = ExportForm
    import_template_name = "admin/import_export/import.html"
    skip_admin_log = True  # the batch is the record of an import

    def get_import_formats(self) -> list:
        return self.formats

    get_export_formats = get_import_formats

    def import_options(self, request: HttpRequest) -> tuple[str, ...]:
        """The options of this table that this person may use."""
        options = self.resource_classes[0].options
        if request.user.has_perms(["operations.release_edition", "operations.change_operation"]):
            return options
        return tuple(name for name in options if name != "release_profiles")

    def create_import_form(self, request: HttpRequest) -> TableImportForm:
        form = super().create_import_form(request)
        form.keep_options(self.import_options(request))
        return form

    def get_import_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        form = kwargs.get("form")
        given = getattr(form, "cleaned_data", None) or {}
        options = {name: given.get(name, False) for name in self.import_options(request)}
        return {"user": request.user, **options}

    def get_confirm_form_kwargs(self, request: HttpRequest, import_form: Any = None) -> dict[str, Any]:
        return {**super().get_confirm_form_kwargs(request, import_form), "user_id": request.user.pk}

    def get_confirm_form_initial(self, request: HttpRequest, import_form: Any) -> dict[str, Any]:
        initial = super().get_confirm_form_initial(request, import_form)
        if import_form is not None:
            name = initial["import_file_name"]
            initial["import_file_name"] = signing.dumps([request.user.pk, name], salt="import")
            initial |= {
                name: import_form.cleaned_data.get(name, False) for name in self.import_options(request)
            }
        return initial

    def add_data_read_fail_error_to_form(self, form: forms.Form, e: Exception) -> None:
        message = (
            e.message
            if isinstance(e, ValidationError)
            else _("The file cannot be read. Is it the right format?")
        )
        form.add_error("import_file", message)

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        response = super().import_action(request, **kwargs)
        if (context := getattr(response, "context_data", None)) is not None:
            context["title"] = _("Import %(name)s") % {"name": self.opts.verbose_name_plural}
            if result := context.get("result"):
                context |= preview(result.plan)
                if confirm_form := context.get("confirm_form"):
                    confirm_form.initial["planned"] = result.plan.fingerprint
        return response

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        """With what the preview showed: the engine writes nothing else."""
        cleaned = getattr(kwargs.get("form"), "cleaned_data", {})
        return {**super().get_import_data_kwargs(**kwargs), "planned": cleaned.get("planned", "")}

    def process_dataset(self, dataset: Any, form: Any, request: HttpRequest, **kwargs: Any) -> Any:
        result = super().process_dataset(dataset, form, request, **kwargs)
        if result.plan.is_overtaken:  # the library deletes the upload now; it is needed once more
            upload = self.tmp_storage_class(name=form.cleaned_data["import_file_name"], read_mode="rb")
            request.overtaken_import = form, upload.read()
        return result

    def shown_again(self, request: HttpRequest, result: Any) -> HttpResponse:
        """The preview once more, because somebody else saved since it was shown."""
        form, data = request.overtaken_import
        upload = self.tmp_storage_class()
        upload.save(data)
        name = signing.dumps([request.user.pk, upload.name], salt="import")
        initial = {**form.cleaned_data, "import_file_name": name, "planned": result.plan.fingerprint}
        context = {
            **self.admin_site.each_context(request),
            **self.get_import_context_data(),
            **preview(result.plan),
            "title": _("Import %(name)s") % {"name": self.opts.verbose_name_plural},
            "opts": self.opts,
            "result": result,
            "confirm_form": type(form)(initial=initial, user_id=request.user.pk),
        }
        said = _(
            "Somebody else saved while you looked at the preview, and nothing was imported. "
            "Below stands what the import would do now; look at it again."
        )
        messages.warning(request, said)
        return TemplateResponse(request, [self.import_template_name], context)

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            return super().process_import(request, **kwargs)
        except FileNotFoundError:  # confirmed twice, or after a day
            messages.warning(
                request, _("This preview was confirmed already, or is too old. Upload the file again.")
            )
            return HttpResponseRedirect("../import/")

    def process_result(self, result: Any, request: HttpRequest) -> HttpResponse:
        plan: Plan = result.plan
        if plan.is_overtaken:
            return self.shown_again(request, result)
        if plan.errors:
            messages.error(
                request, _("Nothing was imported: %s") % " ".join(e.message for e in plan.errors[:3])
            )
            return HttpResponseRedirect("../import/")
        return super().process_result(result, request)

    def add_success_message(self, result: Any, request: HttpRequest) -> None:
        plan: Plan = result.plan
        if plan.held:
            messages.warning(request, held_back(plan.held))
        if not plan.counts["new"] and not plan.counts["changed"]:
            messages.success(
                request, _("Nothing changed: the site has all %d lines of this file.") % plan.unchanged
            )
            return
        messages.success(
            request,
            ngettext(
                "Imported %(rows)d line: %(new)d new, %(changed)d changed, %(unchanged)d unchanged.",
                "Imported %(rows)d lines: %(new)d new, %(changed)d changed, %(unchanged)d unchanged.",
                plan.rows,
            )
            % plan.counts,
        )


def held_back(held: list[str]) -> str:
    """Which profiles wait for a release of their own, and why: the first ones by name."""
    said = ngettext(
        "%d profile is saved as a draft and not released:",
        "%d profiles are saved as drafts and not released:",
        len(held),
    )
    lines = format_html_join("", "<li>{}</li>", ((line,) for line in held[:SHOWN_HELD]))
    if (more := len(held) - SHOWN_HELD) > 0:
        lines += format_html("<li>{}</li>", ngettext("and %d more", "and %d more", more) % more)
    return format_html(
        '{}<ul class="held">{}</ul><a href="{}?state=draft">{}</a>',
        said % len(held),
        lines,
        reverse("admin:operations_operation_changelist"),
        _("Look at the drafts"),
    )


def preview(plan: Plan) -> dict[str, Any]:
    """What the preview page shows of a plan: its first lines of each sort."""
    columns = list(dict.fromkeys(plan.mapping.values()))
    return {
        "plan": plan,
        "in_file": f"{Decimal(total):,}" if (total := plan.totals.get("in_file_usd")) else "",
        "columns": columns,
        "new_rows": [(row.line, [row.raw.get(name) for name in columns]) for row in plan.new[:SHOWN_ROWS]],
        "more_new": max(0, len(plan.new) - SHOWN_ROWS),
        "changed_rows": plan.changed[:SHOWN_ROWS],
        "more_changed": max(0, len(plan.changed) - SHOWN_ROWS),
        "errors": plan.errors[:SHOWN_ERRORS],
        "more_errors": max(0, len(plan.errors) - SHOWN_ERRORS),
    }
