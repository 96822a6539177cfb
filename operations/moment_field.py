"""The form field of a day and time on the clocks of a place: a time that they skip or repeat is asked about."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import BaseRenderer
from django.template.loader import get_template
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .cells import clean_date, collapsed, shortened
from .moments import (
    INSTANT,
    around_gap,
    clock_change,
    clock_time,
    instants,
    offset_words,
    printed_day,
    zone_label,
    zone_named,
    zones,
)

REGIONS = {
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
}  # fmt: skip


def clean_time(cell: object) -> dt.time | None:
    """A time as 09:00, 9:00 or 09:00:30; ``None`` where nothing is written."""
    text = collapsed("" if cell is None else str(cell))
    if not text:
        return None
    if match := re.fullmatch(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?", text):
        hour, minute, second = (int(part or 0) for part in match.groups())
        if hour < 24 and minute < 60 and second < 60:
            return dt.time(hour, minute, second)
    raise ValueError(_("“%(text)s” is not a time. Write it as 09:00 or 17:30.") % {"text": shortened(text)})


def _skipped(day: dt.date, time: dt.time, zone: str) -> str:
    """02:30 on 29 March 2026 does not exist in Europe/Zurich: the clock goes from … to …. Write … or …."""
    offered = around_gap(day, time, zone)
    before, after = _turn(*offered, zone)
    earlier, later = (moment.astimezone(zone_named(zone)) for moment in offered)
    return _(
        "%(time)s on %(day)s does not exist in %(zone)s: the clock goes from %(before)s to %(after)s. "
        "Write %(earlier)s or %(later)s."
    ) % {
        "time": clock_time(time),
        "day": printed_day(day),
        "zone": zone,
        "before": _on(before, day, after),
        "after": _on(after, day, before),
        "earlier": _on(earlier, day, later),
        "later": _on(later, day, earlier),
    }


def _repeated(day: dt.date, time: dt.time, zone: str, found: list[dt.datetime]) -> str:
    before, after = _turn(found[0], found[-1], zone)
    return _(
        "%(time)s on %(day)s comes twice in %(zone)s: the clock goes back from %(before)s to %(after)s. "
        "Choose which of the two you mean."
    ) % {
        "time": clock_time(time),
        "day": printed_day(day),
        "zone": zone,
        "before": _on(before, day, after),
        "after": _on(after, day, before),
    }


def _turn(earlier: dt.datetime, later: dt.datetime, zone: str) -> tuple[dt.datetime, dt.datetime]:
    """What the clock on the wall shows at its change between two instants: by the old offset, by the new."""
    place = zone_named(zone)
    change = clock_change(earlier, later, place)
    old = (change - INSTANT).astimezone(place).replace(tzinfo=None) + INSTANT
    return old, change.astimezone(place).replace(tzinfo=None)


def _on(wall: dt.datetime, day: dt.date, other: dt.datetime) -> str:
    """A time alone, and with its day where it or its counterpart is not on the day that was asked for."""
    if wall.date() == other.date() == day:
        return clock_time(wall.time())
    return _("%(time)s on %(day)s") % {"time": clock_time(wall.time()), "day": printed_day(wall)}


def _answers(found: list[dt.datetime], time: dt.time, zone: str) -> list[tuple[str, str]]:
    """The two instants of a repeated time, as the values and labels of a choice."""
    labels = [_("the first %(time)s, %(zone)s"), _("the second %(time)s, %(zone)s")]
    return [
        (
            moment.isoformat(),
            label
            % {
                "time": clock_time(time),
                "zone": ", ".join(dict.fromkeys([zone_label(local), offset_words(local)])),
            },
        )
        for moment, label in zip(found, labels, strict=True)
        for local in [moment.astimezone(zone_named(zone))]
    ]


class PickedInput(forms.TextInput):
    """A date or time input; one for text where what was typed is none, which a browser would not show."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        if shown := context["widget"]["value"]:
            try:
                picked = {"date": dt.date, "time": dt.time}[self.input_type].fromisoformat(shown).isoformat()
            except ValueError:
                picked = ""
            if shown not in {picked, picked[:5]}:
                context["widget"]["type"] = "text"
            elif self.input_type == "time" and shown != picked[:5]:
                context["widget"]["attrs"]["step"] = 1  # else the browser refuses a time with seconds
        return context


class DayInput(PickedInput):
    input_type = "date"


class TimeInput(PickedInput):
    input_type = "time"


