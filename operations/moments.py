"""Times on a clock on the wall, and the instants that they mean.

A time that somebody enters belongs to a time zone; what is stored is an instant in UTC. A change of the clock
skips some times on the wall and repeats others: those are asked about, never guessed.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.translation import get_language_bidi, pgettext
from django.utils.translation import gettext as _

from .cells import EARLIEST_DATE, shortened

INSTANT = dt.timedelta(microseconds=1)  # the smallest step of our clocks


# --- From the wall to the instant ------------------------------------------------------------------


@lru_cache
def zones() -> frozenset[str]:
    """Every name that is a time zone on this machine."""
    return frozenset(available_timezones())


def zone_named(name: str) -> ZoneInfo:
    """``ValueError`` where no zone has this name."""
    if name not in zones():
        raise ValueError(
            _("“%(zone)s” is not a time zone that we know. Write a name such as Europe/Zurich.")
            % {"zone": shortened(name)}
        )
    return ZoneInfo(name)


def instants(day: dt.date, time: dt.time, zone: str) -> list[dt.datetime]:
    """The instants, in UTC and in their order, at which a clock on the wall in this zone shows this day and time.

    Usually one; none where a change of the clock skips the time; two where it repeats it. ``ValueError`` for an
    unknown zone, and within a day of the first and last days that Python has.
    """
    place = zone_named(zone)
    wall = _wall(day, time)
    try:
        found = {wall.replace(tzinfo=place, fold=fold).astimezone(dt.UTC) for fold in (0, 1)}
        return sorted(moment for moment in found if moment.astimezone(place).replace(tzinfo=None) == wall)
    except OverflowError:
        raise ValueError(_("%(day)s is outside the calendar.") % {"day": day.isoformat()}) from None


def around_gap(day: dt.date, time: dt.time, zone: str) -> tuple[dt.datetime, dt.datetime]:
    """What to offer for a time that is skipped: the instants, in UTC, as far before and after as the clock jumps.

    02:30 on 2026-03-29 in Europe/Zurich gives the instants of 01:30 and of 03:30. ``ValueError`` for a time that
    is not skipped.
    """
    if instants(day, time, zone):
        raise ValueError(
            _("%(time)s on %(day)s is not skipped in %(zone)s.")
            % {"time": clock_time(time), "day": day.isoformat(), "zone": zone}
        )
    wall = _wall(day, time).replace(tzinfo=zone_named(zone))
    # Of a time that does not exist, fold=1 reads the offset that holds after the change, fold=0 the one before.
    return wall.replace(fold=1).astimezone(dt.UTC), wall.replace(fold=0).astimezone(dt.UTC)


def end_of_day(day: dt.date, zone: str) -> dt.datetime:
    """The last microsecond, in UTC, at which a clock on the wall in this zone shows this day.

    For a day that the zone skipped, the last microsecond before it.
    """
    place, morrow = zone_named(zone), day + dt.timedelta(days=1)
    midnights = instants(morrow, dt.time(), zone)
    if not midnights:
        midnights = [clock_change(*around_gap(morrow, dt.time(), zone), place)]
    # Some zones went back over midnight, so that a day ended twice; others repeated the hour after it.
    last = [moment for moment in midnights if (moment - INSTANT).astimezone(place).date() == day]
    return (last or midnights)[-1] - INSTANT


def _wall(day: dt.date, time: dt.time) -> dt.datetime:
    return dt.datetime.combine(day, time.replace(tzinfo=None, fold=0))


def clock_change(earlier: dt.datetime, later: dt.datetime, place: ZoneInfo) -> dt.datetime:
    """The second, in UTC, from which ``later``'s offset holds."""
    offset = later.astimezone(place).utcoffset()
    earlier, later = earlier.replace(microsecond=0), later.replace(microsecond=0)
    while (seconds := int((later - earlier).total_seconds())) > 1:
        middle = earlier + dt.timedelta(seconds=seconds // 2)
        if middle.astimezone(place).utcoffset() == offset:
            later = middle
        else:
            earlier = middle
    return later


# --- From the instant to words ---------------------------------------------------------------------


def with_zone(moment: dt.datetime, zone: str) -> str:
    """25 November 2026, 09:00 CET (08:00 UTC): in the reader's language, the day in UTC where it is another."""
    if timezone.is_naive(moment):
        raise ValueError("A moment without a zone could be any of a day.")
    local, utc = moment.astimezone(zone_named(zone)), moment.astimezone(dt.UTC)
    name = zone_label(local)
    shown = _day_and_time(local, f"{_time(local)} {name}")
    if name == "UTC":
        return shown
    universal = f"{_time(utc)} UTC"
    if utc.date() == local.date():
        return f"{shown} ({_isolated(universal)})"
    return f"{shown} ({_day_and_time(utc, universal)})"


def _day_and_time(moment: dt.datetime, time: str) -> str:
    return _("%(day)s, %(time)s") % {"day": printed_day(moment), "time": _isolated(time)}


def printed_day(day: dt.date) -> str:
    return str(date_format(day, pgettext("format of a day", "j F Y")))


def _time(moment: dt.datetime) -> str:
    return str(time_format(moment.time(), "TIME_FORMAT"))


def clock_time(time: dt.time) -> str:
    """As it is to be written, which is the same in every language."""
    return time.isoformat("seconds" if time.second else "minutes")


def _isolated(text: str) -> str:
    """Letters and digits from the left stay together in a sentence that reads from the right."""
    return f"\u2068{text}\u2069" if get_language_bidi() else text


def zone_label(local: dt.datetime) -> str:
    """CET; UTC+3 where the zone has no letters for itself, only “+03”."""
    name = local.tzname() or ""
    if name[:1] not in {"+", "-"}:
        return name
    return offset_words(local) if local.utcoffset() else "UTC"


def offset_words(local: dt.datetime) -> str:
    """UTC+5:30."""
    offset = local.utcoffset() or dt.timedelta()
    minutes, seconds = divmod(int(abs(offset).total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    shown = f"UTC{'−' if offset < dt.timedelta() else '+'}{hours}"
    if minutes or seconds:
        shown += f":{minutes:02}"
    return f"{shown}:{seconds:02}" if seconds else shown


# --- What an address asks for ----------------------------------------------------------------------

AS_OF = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?(?:(Z)|([+ -])([0-9]{2}):([0-9]{2}))?)?"
)


def as_of(text: str, now: dt.datetime, zone: str) -> dt.datetime:
    """The instant, never later than ``now``, that ``?as_of=`` asks for; ``zone`` is that of the site.

    - 2021-11-25: the last microsecond of that day in ``zone``;
    - 2021-11-25T09:00Z, 2021-11-25T09:00:00+01:00: that instant, to six decimals of a second. A blank before the
      offset is the plus sign of an address that was written unescaped;
    - 2021-11-25T09:00: as the clock shows it in ``zone``; the earlier instant of a time that is repeated, and as
      far before a time that is skipped as the clock jumps.

    ``ValueError`` with a sentence for anything else, and for what is before the year after the agency's statute.
    """
    say = _("Write as_of as a day such as 2021-11-25, or as a time such as 2021-11-25T09:00Z.")
    match = AS_OF.fullmatch(text)
    if not match:
        raise ValueError(say)
    year, month, day, hour, minute, second, fraction, universal, sign, ahead, minutes_ahead = match.groups()
    try:
        wall = dt.datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0),
            int((fraction or "").ljust(6, "0")),
        )  # fmt: skip
        offset = dt.timezone(_signed(sign, ahead, minutes_ahead)) if sign else dt.UTC
    except ValueError:
        raise ValueError(say) from None
    if wall.date() < EARLIEST_DATE:
        raise ValueError(
            _("as_of is before %(year)d, and nothing here is so old. %(say)s")
            % {"year": EARLIEST_DATE.year, "say": say}
        )
    if wall.year > now.year + 1:
        return now
    if hour is None:
        moment = end_of_day(wall.date(), zone)
    elif universal or sign:
        moment = wall.replace(tzinfo=offset).astimezone(dt.UTC)
    else:
        moment = (instants(wall.date(), wall.time(), zone) or around_gap(wall.date(), wall.time(), zone))[0]
    return min(moment, now)


def is_to_come(text: str, now: dt.datetime, zone: str) -> bool:
    """Whether the day or the time that ``as_of`` reads there has not begun at ``now``."""
    if "T" not in text:
        return text > now.astimezone(zone_named(zone)).date().isoformat()
    return as_of(text, now + INSTANT, zone) > now


def _signed(sign: str, hours: str, minutes: str) -> dt.timedelta:
    if int(minutes) > 59:
        raise ValueError(minutes)
    return dt.timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
