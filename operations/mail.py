"""E-mail about the review of a draft to those whom it concerns; only where ``REMINDERS`` is on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from .models import Edition, Narrative, Operation, Region, Role, Step
from .reviews import CHANGE, RELEASE


def who_may_release(working_copy: Operation | Narrative) -> QuerySet:
    """The staff whose roles let them release this text. (Administrators may, too; it is not their task.)"""
    operation = working_copy if isinstance(working_copy, Operation) else working_copy.operation
    regions, region = [], operation.region
    while region is not None and len(regions) < Region.LEVELS:
        regions.append(region)
        region = region.parent
    roles = Role.objects.giving_all(OuterRef("pk"), RELEASE, CHANGE[type(working_copy)])
    reaching = roles.reaching(operation, regions)
    return get_user_model().objects.filter(Exists(reaching), is_active=True, is_staff=True)


def tell_reviewers(working_copy: Operation | Narrative, step: Step, path: str) -> None:
    """A draft was sent for review."""
    if not settings.REMINDERS:
        return
    reviewers = who_may_release(working_copy)
    if settings.FOUR_EYES and step.edition.made_by_id:
        reviewers = reviewers.exclude(pk=step.edition.made_by_id)
    with translation.override(settings.LANGUAGE_CODE):
        subject = _("For your review: %(text)s") % {"text": working_copy}
        first = _("%(who)s sent “%(text)s” for review.") % {"who": step.by, "text": working_copy}
        _send(reviewers, subject, first, step, path)


def tell_editors(working_copy: Operation | Narrative, step: Step, path: str) -> None:
    """Changes were requested: to who made the newest edition and who sent it for review."""
    if not settings.REMINDERS:
        return
    newest = Edition.objects.of(working_copy).values_list("made_by", flat=True).first()
    sent = Step.objects.of(working_copy).filter(kind=Step.Kind.SENT).values_list("by", flat=True).last()
    editors = get_user_model().objects.filter(pk__in={newest, sent} - {None}, is_active=True)
    with translation.override(settings.LANGUAGE_CODE):
        subject = _("Changes requested: %(text)s") % {"text": working_copy}
        first = _("%(who)s asks for changes of “%(text)s”.") % {"who": step.by, "text": working_copy}
        _send(editors, subject, first, step, path)


def _send(users: Iterable[Any], subject: str, first: str, step: Step, path: str) -> None:
    body = "\n\n".join(filter(None, [first, step.text, f"{settings.SITE_URL}{path}"]))
    for user in users:
        if user.email and user.pk != step.by_id:
            _on_commit(subject, body, user.email)


def _on_commit(subject: str, body: str, address: str) -> None:
    def send() -> None:
        send_mail(subject, body, None, [address])

    transaction.on_commit(send, robust=True)  # a mail server that does not answer undoes nothing
