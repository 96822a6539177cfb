"""Drafts as the checks see them, what is found in them, and the answers to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from . import editions
from .addresses import Addresses, own_hosts
from .checks import Draft, Finding, Level, findings
from .models import Answer, Edition, Narrative, Operation, SectionType
from .translating import sources_of, sources_read

WorkingCopy = Operation | Narrative
Text = tuple[int, str, int | None, str]  # operation, kind, year, language

FEW_LETTERS = 3  # of a reason that says something


@dataclass(frozen=True)
class Checked:
    """What was found in a draft. Errors and open warnings hold back its release."""

    errors: list[Finding] = field(default_factory=list)
    open: list[Finding] = field(default_factory=list)  # warnings without an answer
    answered: list[tuple[Finding, Answer]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)  # headings of the sections that a release still needs

    @property
    def warnings(self) -> list[Finding]:
        return [*self.open, *(finding for finding, _answer in self.answered)]


def checked(working_copy: WorkingCopy) -> Checked:
    """What the checks find in the working copy as it was last saved, with the answers to it.

    As many queries for every text; and a few more for each operation that the text links to.
    """
    return checked_many([working_copy])[0]


def checked_many(working_copies: Iterable[WorkingCopy]) -> list[Checked]:
    """The same for each of them, in their order, in as many queries as for one."""
    working_copies = list(working_copies)
    drafts = drafts_of(working_copies)
    found = [findings(draft) for draft in drafts]
    keys = {finding.key for each in found for finding in each if finding.level is Level.WARNING}
    answers = _answers(working_copies, keys)
    result = []
    for working_copy, draft, each in zip(working_copies, drafts, found, strict=True):
        given = answers[text_of(working_copy)]
        warnings = [finding for finding in each if finding.level is Level.WARNING]
        result.append(
            Checked(
                errors=[finding for finding in each if finding.level is Level.ERROR],
                open=[finding for finding in warnings if finding.key not in given],
                answered=[(finding, given[finding.key]) for finding in warnings if finding.key in given],
                missing=[
                    draft.heading(f.where)
                    for f in each
                    if f.check == "required-section" and f.level is Level.ERROR
                ],
            )
        )
    return result


def blocks(checked: Checked) -> str:
    """Why it cannot be released, in a sentence; empty where it can."""
    if not (checked.errors or checked.open):
        return ""
    todo = []
    if missing := len(checked.missing):
        todo.append(ngettext("write %d section", "write %d sections", missing) % missing)
    if errors := len(checked.errors) - missing:
        todo.append(ngettext("correct %d error", "correct %d errors", errors) % errors)
    if warnings := len(checked.open):
        todo.append(ngettext("answer %d warning", "answer %d warnings", warnings) % warnings)
    return _("First %(todo)s: %(first)s") % {
        "todo": _("%(some)s and %(last)s") % {"some": ", ".join(todo[:-1]), "last": todo[-1]}
        if len(todo) > 1
        else todo[0],
        "first": [*checked.errors, *checked.open][0].message,
    }


# --- Answers ------------------------------------------------------------------------------------------


def answer(working_copy: WorkingCopy, finding_key: str, reason: str, user: Any) -> Answer:
    """Keep why a warning is right to be left; ValidationError where it is no warning of this text (any more)."""
    reason = reason.strip()
    if sum(character.isalpha() for character in reason) < FEW_LETTERS:
        raise ValidationError(_("Say in a few words why this is right as it stands."))
    return _answer(working_copy, finding_key, reason, user, "warnings")


def take_back_answer(working_copy: WorkingCopy, finding_key: str, user: Any) -> Answer:
    """Make an answered warning an open one again; what was answered is kept."""
    return _answer(working_copy, finding_key, "", user, "answered")


def _answer(working_copy: WorkingCopy, key: str, reason: str, user: Any, among: str) -> Answer:
    with transaction.atomic():
        editions.lock(working_copy)
        now = checked(working_copy)
        known = now.warnings if among == "warnings" else [finding for finding, _answer in now.answered]
        finding = next((finding for finding in known if finding.key == key), None)
        if finding is None:
            raise ValidationError(
                _(
                    "This warning no longer stands: the text or its answer has changed since. Look at it again."
                )
            )
        newest = Edition.objects.of(working_copy).defer("content").first()
        return Answer.objects.create(
            edition=newest or editions.record(working_copy, user),
            check_code=finding.check,
            key=finding.key,
            message=finding.message,
            reason=reason,
            by=user,
        )


def _answers(working_copies: list[WorkingCopy], keys: set[str]) -> dict[Text, dict[str, Answer]]:
    """The newest answer to each finding of each text; one that was taken back is none."""
    operations = {text_of(working_copy)[0] for working_copy in working_copies}
    given: dict[Text, dict[str, Answer]] = defaultdict(dict)
    rows = Answer.objects.filter(edition__operation__in=operations, key__in=keys)
    for row in rows.select_related("edition", "by").defer("edition__content").order_by("at", "pk"):
        if row.reason:
            given[text_of(row.edition)][row.key] = row
        else:
            given[text_of(row.edition)].pop(row.key, None)
    return given


# --- What the checks look at ----------------------------------------------------------------------------


def text_of(row: WorkingCopy | Edition) -> Text:
    """Which text it is the working copy, or an edition, of."""
    if isinstance(row, Operation):
        return row.pk, Edition.Kind.PROFILE.value, None, "en"
    return row.operation_id, str(row.kind), row.year, row.language


def drafts_of(working_copies: list[WorkingCopy]) -> list[Draft]:
    """What the checks look at, for each, in a number of queries that does not grow with theirs."""
    contents = _contents(working_copies)
    narratives = [each for each in working_copies if isinstance(each, Narrative)]
    texts = {text_of(working_copy) for working_copy in working_copies}
    beside = {_year_before(text) for text in texts} | {(text[0], "profile", None, "en") for text in texts}
    public = _by_text(Edition.objects.released(), texts)
    newest = _by_text(Edition.objects.filter(_is_newest()), beside) if narratives else {}
    earlier = _earlier([narrative for narrative in narratives if narrative.translated_from_id])
    sources = sources_of([*contents.values(), *(state for states in earlier.values() for state in states)])
    types = list(SectionType.objects.all()) if narratives else []
    headings = {type.code: type.heading for type in types}
    made_from = {key: edition.content for key, edition in sources.items()}
    hosts, addresses = own_hosts(), Addresses()

    drafts = []
    for working_copy in working_copies:
        text = text_of(working_copy)
        more: dict[str, Any] = {}
        if isinstance(working_copy, Narrative):
            source = sources.get(working_copy.translated_from_id)
            more = {
                "last_year": newest.get(_year_before(text)),
                "profile": newest.get((text[0], "profile", None, "en")),
                "source": source and source.content,
                "source_withdrawn_at": source and source.withdrawn_at,
                "sources_read": sources_read(contents[text], earlier[text], made_from) if source else {},
                "required": tuple(
                    type.code for type in types if type.is_required_in(working_copy.kind, working_copy.year)
                ),
                "headings": headings,
                "knows_address": partial(addresses, own=(contents[text]["operation"]["slug"], text[2])),
            }
        drafts.append(
            Draft(
                content=contents[text],
                public=public.get(text),
                hosts=hosts,
                is_to_come=addresses.is_to_come,
                **more,
            )
        )
    return drafts


def _earlier(translations: list[Narrative]) -> dict[Text, list[editions.Content]]:
    """What was saved of each, newest first; asked only where there is one."""
    states: dict[Text, list[editions.Content]] = defaultdict(list)
    texts = {text_of(translation) for translation in translations}
    operations, _kinds, years, languages = zip(*texts, strict=True) if texts else [()] * 4
    made = Edition.objects.filter(operation__in=operations, year__in=years, language__in=languages)
    for edition in made.order_by("-number"):
        if text_of(edition) in texts:
            states[text_of(edition)].append(edition.content)
    return states


def _contents(working_copies: list[WorkingCopy]) -> dict[Text, editions.Content]:
    contents = {}
    for model in (Operation, Narrative):
        keys = {each.pk: text_of(each) for each in working_copies if isinstance(each, model)}
        if keys:
            made = editions.frozen(model.objects.filter(pk__in=keys))
            contents |= {keys[pk]: content for pk, content in made.items()}
    return contents


def _year_before(text: Text) -> Text:
    operation, kind, year, language = text
    return operation, kind, year and year - 1, language


def _is_newest() -> Exists:
    same_text = Q(year=OuterRef("year")) | Q(kind=Edition.Kind.PROFILE)
    keys = {name: OuterRef(name) for name in ("operation", "kind", "language")}
    return ~Exists(Edition.objects.filter(same_text, **keys, number__gt=OuterRef("number")))


def _by_text(found: Any, texts: set[Text]) -> dict[Text, editions.Content]:
    """The contents of editions by their text, of these texts alone."""
    operations, kinds, years, languages = (set(values) for values in zip(*texts, strict=True))
    years_or_none = Q(year__in=years - {None}) | (Q(year__isnull=True) if None in years else Q())
    rows = found.filter(
        years_or_none, operation__in=operations, kind__in=kinds, language__in=languages
    ).order_by()
    return {text_of(row): row.content for row in rows if text_of(row) in texts}
