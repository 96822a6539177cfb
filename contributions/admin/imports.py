"""Imports: from the upload to the books, and from the books to readers and back."""

from __future__ import annotations

import datetime as dt
from functools import wraps
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from operations.admin.editions import ReadOnlyAdmin
from operations.admin.pages import zone_of
from operations.admin.releasing import remember_zone
from operations.admin.rights import READ_OFFICES, everywhere
from operations.models import Operation
from operations.moments import with_zone

from .. import importing, jobs, releasing, staging
from ..deciding import (
    DECIDED,
    control_problem,
    decide,
    decide_all,
    told_alike,
    totals,
    undecided,
    undecided_alike,
)
from ..errors import errors_file
from ..import_forms import (
    ColumnsForm,
    ConfirmForm,
    Names,
    UndoForm,
    WhenForm,
    seen,
)
from ..models import Contribution, Donor, ImportBatch
from ..resources import ContributionResource
from .import_pages import (
    Compared,
    alike_rows,
    control_of,
    footnotes_of,
    how_it_was_read,
    is_large,
    line_heads,
    new_donors_of,
    notes_of,
    page_of,
    paired_rows,
    printed,
    public_after_undo,
    repeated_rows,
    staged_rows,
    state_tag,
    stored_rows,
    sum_of,
    totals_of,
)

IMPORT, RELEASE = "contributions.import_contribution", "contributions.release_importbatch"
TEMPLATES = "admin/contributions/importbatch"
FIRST_LINES = 10  # of each kind, on the preview itself
OTHERS = 20  # imports that are offered for a comparison
UNTAKEN = dt.timedelta(seconds=10)  # after which somebody should have begun the work

State, Job = ImportBatch.State, ImportBatch.Job


class Moved(Exception):
    """The import went on while a page of it was open."""


# --- The list ---------------------------------------------------------------------------------------


class StateFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("working", _("being read or imported")),
            ("open", _("waits for a person")),
            ("unreleased", _("imported, not released")),
            ("scheduled", _("imported, release set for a time")),
            ("public", _("readers see it")),
            ("undone", _("undone")),
            ("closed", _("changed nothing, or given up")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        now = timezone.now()
        open_states = [State.NEW, State.ASKING, State.PLANNED, State.FAILED]
        filters = {
            "working": ~Q(job=""),
            "open": Q(job="", state__in=open_states),
            "unreleased": Q(state=State.IMPORTED, withdrawn_at__isnull=True, released_at__isnull=True),
            "scheduled": Q(state=State.IMPORTED, withdrawn_at__isnull=True, released_at__gt=now),
            "public": Q(state=State.IMPORTED, withdrawn_at__isnull=True, released_at__lte=now),
            "undone": Q(withdrawn_at__isnull=False),
            "closed": Q(state__in=[State.KNOWN, State.GIVEN_UP]),
        }
        return queryset.filter(filters[self.value()]) if self.value() in filters else queryset


def posted(view: Any) -> Any:
    """For a step that changes something: by POST alone, and only while the import stands where its page was."""

    @wraps(view)
    def wrapped(self: Any, request: HttpRequest, pk: int, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            self.found(request, pk)
            return self.to_page(pk)
        try:
            return view(self, request, pk, **kwargs)
        except Moved:
            said = _("This import went on while the page was open. Nothing was done; look at it again.")
            self.message_user(request, said, messages.WARNING)
        except importing.CannotImport as error:
            self.message_user(request, str(error), messages.ERROR)
        return self.to_page(pk)

    return wrapped


@admin.register(ImportBatch)
class ImportBatchAdmin(ReadOnlyAdmin):
    """What was imported, with its file: one's own, and everybody's for who sees the imports of every operation."""

    list_display = ["file_name", "stands", "table_name", "made_at", "made_by", "lines", "dollars", "released"]
    list_filter = [StateFilter, "table"]
    list_select_related = ["made_by"]
    list_per_page = 50
    search_fields = ["file_name", "sha256"]
    date_hierarchy = "made_at"
    change_list_template = f"{TEMPLATES}/list.html"
    fields = ["table", "original", "sha256", "mapping", "counts", "totals", "made_at", "made_by",
              "released_at", "withdrawn_at"]  # fmt: skip
    readonly_fields = ["original"]

    # --- who ---

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        imports = super().get_queryset(request)
        if everywhere(request, "contributions.view_importbatch"):
            if everywhere(request, *READ_OFFICES):
                return imports
            return imports.exclude(~Q(made_by=request.user), table="operations.office")  # some are not public
        return imports.filter(made_by=request.user)

    def found(self, request: HttpRequest, pk: Any, may: str = "") -> ImportBatch:
        """The import of contributions that an address names, for who may see it and do this with it.

        ``may``: "work" (on what its file becomes) or "release" (and undo). 404 for who does not see it, else 403.
        """
        batch = self.get_object(request, str(pk))
        if batch is None or batch.table != importing.TABLE:
            raise Http404
        self.check_rights(request, batch, may)
        return batch

    def check_rights(self, request: HttpRequest, batch: ImportBatch, may: str = "") -> None:
        allowed = {
            "": True,
            "work": self.may_work(request, batch),
            "release": self.may_release(request, batch),
        }
        if not self.has_view_permission(request, batch) or not allowed[may]:
            raise PermissionDenied

    def may_work(self, request: HttpRequest, batch: ImportBatch) -> bool:
        is_mine = batch.made_by_id == request.user.pk
        return request.user.has_perm(IMPORT) and (is_mine or everywhere(request, IMPORT))

    def may_release(self, request: HttpRequest, batch: ImportBatch) -> bool:
        return request.user.has_perm(RELEASE)

    def held(self, request: HttpRequest, pk: int, *states: State, is_seen: bool = True) -> ImportBatch:
        """The import, locked until the transaction ends, for a step from one of these states.

        ``is_seen``: only if it still stands as the page showed it.
        """
        self.found(request, pk, "work")
        batch = ImportBatch.objects.select_for_update(of=("self",)).get(pk=pk)
        if batch.job or batch.state not in states or (is_seen and request.POST.get("seen") != seen(batch)):
            raise Moved
        return batch

    def operations(self, batch: ImportBatch) -> list[Any]:
        """Those that a line of its file may be of."""
        return list(ContributionResource(user=batch.made_by).allowed("import").order_by("name"))

    def sees_books(self, request: HttpRequest) -> bool:
        return everywhere(request, "contributions.view_contribution")

    def lines_of(self, request: HttpRequest, batch: ImportBatch) -> QuerySet:
        """The lines that it brought, of the operations whose lines this person sees."""
        books = self.admin_site.get_model_admin(Contribution)
        if not books.has_view_permission(request):
            return Contribution.objects.none()
        lines = books.get_queryset(request).filter(batch=batch)
        return lines.select_related("donor", "operation").order_by("line", "pk")

    # --- the list ---

    @admin.display(description=gettext_lazy("state"))
    def stands(self, batch: ImportBatch) -> str:
        return state_tag(batch)

    @admin.display(description=gettext_lazy("table"), ordering="table")
    def table_name(self, batch: ImportBatch) -> str:
        try:
            return apps.get_model(batch.table)._meta.verbose_name_plural
        except LookupError:  # a table of an earlier version
            return batch.table

    @admin.display(description=gettext_lazy("lines"))
    def lines(self, batch: ImportBatch) -> str:
        return _("%(new)d new, %(changed)d changed, %(unchanged)d unchanged") % {
            name: batch.counts.get(name, 0) for name in ("new", "changed", "unchanged")
        }

    @admin.display(description=gettext_lazy("US dollars"))
    def dollars(self, batch: ImportBatch) -> str:
        totals = batch.totals
        return printed(totals.get("new_and_changed_usd") or totals.get("in_file_usd"))

    @admin.display(description=gettext_lazy("released"), ordering="released_at")
    def released(self, batch: ImportBatch) -> Any:
        return batch.released_at

    @admin.display(description=gettext_lazy("file"))
    def original(self, batch: ImportBatch) -> str:
        if not batch.file:
            return batch.file_name
        return format_html('<a href="{}">{}</a>', self.url("file", batch.pk), batch.file_name)

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        context = {
            "title": capfirst(self.opts.verbose_name_plural),
            "may_import": request.user.has_perm(IMPORT),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    # --- addresses ---

    def get_urls(self) -> list:
        views = {
            "file": self.download, "columns": self.columns_view, "decide": self.decide_view,
            "confirm": self.confirm_view, "release": self.release_view, "undo": self.undo_view,
            "give-up": self.give_up_view, "again": self.again_view, "lines": self.lines_view,
        }  # fmt: skip
        name = "contributions_importbatch_{}".format
        own = [
            path(f"<int:pk>/{key}/", self.admin_site.admin_view(view), name=name(key.replace("-", "_")))
            for key, view in views.items()
        ]
        errors, compare = (
            self.admin_site.admin_view(self.errors_view),
            self.admin_site.admin_view(self.compare_view),
        )
        own += [
            path("<int:pk>/errors.csv", errors, name=name("errors")),
            path("<int:pk>/compare/<int:other>/", compare, name=name("compare")),
        ]
        return own + super().get_urls()

    def url(self, name: str, *args: Any) -> str:
        return reverse(f"admin:contributions_importbatch_{name}", args=args)

    def to_page(self, pk: int) -> HttpResponse:
        return HttpResponseRedirect(self.url("change", pk))

    def download(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The file as it was uploaded, for staff who may see imports; it has no public address."""
        batch = self.get_object(request, str(pk))
        if batch is None or not batch.file or not self.has_view_permission(request, batch):
            raise Http404
        return FileResponse(batch.file.open("rb"), as_attachment=True, filename=batch.file_name)

    # --- the page of an import ---

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        batch = self.get_object(request, unquote(object_id))
        if batch is None or batch.table != importing.TABLE or request.method not in ("GET", "HEAD"):
            return super().change_view(request, object_id, form_url, extra_context)
        self.check_rights(request, batch)
        return self.page(request, batch)

    def page(self, request: HttpRequest, batch: ImportBatch, **context: Any) -> HttpResponse:
        """What its state asks for."""
        if batch.job:
            return self.progress_page(request, batch)
        if batch.state == State.ASKING:
            if self.may_work(request, batch):
                context.setdefault("form", self.columns_form(request, batch))
            return self.rendered(request, batch, "columns", **context)
        if batch.state == State.PLANNED:
            return self.preview_page(request, batch, **context)
        if batch.state == State.IMPORTED:
            return self.imported_page(request, batch, **context)
        if batch.state == State.NEW:
            context["same"] = importing.same_file(batch)
            context["sees_same"] = (
                context["same"] and self.get_queryset(request).filter(pk=context["same"].pk).exists()
            )
        return self.rendered(request, batch, "waiting", **context)

    def rendered(
        self, request: HttpRequest, batch: ImportBatch, template: str, **context: Any
    ) -> HttpResponse:
        shared = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": batch,
            "batch": batch,
            "title": batch.file_name,
            "stands": state_tag(batch),
            "may_work": self.may_work(request, batch),
            "may_release": self.may_release(request, batch),
            "seen": seen(batch),
            "has_file": bool(batch.file),
            "made": with_zone(batch.made_at, zone_of(request)),
        }
        return TemplateResponse(request, f"{TEMPLATES}/{template}.html", {**shared, **context})

    def progress_page(self, request: HttpRequest, batch: ImportBatch) -> HttpResponse:
        """Renews itself without a script, unless its reader says not to."""
        now, watches = timezone.now(), request.GET.get("watch") != "0"
        response = self.rendered(
            request,
            batch,
            "progress",
            of=batch.plan.get("survey", {}).get("rows"),
            is_untaken=batch.beat_at is None and now - (batch.queued_at or now) > UNTAKEN,
            is_silent=batch.beat_at is not None and now - batch.beat_at > jobs.SILENT,
            is_large=is_large(batch),
            watches=watches,
        )
        if watches:
            response["Refresh"] = "2"
        return response

    def go_on(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Do what is queued within this request, unless the file is large; then a worker does."""
        batch = ImportBatch.objects.get(pk=pk)
        if not is_large(batch) and (taken := jobs.take(pk)):
            jobs.run(taken)
        return self.to_page(pk)

    # --- how it is read ---

    def columns_form(self, request: HttpRequest, batch: ImportBatch) -> ColumnsForm:
        return ColumnsForm(
            request.POST if request.method == "POST" else None,
            batch=batch,
            operations=self.operations(batch),
            may_complete=everywhere(request, IMPORT),
        )

    def columns_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if request.method == "POST":
            return self.read_again(request, pk)
        batch = self.found(request, pk, "work")
        if batch.job or batch.state not in (State.ASKING, State.PLANNED, State.FAILED):
            return self.to_page(pk)
        return self.rendered(request, batch, "columns", form=self.columns_form(request, batch))

    @posted
    def read_again(self, request: HttpRequest, pk: int) -> HttpResponse:
        with transaction.atomic():
            batch = self.held(request, pk, State.ASKING, State.PLANNED, State.FAILED)
            form = self.columns_form(request, batch)
            if not form.is_valid():
                said = _("The file was not read again: look at what is marked below.")
                return self.rendered(request, batch, "columns", form=form, said=said)
            form.apply()
            batch.approved_by = None
            if source := form.keep_source(request.user):
                self.message_user(request, _("Kept as the source “%s”.") % source, messages.SUCCESS)
            batch.save()
            jobs.queue(batch, Job.PLAN)
            self.log_change(request, batch, _("Said how the file is read."))
        if form.is_read_anew and form.headers:
            said = _("The file is read in another way: its columns were proposed anew.")
            self.message_user(request, said, messages.INFO)
        return self.go_on(request, pk)

    @posted
    def again_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Read the file once more, as was said; or go on with work that nobody is at."""
        batch = self.found(request, pk, "work")
        if not batch.job:
            with transaction.atomic():
                batch = self.held(request, pk, State.NEW, State.FAILED, State.PLANNED, is_seen=False)
                batch.problem = ""
                batch.save()
                jobs.queue(batch, Job.PLAN)
                self.log_change(request, batch, _("Read the file again."))
        return self.go_on(request, pk)

    @posted
    def give_up_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        with transaction.atomic():
            self.found(request, pk, "work")
            batch = ImportBatch.objects.select_for_update(of=("self",)).get(pk=pk)
            is_open = batch.state in (State.NEW, State.ASKING, State.PLANNED, State.FAILED)
            is_at_work = batch.job and not ImportBatch.objects.filter(jobs.waiting(), pk=pk).exists()
            if not is_open or is_at_work:
                raise Moved
            batch.state, batch.job = State.GIVEN_UP, Job.NONE
            batch.save()
            staging.clear(batch)
            self.log_change(request, batch, _("Given up."))
        self.message_user(request, _("Given up. Nothing of it was imported."), messages.SUCCESS)
        return self.to_page(pk)

    # --- the preview ---

    def obstacles(self, request: HttpRequest, batch: ImportBatch) -> list[tuple[str, str]]:
        """What has to be done before it can be confirmed, and where on the page."""
        found = []
        if count := batch.plan["errors"]:
            said = ngettext("The file has %s error.", "The file has %s errors.", count)
            found.append((said % f"{count:,}", "errors"))
        if count := undecided_alike(batch):
            found.append((told_alike(count), "alike"))
        if count := undecided(batch):
            said = ngettext(
                "%s line differs from the known one and is not decided.",
                "%s lines differ from the known ones and are not decided.",
                count,
            )
            found.append((said % f"{count:,}", "replacements"))
        if problem := control_problem(batch):
            found.append((problem, "control"))
        if not everywhere(request, IMPORT):
            allowed = Operation.objects.allowed(request.user, IMPORT).order_by()
            if batch.staged.exclude(operation__in=allowed.values("pk")).exists():
                said = _("Some lines are of operations for which you may not import any more.")
                found.append((said, "new-heading"))
        return found

    def names(self, request: HttpRequest, batch: ImportBatch) -> Names:
        may_add, may_alias = (
            request.user.has_perm(f"contributions.add_{name}") for name in ("donor", "donoralias")
        )
        unknown = batch.plan.get("unknown", {})
        is_asked = unknown.get("operations") or batch.options.get("operations")
        operations = self.operations(batch) if is_asked else []
        sees_hidden = self.admin_site.get_model_admin(Donor).has_view_permission(request)
        return Names(batch, operations, may_add, may_alias, sees_hidden)

    def preview_page(
        self, request: HttpRequest, batch: ImportBatch, confirm_form: ConfirmForm | None = None
    ) -> HttpResponse:
        plan, counts = batch.plan, batch.counts
        staged = batch.staged.select_related("operation")
        replacing = staged.with_previous().filter(state__in=DECIDED).order_by("line", "pk")
        page = page_of(request, replacing)
        names = self.names(request, batch)
        typed = batch.options.get("control_total")
        has_names = names.donors or names.places or names.decided or batch.options.get("new_donors")
        context = {
            "said": batch.problem,
            "notes": notes_of(batch),
            "new_donors": new_donors_of(batch),
            "footnotes": footnotes_of(batch),
            "is_overtaken": bool(batch.options.get("confirmed")) and not batch.problem,
            "obstacles": self.obstacles(request, batch),
            "counts": counts,
            "sum": sum_of(batch),
            "groups": totals_of(batch, with_books=self.sees_books(request)),
            "read": how_it_was_read(batch),
            "control": control_of(batch) if typed else None,
            "names": names if has_names else None,
            "known_donors": names.known.order_by("name_en").values_list("name_en", flat=True)
            if names.donors and names.may_alias
            else (),
            "kinds": Donor.Kind.choices,
            "page": page,
            "replacements": staged_rows(batch, page),
            "decisions": [("r", _("replace it")), ("k", _("keep the known one")), ("a", _("another gift"))],
            "alike": alike_rows(batch, self.sees_books(request)) if plan.get("alike") else [],
            "alike_count": plan.get("alike", 0),
            "alike_is_open": bool(undecided_alike(batch)),
            "repeated": repeated_rows(batch) if plan.get("repeated") else [],
            "heads": line_heads(),
            "new": staged_rows(batch, staged.filter(state__in=["n"])[:FIRST_LINES]) if counts["new"] else [],
            "withdrawn": staged_rows(batch, staged.filter(state="w")[:FIRST_LINES])
            if counts["withdrawn"]
            else [],
            "problems": batch.problems.all()[:FIRST_LINES] if plan["errors"] else [],
            "has_work": counts["new"] + counts["changed"] + counts["withdrawn"] > 0,
            "confirm_form": confirm_form or self.confirm_form(request, batch),
            "four_eyes": settings.FOUR_EYES,
        }
        return self.rendered(request, batch, "preview", **context)

    def confirm_form(self, request: HttpRequest, batch: ImportBatch) -> ConfirmForm:
        return ConfirmForm(
            request.POST if request.method == "POST" else None,
            batch=batch,
            zone=zone_of(request),
            may_release=request.user.has_perm(RELEASE) and not settings.FOUR_EYES,
        )

    @posted
    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if "_names" in request.POST:
            return self.decide_names(request, pk)
        with transaction.atomic():
            batch = self.held(request, pk, State.PLANNED)
            given = {
                int(name[5:]): value
                for name, value in request.POST.items()
                if name.startswith("line-")
                and name[5:].isdecimal()
                and len(name) < 24
                and value in ("r", "k", "a")
            }
            if given:
                decide(batch, given)
            if "_all" in request.POST:
                decide_all(batch)
            if "_alike" in request.POST:
                batch.options["alike"] = batch.plan["alike"]
            batch.plan["totals"] = totals(batch)
            batch.save(update_fields=["plan", "options"])
            said = _("Said that new lines like known ones are gifts of their own.") if "_alike" in request.POST else _("Decided that all other changed lines replace the known ones.") if "_all" in request.POST else _("Decided on changed lines.")  # fmt: skip
            self.log_change(request, batch, said)
        page = request.POST.get("page", "")
        return HttpResponseRedirect(
            f"{self.url('change', pk)}?page={page if page.isdecimal() else 1}#{'alike' if '_alike' in request.POST else 'replacements'}"
        )

    def decide_names(self, request: HttpRequest, pk: int) -> HttpResponse:
        with transaction.atomic():
            batch = self.held(request, pk, State.PLANNED)
            for said in self.names(request, batch).apply(request.POST):
                self.message_user(request, said, messages.WARNING)
            batch.options.pop("confirmed", None)
            batch.save()
            jobs.queue(batch, Job.PLAN)
            self.log_change(request, batch, _("Said who unknown donors, and which unknown operations, are."))
        return self.go_on(request, pk)

    @posted
    def confirm_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        with transaction.atomic():
            batch = self.held(request, pk, State.PLANNED)
            if obstacles := self.obstacles(request, batch):
                raise importing.CannotImport(obstacles[0][0])
            form = self.confirm_form(request, batch)
            if not form.is_valid():
                return self.page(request, batch, confirm_form=form)
            batch.options |= {"release": form.release, "confirmed": True, "confirmed_by": request.user.pk}
            batch.approved_by = None if form.release == "later" else request.user
            batch.problem = ""
            batch.save()
            jobs.queue(batch, Job.IMPORT)
            self.log_change(request, batch, _("Confirmed the import."))
        response = self.go_on(request, pk)
        self.tell_of_import(request, pk)
        if form.moment:
            remember_zone(request, response, form["at"].data[2])
        return response

    def tell_of_import(self, request: HttpRequest, pk: int) -> None:
        """What became of a confirmed import, as far as it is known; a preview that is overtaken says so itself."""
        batch = ImportBatch.objects.get(pk=pk)
        if batch.job:
            return
        if batch.state == State.IMPORTED:
            said = ngettext("Imported %s line.", "Imported %s lines.", batch.counts["rows"])
            self.message_user(request, said % f"{batch.counts['rows']:,}", messages.SUCCESS)
        elif batch.state == State.KNOWN:
            self.message_user(
                request, _("The books have every line of it: nothing changed."), messages.SUCCESS
            )
        elif batch.state == State.NEW:  # what it refers to has changed: it has to be read again
            jobs.queue(batch, Job.PLAN)
            self.go_on(request, pk)
        elif batch.state == State.PLANNED and not batch.problem:
            batch.plan["totals"] = totals(batch)
            batch.save(update_fields=["plan"])

    @staticmethod
    def kinds_of_lines(batch: ImportBatch) -> dict[str, tuple[Any, QuerySet]]:
        staged = batch.staged.select_related("operation")
        return {
            "new": (_("New lines"), staged.filter(state__in=["n", "a"])),
            "changed": (_("Lines that replace known ones"), staged.with_previous().filter(state="c")),
            "kept": (_("Lines left as they are"), staged.with_previous().filter(state="k")),
            "unchanged": (_("Unchanged lines"), staged.filter(state="u")),
            "withdrawn": (_("Lines to be withdrawn"), staged.filter(state="w")),
        }

    def lines_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """All lines of a kind, page by page; of an import in the books, all that it brought."""
        batch, kind = self.found(request, pk), request.GET.get("state", "")
        context = {"state": kind, "heads": line_heads()}
        if kind == "errors":
            page = page_of(request, batch.problems.all())
            return self.rendered(
                request, batch, "errors", page=page, problems=page, heading=_("Errors"), **context
            )
        if batch.state == State.IMPORTED:
            page = page_of(request, self.lines_of(request, batch))
            context |= {
                "heading": _("Lines of this import"),
                "rows": stored_rows(batch, page),
                "is_stored": True,
            }
            return self.rendered(request, batch, "lines", page=page, **context)
        kinds = self.kinds_of_lines(batch)
        if kind not in kinds:
            raise Http404
        heading, lines = kinds[kind]
        page = page_of(request, lines.order_by("line", "pk"))
        return self.rendered(
            request, batch, "lines", page=page, heading=heading, rows=staged_rows(batch, page), **context
        )

    def errors_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The file with a column of what is wrong in each line."""
        batch = self.found(request, pk)
        if batch.job or batch.state != State.PLANNED:
            raise Http404
        try:
            table = importing.open_file(batch, ContributionResource(user=batch.made_by))
        except (ValidationError, OSError):
            raise Http404 from None
        name = f"{batch.file_name.rpartition('.')[0] or batch.file_name}-errors.csv"
        response = StreamingHttpResponse(errors_file(batch, table), content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = content_disposition_header(True, name)
        return response

    # --- in the books ---

    def imported_page(
        self, request: HttpRequest, batch: ImportBatch, release_form: WhenForm | None = None
    ) -> HttpResponse:
        zone, now = zone_of(request), timezone.now()
        visible = self.get_queryset(request)
        others = visible.filter(pk__in=ImportBatch.objects.of_contributions().imported()).exclude(pk=batch.pk)
        is_public = batch.released_at is not None and batch.released_at <= now
        lines = self.lines_of(request, batch)
        context = {
            "sum": sum_of(batch),
            "counts": batch.counts,
            "groups": totals_of(batch, with_books=self.sees_books(request)),
            "read": how_it_was_read(batch),
            "notes": notes_of(batch),
            "new_donors": new_donors_of(batch),
            "is_public": is_public,
            "is_scheduled": batch.released_at is not None and not is_public,
            "released": batch.released_at and with_zone(batch.released_at, zone),
            "undone": batch.withdrawn_at and with_zone(batch.withdrawn_at, zone),
            "dollars": printed(batch.totals.get("new_and_changed_usd") or batch.totals.get("in_file_usd")),
            "control": control_of(batch) if batch.options.get("control_total") else None,
            "release_form": release_form or WhenForm(zone=zone, may_wait=False),
            "refusal": self.refusal(request, batch),
            "replaced": visible.filter(pk__in=releasing.replaced_imports(batch).values("pk")),
            "replacing": visible.filter(pk__in=releasing.replacing_imports(batch).values("pk")),
            "others": others[:OTHERS],
            "heads": line_heads(),
            "rows": stored_rows(batch, lines[:FIRST_LINES]),
        }
        return self.rendered(request, batch, "imported", **context)

    def refusal(self, request: HttpRequest, batch: ImportBatch) -> str:
        """Why it is not this person who releases it; empty where it is."""
        if not self.may_release(request, batch):
            return _("You may not release imports. Ask a colleague who may.")
        if settings.FOUR_EYES and releasing.loaded(batch, request.user):
            return _("You loaded this file, and on this site another person releases it.")
        return ""

    @posted
    def release_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        batch = self.found(request, pk, "release")
        if "_stop" in request.POST:
            releasing.stop_release(batch)
            self.log_change(request, batch, _("Took back the release that was set for a time."))
            self.message_user(request, _("It is no longer set to be released."), messages.SUCCESS)
            return self.to_page(pk)
        form = WhenForm(request.POST, zone=zone_of(request), may_wait=False)
        if not form.is_valid():
            return self.page(request, batch, release_form=form)
        batch = releasing.release(batch, request.user, form.moment)
        response = self.to_page(pk)
        if form.moment:
            remember_zone(request, response, form["at"].data[2])
            when = with_zone(batch.released_at, form["at"].data[2])
            said = _("Readers will see it from %s on.") % when
        else:
            said = _("Released: readers see it now.")
        self.log_change(request, batch, said)
        self.message_user(request, said, messages.SUCCESS)
        return response

    def undo_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if request.method == "POST":
            return self.undo(request, pk)
        return self.undo_page(request, self.found(request, pk, "release"), UndoForm())

    def undo_page(self, request: HttpRequest, batch: ImportBatch, form: UndoForm) -> HttpResponse:
        if batch.state != State.IMPORTED or batch.withdrawn_at:
            return self.to_page(batch.pk)
        lines = Contribution.objects.filter(batch=batch).order_by()
        touching = releasing.replacing_imports(batch)
        visible = self.get_queryset(request).filter(pk__in=touching.values("pk"))
        context = {
            "form": form,
            "lines": lines.count(),
            "touched": lines.filter(replaced_in__isnull=False).count(),
            "touching": visible,
            "unseen": touching.count() - visible.count(),
            "public": public_after_undo(batch) if self.sees_books(request) else None,
        }
        return self.rendered(request, batch, "undo", **context)

    @posted
    def undo(self, request: HttpRequest, pk: int) -> HttpResponse:
        batch = self.found(request, pk, "release")
        form = UndoForm(request.POST)
        if not form.is_valid():
            return self.undo_page(request, batch, form)
        why = form.cleaned_data["why"]
        releasing.undo(batch, request.user, why)
        self.log_change(request, batch, _("Undone: %s") % why)
        self.message_user(
            request, _("Undone. The books are as if it had never been imported."), messages.SUCCESS
        )
        return self.to_page(pk)

    def compare_view(self, request: HttpRequest, pk: int, other: int) -> HttpResponse:
        batch, than = self.found(request, pk), self.found(request, other)
        if State.IMPORTED not in (batch.state, than.state) or batch.state != than.state or pk == other:
            raise Http404
        words = {
            "equal": _("The same in both"),
            "different": _("Different"),
            "mine": _("Only in “%s”") % batch,
            "theirs": _("Only in “%s”") % than,
        }
        compared = Compared(self.lines_of(request, batch), self.lines_of(request, than)).groups
        groups = []
        for name, words_ in words.items():
            found = compared[name].order_by().aggregate(lines=Count("pk"), usd=Sum("amount_usd", default=0))
            groups.append((name, words_, found["lines"], printed(found["usd"])))
        filled = [name for name, _words, lines, _usd in groups if lines]
        shown = request.GET.get("state") or next(
            (name for name in ("different", "mine", "theirs") if name in filled), "equal"
        )
        if shown not in words:
            raise Http404
        page = page_of(request, compared[shown])
        context = {
            "than": than,
            "groups": groups,
            "state": shown,
            "heading": words[shown],
            "page": page,
            "heads": line_heads(),
            "rows": paired_rows(list(page), self.lines_of(request, than) if shown == "different" else None),
        }
        return self.rendered(request, batch, "compare", **context)