class MomentWidget(forms.MultiWidget):
    """Day, time and time zone; and, where the clock shows the time twice, the question which of the two is meant.

    Its value is an instant, or what was typed: [day, time, zone, answer]. An answer is the instant itself in ISO
    8601, so that it cannot answer for another time.
    """

    template_name = "operations/widgets/moment.html"
    labels = [gettext_lazy("Day"), gettext_lazy("Time"), gettext_lazy("Time zone")]

    def __init__(self, zone: str = "", attrs: dict[str, Any] | None = None) -> None:
        self.zone = zone
        parts = {"day": DayInput(), "time": TimeInput(), "zone": forms.Select(), "which": forms.RadioSelect()}
        super().__init__(parts, attrs)

    def decompress(self, value: dt.datetime | None) -> list[str]:
        zone = self.zone or timezone.get_current_timezone_name()
        if value is None:
            return ["", "", zone, ""]
        local = value.astimezone(zone_named(zone))
        return [
            local.date().isoformat(),
            clock_time(local.time()),
            zone,
            value.astimezone(dt.UTC).replace(microsecond=0).isoformat(),
        ]

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        value = list(value) if isinstance(value, list | tuple) else self.decompress(value)
        # A form that was sent without its zone shows the one it began with.
        value[2] = value[2] or self.decompress(None)[2]
        attrs = {"id": f"id_{name}", **(attrs or {})}
        unread, asked = self._reading(*value[:3])
        if not attrs.pop("aria-invalid", None):
            unread = []
        _day_input, _time_input, zone, which = self.widgets
        zone.choices, which.choices = zone_choices(value[2]), asked
        context = super().get_context(name, value, attrs)
        for number in unread:
            context["widget"]["subwidgets"][number]["attrs"]["aria-invalid"] = "true"
        if asked:
            context["widget"]["question"] = _("Which %(time)s?") % {"time": collapsed(value[1])}
        return context

    def _reading(self, day: Any, time: Any, zone: str) -> tuple[list[int], list[tuple[str, str]]]:
        """Which parts are wrong, where something is; and the answers to ask for."""
        read: list[Any] = []
        unread = []
        for number, (clean, typed) in enumerate([(clean_date, day), (clean_time, time), (zone_named, zone)]):
            try:
                read.append(clean(typed))
            except ValueError:
                read.append(None)
            if read[-1] is None:
                unread.append(number)
        if unread:
            return unread, []
        found = instants(read[0], read[1], zone)
        if len(found) == 2:
            return [], _answers(found, read[1], zone)
        return [0, 1, 2], []

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: BaseRenderer | None = None
    ) -> SafeString:
        """By a template of the site: those of Django's forms are looked for in Django and in applications only."""
        context = self.get_context(name, value, attrs)
        widget = context["widget"]
        html = [
            self._render(part["template_name"], {"widget": part}, renderer) for part in widget["subwidgets"]
        ]
        widget["parts"] = [
            {"name": key, "label": label, "id": part["attrs"]["id"], "html": shown}
            for key, label, part, shown in zip(
                ("day", "time", "zone"), self.labels, widget["subwidgets"], html, strict=False
            )
        ]
        widget["answers"] = html[3]
        return get_template(self.template_name).render(context)


def zone_choices(shown: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """The zones that are named after places, by region; and first UTC with whatever else the form shows."""
    groups = _places()
    listed = {name for _region, names in groups for name, _label in names}
    first = [(name, name) for name in dict.fromkeys(["UTC", shown]) if name not in listed]
    return [("UTC", first), *groups]


@lru_cache
def _places() -> list[tuple[str, list[tuple[str, str]]]]:
    names = sorted(name for name in zones() if name.partition("/")[0] in REGIONS and "/" in name)
    return [
        (region, [(name, name) for name in names if name.startswith(f"{region}/")])
        for region in sorted(REGIONS)
    ]


class PartField(forms.Field):
    """A part of what was typed, read by a function that says in a sentence what is wrong."""

    def __init__(self, clean: Any, *, missing: Any) -> None:
        super().__init__(error_messages={"required": missing, "incomplete": missing})
        self.read = clean

    def to_python(self, value: Any) -> Any:
        try:
            return self.read(value)
        except ValueError as error:
            raise ValidationError(str(error), code="invalid") from None


class MomentField(forms.MultiValueField):
    """An instant in UTC, entered as day, time and time zone.

    ``zone`` is the one that the form begins with: the current one where it is not given; set ``field.zone`` to that
    of the person who is asked. A time that the clock skips is refused with the two around it; of one that it
    repeats the widget asks which is meant.
    """

    widget = MomentWidget
    default_error_messages = {"required": gettext_lazy("Write the day and the time.")}

    def __init__(self, *, zone: str = "", **kwargs: Any) -> None:
        fields = (
            PartField(clean_date, missing=gettext_lazy("Write the day.")),
            PartField(clean_time, missing=gettext_lazy("Write the time.")),
            PartField(_known_zone, missing=gettext_lazy("Choose the time zone.")),
            forms.Field(required=False),
        )
        super().__init__(fields, require_all_fields=False, **kwargs)
        if zone:
            self.zone = zone

    @property
    def zone(self) -> str:
        return self.widget.zone

    @zone.setter
    def zone(self, name: str) -> None:
        self.widget.zone = name

    def clean(self, value: Any) -> dt.datetime | None:
        # The zone is always chosen; who writes neither day nor time enters nothing.
        return super().clean([] if self._is_blank(value) else value)

    def compress(self, data_list: list[Any]) -> dt.datetime | None:
        if not data_list:
            return None
        day, time, zone, answer = data_list
        found = instants(day, time, zone)
        if not found:
            raise ValidationError(_skipped(day, time, zone), code="skipped")
        if len(found) > 1:
            found = [moment for moment in found if moment.isoformat() == answer] or found
        if len(found) > 1:
            raise ValidationError(_repeated(day, time, zone, found), code="repeated")
        return found[0]

    def has_changed(self, initial: dt.datetime | None, data: Any) -> bool:
        """Whether it is another instant: the same one in another zone is no change."""
        if self.disabled:
            return False
        if self._is_blank(data):
            return initial is not None
        try:
            return self.clean(data) != (initial and initial.replace(microsecond=0))
        except ValidationError:
            return True

    @staticmethod
    def _is_blank(value: Any) -> bool:
        if isinstance(value, list | tuple):
            return not any(collapsed(str(part)) for part in value[:2] if part is not None)
        return not value


def _known_zone(name: str) -> str:
    return zone_named(name).key
