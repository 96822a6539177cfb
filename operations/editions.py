"""Editions: frozen copies of working copies, released and withdrawn.

``freeze`` makes an edition's content from a working copy, ``thaw`` restores a working copy from it;
``thaw(freeze(x))`` changes nothing. The content is plain JSON: amounts are decimal text, days ISO
text, labels one text a language. What only staff may see stands under ``private``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from .models import (
    Edition,
    FinancialFigure,
    KeyFigure,
    Narrative,
    Office,
    Operation,
    Pillar,
    PopulationFigure,
    PopulationType,
    PreviewLink,
    Region,
    SearchEntry,
    Section,
    SectionType,
    Step,
    WorkingCopy,
)

SHAPE = 1  # counts up when the shape of the content changes
LANGUAGES = [code for code, _name in settings.LANGUAGES]

Content = dict[str, Any]


def freeze(working_copy: Operation | Narrative) -> Content:
    """The content of an edition of this working copy, read with ``for_freezing`` in a few queries."""
    if isinstance(working_copy, Operation):
        return _freeze_operation(Operation.objects.for_freezing().get(pk=working_copy.pk))
    return _freeze_narrative(Narrative.objects.for_freezing().get(pk=working_copy.pk))


def frozen(working_copies: models.QuerySet) -> dict[int, Content]:
    """What ``freeze`` makes of each, by its key, in as many queries as for one."""
    make = _freeze_operation if working_copies.model is Operation else _freeze_narrative
    return {working_copy.pk: make(working_copy) for working_copy in working_copies.for_freezing()}


def _freeze_operation(operation: Operation) -> Content:
    offices = operation.offices.all()
    population = sorted(
        operation.population_figures.all(),
        key=lambda f: (f.year, f.type is not None, f.type.order if f.type else 0),
    )
    finance = sorted(
        operation.financial_figures.all(),
        key=lambda f: (f.year, f.measure, f.pillar is not None, f.pillar.order if f.pillar else 0, f.status),
    )
    return {
        "shape": SHAPE,
        "code": operation.code,
        "slug": operation.slug,
        "name": translations(operation, "name"),
        "kind": operation.kind,
        "countries": [country.code for country in operation.countries],
        "region": _label(operation.region),
        "latitude": _text(operation.latitude),
        "longitude": _text(operation.longitude),
        "zoom": operation.zoom,
        "first_year": operation.first_year,
        "last_year": operation.last_year,
        # Its name and address are read from its own released profile, never from its working copy.
        "predecessor": operation.predecessor and {"code": operation.predecessor.code},
        "notice": translations(operation, "notice"),
        "is_active": operation.is_active,
        "offices": [_freeze_office(office) for office in offices if office.is_public],
        "population_types": _labels(f.type for f in population),
        "population": [
            {
                "year": f.year,
                "type": f.type and f.type.code,
                "people": f.people,
                "missing_reason": f.missing_reason,
                "as_of": _text(f.as_of),
                "source": f.source,
            }
            for f in population
        ],
        "pillars": _labels(f.pillar for f in finance),
        "finance": [
            {
                "year": f.year,
                "measure": f.measure,
                "pillar": f.pillar and f.pillar.code,
                "amount_usd": _text(f.amount_usd),
                "missing_reason": f.missing_reason,
                "status": f.status,
                "as_of": _text(f.as_of),
                "source": f.source,
            }
            for f in finance
        ],
        "private": {"offices": [_freeze_office(office) for office in offices if not office.is_public]},
    }


def _freeze_office(office: Office) -> Content:
    return {
        "name": office.name,
        "kind": office.kind,
        "latitude": _text(office.latitude),
        "longitude": _text(office.longitude),
        "description": translations(office, "description"),
        "is_approximate": office.is_approximate,
    }


def _freeze_narrative(narrative: Narrative) -> Content:
    figures = list(narrative.key_figures.all())
    return {
        "shape": SHAPE,
        "operation": {"code": narrative.operation.code, "slug": narrative.operation.slug},
        "year": narrative.year,
        "kind": narrative.kind,
        "language": narrative.language,
        "translated_from": narrative.translated_from_id,
        "sections": [
            {
                "type": section.type.code,
                "heading": translations(section.type, "heading"),
                "body": section.body,
            }
            for section in narrative.sections.all()
        ],
        "key_figures": [
            {
                "value": f.value,
                "number": _text(f.number.normalize()),
                "text": f.text,
                "source": f.source,
                # Editions that are older than measures have none, and are still equal to their text.
                **({"measure": f.measure} if f.measure else {}),
            }
            for f in figures
        ],
        "private": {"editor_notes": [f.editor_note for f in figures]},
    }


def thaw(content: Content, working_copy: Operation | Narrative) -> None:
    """Give ``working_copy`` back what ``content`` holds, its offices, figures or sections included."""
    with transaction.atomic():
        if isinstance(working_copy, Operation):
            _thaw_operation(content, working_copy)
        else:
            _thaw_narrative(content, working_copy)


def _thaw_operation(content: Content, operation: Operation) -> None:
    for name in ("kind", "zoom", "first_year", "last_year", "is_active"):
        setattr(operation, name, content[name])
    operation.latitude, operation.longitude = _decimal(content["latitude"]), _decimal(content["longitude"])
    operation.countries = ",".join(content["countries"])
    operation.region = known(Region, content["region"] and content["region"]["code"])
    operation.predecessor = known(Operation, content["predecessor"] and content["predecessor"]["code"])
    _set_translations(operation, "name", content["name"])
    _set_translations(operation, "notice", content["notice"])
    operation.save()

    operation.offices.all().delete()
    for is_public, offices in ((True, content["offices"]), (False, content["private"]["offices"])):
        for frozen in offices:
            office = Office(operation=operation, is_public=is_public, is_approximate=frozen["is_approximate"])
            office.name, office.kind = frozen["name"], frozen["kind"]
            office.latitude, office.longitude = _decimal(frozen["latitude"]), _decimal(frozen["longitude"])
            _set_translations(office, "description", frozen["description"])
            office.save()

    types = {code: known(PopulationType, code) for code in {f["type"] for f in content["population"]}}
    operation.population_figures.all().delete()
    PopulationFigure.objects.bulk_create(
        PopulationFigure(
            operation=operation,
            **_without(f, "type", "as_of"),
            type=types[f["type"]],
            as_of=_day(f["as_of"]),
        )
        for f in content["population"]
    )
    pillars = {code: known(Pillar, code) for code in {f["pillar"] for f in content["finance"]}}
    operation.financial_figures.all().delete()
    FinancialFigure.objects.bulk_create(
        FinancialFigure(
            operation=operation,
            **_without(f, "pillar", "as_of", "amount_usd"),
            pillar=pillars[f["pillar"]],
            as_of=_day(f["as_of"]),
            amount_usd=_decimal(f["amount_usd"]),
        )
        for f in content["finance"]
    )


def _thaw_narrative(content: Content, narrative: Narrative) -> None:
    types = {code: known(SectionType, code) for code in {s["type"] for s in content["sections"]}}
    narrative.sections.all().delete()
    narrative.key_figures.all().delete()
    for frozen in content["sections"]:
        Section.objects.create(narrative=narrative, type=types[frozen["type"]], body=frozen["body"])
    narrative.translated_from_id = content["translated_from"]
    notes = content["private"]["editor_notes"]
    for order, (frozen, note) in enumerate(zip(content["key_figures"], notes, strict=True), 1):
        KeyFigure.objects.create(
            narrative=narrative, order=order, **_without(frozen, "number"), editor_note=note
        )
    narrative.save()


def known(model: type[models.Model], code: str | None) -> Any:
    """The row of ``code``, or ``None`` for none; a row that is gone is an error and never “none”."""
    if code is None:
        return None
    try:
        return model.objects.get(code=code)
    except model.DoesNotExist:
        raise ValidationError(
            _("The %(what)s “%(code)s” no longer exists. Make it again, then restore.")
            % {"what": model._meta.verbose_name, "code": code}
        ) from None


def record(working_copy: Operation | Narrative, user: Any) -> Edition:
    """An edition of the working copy as it stands: the newest one if nothing changed since."""
    with transaction.atomic():
        operation = working_copy if isinstance(working_copy, Operation) else working_copy.operation
        lock(working_copy)  # a later number never holds an older state
        content = freeze(working_copy)
        newest = Edition.objects.of(working_copy).first()
        if newest and newest.content == content and newest.withdrawn_at is None:
            return newest
        is_profile = isinstance(working_copy, Operation)
        return Edition.objects.create(
            operation=operation,
            kind=Edition.Kind.PROFILE if is_profile else working_copy.kind,
            year=None if is_profile else working_copy.year,
            language="en" if is_profile else working_copy.language,
            number=newest.number + 1 if newest else 1,
            content=content,
            made_by=user,
        )


def release(
    working_copy: Operation | Narrative,
    user: Any,
    at: dt.datetime | None = None,
    *,
    note: str = "",
    is_correction: bool = False,
) -> Edition:
    """Record the working copy and make it public from ``at`` (default: now).

    An edition whose time has come keeps it; one that waits for a later time gets the new one. What else
    of the text waits for its time is taken back: the newest text is the one to come.
    """
    with transaction.atomic():
        edition = record(working_copy, user)
        now = timezone.now()
        if edition.released_at is not None and edition.released_at <= now:
            return edition
        unschedule(working_copy, user, but=edition)
        edition.released_at, edition.released_by = at or now, user
        edition.note, edition.is_correction = note, is_correction
        edition.save()
        SearchEntry.objects.keep([edition])
        Step.objects.create(
            edition=edition,
            kind=Step.Kind.SCHEDULED if edition.released_at > now else Step.Kind.RELEASED,
            text=note,
            by=user,
        )
        set_review(working_copy, WorkingCopy.Review.DRAFT)
    return edition


def unschedule(working_copy: Operation | Narrative, user: Any, but: Edition | None = None) -> list[Edition]:
    """Take back the times that editions of this text wait for; none of them is public then."""
    with transaction.atomic():
        waiting = Edition.objects.of(working_copy).scheduled().exclude(pk=but and but.pk)
        editions = list(waiting.defer("content"))
        for edition in editions:
            edition.released_at = edition.released_by = None
            edition.note, edition.is_correction = "", False
            edition.save()
            Step.objects.create(edition=edition, kind=Step.Kind.UNSCHEDULED, by=user)
    return editions


def withdraw(
    working_copy: Operation | Narrative,
    user: Any,
    *,
    reason: str = Edition.WithdrawalReason.IN_ERROR,
    notice: str = "",
    replaced_by: str = "",
) -> Edition | None:
    """Take the text back from readers: every edition of it, those to come included.

    No older edition takes its place, none stays to be cited, and no link shows a draft of it any longer. The edition that was public, or
    ``None`` if none was: then nothing changes.
    """
    with transaction.atomic():
        lock(working_copy)
        public = Edition.objects.of(working_copy).released().first()
        if public is None:
            return None
        unschedule(working_copy, user)
        PreviewLink.objects.of(working_copy).open().update(revoked_at=timezone.now(), revoked_by=user)
        Edition.objects.of(working_copy).filter(released_at__isnull=False, withdrawn_at__isnull=True).update(
            withdrawn_at=timezone.now(),
            withdrawn_by=user,
            withdrawal_reason=reason,
            withdrawal_notice=notice,
            replaced_by=replaced_by,
        )
        Step.objects.create(edition=public, kind=Step.Kind.WITHDRAWN, text=notice, by=user)
        public.refresh_from_db()
    return public


def restore(edition: Edition, working_copy: Operation | Narrative, user: Any) -> Edition:
    """Make this edition's content the draft again, its offices, figures or sections included.

    ValidationError where reference data that it needs are gone: then nothing changes.
    """
    with transaction.atomic():
        lock(working_copy)
        thaw(edition.content, working_copy)
        restored = record(working_copy, user)
        Step.objects.create(
            edition=restored, kind=Step.Kind.RESTORED, text=_("Edition %s") % edition.number, by=user
        )
    return restored


def send_for_review(working_copy: Operation | Narrative, user: Any, comment: str = "") -> None:
    _step(working_copy, user, Step.Kind.SENT, WorkingCopy.Review.IN_REVIEW, comment)


def request_changes(working_copy: Operation | Narrative, user: Any, comment: str) -> None:
    """Give a draft that is in review back to its editors."""
    _step(working_copy, user, Step.Kind.CHANGES_REQUESTED, WorkingCopy.Review.CHANGES_REQUESTED, comment)


def take_back(working_copy: Operation | Narrative, user: Any, comment: str = "") -> None:
    """Make a draft that was sent for review a draft again."""
    _step(working_copy, user, Step.Kind.TAKEN_BACK, WorkingCopy.Review.DRAFT, comment)


def _step(working_copy: Operation | Narrative, user: Any, kind: str, review: str, comment: str) -> None:
    with transaction.atomic():
        # Who reviews a draft does not become the maker of an edition, though a heading was renamed meanwhile.
        newest = None if kind == Step.Kind.SENT else Edition.objects.of(working_copy).first()
        edition = newest or record(working_copy, user)
        Step.objects.create(edition=edition, kind=kind, text=comment, by=user)
        set_review(working_copy, review)


def set_review(working_copy: Operation | Narrative, review: str) -> None:
    working_copy.review = review
    type(working_copy).objects.filter(pk=working_copy.pk).update(review=review)


def refused_to_author(edition: Edition | None, user: Any) -> bool:
    """Four eyes, where the site is so set: who made the last change cannot release it."""
    return bool(settings.FOUR_EYES and edition and user and edition.made_by_id == user.pk)


def lock(working_copy: Operation | Narrative) -> None:
    """One transaction at a time for each operation and its texts; others wait for its end."""
    is_profile = isinstance(working_copy, Operation)
    Operation.objects.lock(pk=working_copy.pk if is_profile else working_copy.operation_id)


def translations(instance: models.Model, field: str) -> dict[str, str]:
    """The texts of a translated field by language, without the empty ones."""
    texts = {code: getattr(instance, f"{field}_{code}") for code in LANGUAGES}
    return {code: text for code, text in texts.items() if text}


def _set_translations(instance: models.Model, field: str, texts: dict[str, str]) -> None:
    for code in LANGUAGES:
        setattr(instance, f"{field}_{code}", texts.get(code, ""))


def _label(instance: Region | PopulationType | Pillar | None) -> Content | None:
    return instance and {
        "code": instance.code,
        "order": instance.order,
        "name": translations(instance, "name"),
    }


def _labels(instances: Iterable[PopulationType | Pillar | None]) -> list[Content]:
    distinct = {instance.code: instance for instance in instances if instance is not None}
    return [_label(instance) for instance in sorted(distinct.values(), key=lambda i: (i.order, i.code))]


def _without(mapping: Content, *keys: str) -> Content:
    return {key: value for key, value in mapping.items() if key not in keys}


def _text(value: Any) -> str | None:
    return None if value is None else f"{value:f}" if isinstance(value, Decimal) else value.isoformat()


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _day(text: str | None) -> dt.date | None:
    return None if text is None else dt.date.fromisoformat(text)
