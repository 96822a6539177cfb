"""The forms of the pages that release and withdraw."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .addresses import Addresses, own_hosts
from .cells import clean_lines
from .checks import Finding
from .drafts import FEW_LETTERS
from .models import Edition
from .moment_field import MomentField


class LinesField(forms.CharField):
    """Plain text of one or several lines."""

    def __init__(self, *, rows: int = 2, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": rows}), max_length=2000, **kwargs)

    def to_python(self, value: Any) -> str:
        try:
            return clean_lines(super().to_python(value))
        except ValueError as error:
            raise ValidationError(str(error)) from None


def says_something(text: str) -> bool:
    return sum(character.isalpha() for character in text) >= FEW_LETTERS


class ReleaseForm(forms.Form):
    """What a reviewer says about a release: the reasons of warnings, a note to readers, and when.

    ``seen`` names what the page showed, see ``releases.Candidate``. An edition that ``waits`` for its time has
    three buttons of its own in place of the choice between now and later.
    """

    NOW, LATER = "now", "later"

    seen = forms.CharField(widget=forms.HiddenInput)
    note = LinesField(
        label=gettext_lazy("Note to readers"),
        required=False,
        rows=3,
        help_text=gettext_lazy(
            "Shown in the history of the page. A sentence or two: what is new, or what was wrong and is now right."
        ),
    )
    is_correction = forms.BooleanField(
        label=gettext_lazy("This corrects an error in what readers see now"),
        required=False,
        help_text=gettext_lazy("The history marks it as a correction; the note then says what was wrong."),
    )
    when = forms.ChoiceField(
        label=gettext_lazy("When"),
        choices=[(NOW, gettext_lazy("Now")), (LATER, gettext_lazy("At a time"))],
        widget=forms.RadioSelect,
        initial=NOW,
    )
    at = MomentField(label=gettext_lazy("Time of release"), required=False)

    def __init__(
        self,
        *args: Any,
        open_warnings: Iterable[Finding] = (),
        may_correct: bool,
        is_back: bool = False,
        waits: Edition | None,
        zone: str,
        **kwargs: Any,
    ) -> None:
        """``is_back``: readers see the notice of a withdrawal, which the release ends."""
        super().__init__(*args, **kwargs)
        self.waits, self.is_back = waits, is_back
        self.warnings = {reason_name(finding): finding for finding in open_warnings}
        for number, name in enumerate(self.warnings, 1):
            self.fields[name] = LinesField(
                label=_("Why it is right as it stands"),
                error_messages={"required": _("Say in a few words why this is right as it stands.")},
            )
            self.fields[name].widget.attrs["aria-describedby"] = f"warning-{number}"
        if not may_correct:
            del self.fields["is_correction"]
        elif is_back:
            self.fields["is_correction"].label = _("This corrects an error in what was withdrawn")
            self.fields["note"].help_text = _(
                "Needed here, and shown in the history of the page: why it is back, and what is now right."
            )
        self.fields["at"].zone = zone
        if waits:
            del self.fields["when"]
            self.initial |= {
                "at": waits.released_at,
                "note": waits.note,
                "is_correction": waits.is_correction,
            }

    @property
    def reasons(self) -> list[tuple[Finding, forms.BoundField]]:
        return [(finding, self[name]) for name, finding in self.warnings.items()]

    @property
    def is_for_later(self) -> bool:
        if self.waits:
            return "_now" not in self.data
        return self.cleaned_data.get("when") == self.LATER

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for name in self.warnings:
            if cleaned.get(name) and not says_something(cleaned[name]):
                self.add_error(name, self.fields[name].error_messages["required"])
        is_explained = "note" in self.errors or says_something(cleaned.get("note", ""))
        if cleaned.get("is_correction") and not is_explained:
            self.add_error("note", _("Tell readers what was wrong and is now right."))
        elif self.is_back and not is_explained:
            self.add_error("note", _("Tell readers why it is back: what they saw was withdrawn."))
        if not self.is_for_later and self.waits:
            self.errors.pop("at", None)  # its time stands in the form, and does not count
        elif "at" not in self.errors and "when" not in self.errors:
            self.clean_time(cleaned)
        return cleaned

    def clean_time(self, cleaned: dict[str, Any]) -> None:
        at = cleaned.get("at")
        if not self.is_for_later:
            if at:
                said = _(
                    "A day and a time are written, but “Now” is chosen. Choose “At a time”, or empty them."
                )
                self.add_error("at", said)
        elif at is None:
            self.add_error("at", _("Write the day and the time."))
        elif at <= timezone.now():
            self.add_error("at", _("This time has passed. Write a later one, or release it now."))


def reason_name(finding: Finding) -> str:
    """The name of the field for the reason: the same as long as the same facts stand."""
    return "reason-" + finding.key.replace(":", "-")


class WithdrawForm(forms.Form):
    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)
    reason = forms.ChoiceField(
        label=gettext_lazy("Why"),
        choices=[(value, capfirst(label)) for value, label in Edition.WithdrawalReason.choices],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose why it is withdrawn.")},
    )
    replaced_by = forms.CharField(
        label=gettext_lazy("Address of the page that replaces it"),
        required=False,
        max_length=2000,
        help_text=gettext_lazy(
            "A page of this site, such as /operations/peru/2021/. Only where another page replaces it."
        ),
    )
    notice = LinesField(
        label=gettext_lazy("Notice to readers"),
        rows=3,
        help_text=gettext_lazy(
            "Shown in place of the page to everyone who comes to its address. A plain sentence or two: what was wrong, "
            "and where to look instead."
        ),
        error_messages={"required": gettext_lazy("Tell readers why the page is gone.")},
    )
    with_translations = forms.BooleanField(required=False, initial=True)

    def __init__(
        self, *args: Any, public: Edition | None, path: str, translations: str, **kwargs: Any
    ) -> None:
        """``path``: that of the page that is withdrawn; ``translations``: the languages of the released ones."""
        super().__init__(*args, **kwargs)
        self.public, self.path = public, path
        self.fields["seen"].initial = public and public.number
        if translations:
            self.fields["with_translations"].label = _("Withdraw its translations too (%s)") % translations
        else:
            del self.fields["with_translations"]

    def clean_notice(self) -> str:
        if not says_something(notice := self.cleaned_data["notice"]):
            raise ValidationError(
                _("This says too little. Write a sentence: what was wrong, and where to look instead.")
            )
        return notice

    def clean_replaced_by(self) -> str:
        return public_path(address, self.path) if (address := self.cleaned_data["replaced_by"]) else ""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.public and cleaned.get("seen") not in (None, self.public.number):
            self.data = self.data.copy()
            self.data["seen"] = str(self.public.number)
            self.add_error(
                None,
                _("Readers see edition %s since this page was opened. Withdraw that one too?")
                % self.public.number,
            )
        is_replaced = cleaned.get("reason") == Edition.WithdrawalReason.REPLACED
        if "replaced_by" in self.errors or "reason" in self.errors:
            return cleaned
        if is_replaced and not cleaned["replaced_by"]:
            self.add_error("replaced_by", _("Write the address of the page that replaces it."))
        elif cleaned["replaced_by"] and not is_replaced:
            said = _(
                "An address is written, but another reason is chosen. Choose “Replaced by another page”, or empty it."
            )
            self.add_error("replaced_by", said)
        return cleaned


def public_path(address: str, own: str) -> str:
    """The path of a page of this site that readers can open, and that is not ``own``; ValidationError else."""
    try:
        parts = urlsplit(address)
        is_here = not parts.netloc or (parts.hostname or "") in own_hosts()
    except ValueError:
        is_here = False
    if not is_here or not parts.path.startswith("/") or not Addresses()(parts.path):
        raise ValidationError(
            _("Readers find no page of this site at “%s”. Open the page and copy its address.")
            % address[:200]
        )
    if parts.path.strip("/") == own.strip("/"):
        raise ValidationError(
            _("This is the address of the page that is withdrawn. Write that of another one.")
        )
    if len(parts.path) > Edition._meta.get_field("replaced_by").max_length:
        raise ValidationError(_("This address is too long."))
    return parts.path
