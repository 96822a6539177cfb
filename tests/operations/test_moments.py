"""Times on a clock on the wall: those that are skipped, those that come twice, and how they are entered and shown."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.utils import timezone
from django.utils.translation import override
from hypothesis import assume, given
from hypothesis import strategies as st

from operations.moment_field import MomentField, MomentWidget, zone_choices
from operations.moments import around_gap, as_of, end_of_day, instants, with_zone, zones

NOW = dt.datetime(2026, 11, 25, 8, 0, tzinfo=dt.UTC)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def wall(text: str) -> tuple[dt.date, dt.time]:
    read = dt.datetime.fromisoformat(text)
    return read.date(), read.time()


def shown(moment: dt.datetime, zone: str) -> dt.datetime:
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


# --- From the wall to the instant ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "zone", "meant"),
    [
        ("2026-11-25T09:00", "UTC", ["2026-11-25T09:00"]),
        ("2026-11-25T09:00", "Europe/Zurich", ["2026-11-25T08:00"]),
        ("2026-07-01T09:00:30", "Europe/Zurich", ["2026-07-01T07:00:30"]),
        ("2026-11-25T09:00", "Asia/Kathmandu", ["2026-11-25T03:15"]),
        ("2026-11-25T09:00", "America/Lima", ["2026-11-25T14:00"]),
        # Zurich, in spring and in autumn: each change and the second on either side of it.
        ("2026-03-29T01:59:59", "Europe/Zurich", ["2026-03-29T00:59:59"]),
        ("2026-03-29T02:00", "Europe/Zurich", []),
        ("2026-03-29T02:59:59", "Europe/Zurich", []),
        ("2026-03-29T03:00", "Europe/Zurich", ["2026-03-29T01:00"]),
        ("2026-10-25T01:59:59", "Europe/Zurich", ["2026-10-24T23:59:59"]),
        ("2026-10-25T02:00", "Europe/Zurich", ["2026-10-25T00:00", "2026-10-25T01:00"]),
        ("2026-10-25T02:59:59", "Europe/Zurich", ["2026-10-25T00:59:59", "2026-10-25T01:59:59"]),
        ("2026-10-25T03:00", "Europe/Zurich", ["2026-10-25T02:00"]),
        # The United States change on other days.
        ("2026-03-08T02:30", "America/New_York", []),
        ("2026-11-01T01:30", "America/New_York", ["2026-11-01T05:30", "2026-11-01T06:30"]),
        # Half an hour.
        ("2024-10-06T02:15", "Australia/Lord_Howe", []),
        ("2024-10-06T02:30", "Australia/Lord_Howe", ["2024-10-05T15:30"]),
        ("2024-04-07T01:45", "Australia/Lord_Howe", ["2024-04-06T14:45", "2024-04-06T15:15"]),
        ("2024-04-07T01:15", "Australia/Lord_Howe", ["2024-04-06T14:15"]),
        # A whole day, by crossing the date line.
        ("2011-12-29T23:59", "Pacific/Apia", ["2011-12-30T09:59"]),
        ("2011-12-30T00:00", "Pacific/Apia", []),
        ("2011-12-30T23:59", "Pacific/Apia", []),
        ("2011-12-31T00:00", "Pacific/Apia", ["2011-12-30T10:00"]),
        ("1993-08-21T12:00", "Pacific/Kwajalein", []),
        # Midnight.
        ("2018-11-04T00:00", "America/Sao_Paulo", []),
        ("2018-11-04T01:00", "America/Sao_Paulo", ["2018-11-04T03:00"]),
        ("2018-02-17T23:30", "America/Sao_Paulo", ["2018-02-18T01:30", "2018-02-18T02:30"]),
        ("2018-02-18T00:00", "America/Sao_Paulo", ["2018-02-18T03:00"]),
        # Back an hour for Ramadan and on again after it.
        ("2024-03-10T02:30", "Africa/Casablanca", ["2024-03-10T01:30", "2024-03-10T02:30"]),
        ("2024-04-14T02:30", "Africa/Casablanca", []),
        # Winter time as the exception: Ireland.
        ("2026-10-25T01:30", "Europe/Dublin", ["2026-10-25T00:30", "2026-10-25T01:30"]),
        # An offset of minutes and seconds.
        ("1890-01-01T12:00", "Europe/Zurich", ["1890-01-01T11:30:14"]),
    ],
)
def test_a_time_on_the_wall_means_these_instants(written, zone, meant):
    assert instants(*wall(written), zone) == [utc(text) for text in meant]


def test_the_fold_and_zone_of_a_time_are_those_of_the_place_not_its_own():
    day, time = wall("2026-11-25T09:00")
    assert instants(day, time.replace(fold=1, tzinfo=dt.UTC), "Europe/Zurich") == [utc("2026-11-25T08:00")]


@pytest.mark.parametrize(
    "name", ["", "Europe", "Europe/Zürich", "europe/zurich", "../../etc/passwd", "/etc/localtime", "a\0b"]
)
def test_an_unknown_zone_is_refused_in_a_sentence(name):
    day, time = wall("2026-11-25T09:00")
    with pytest.raises(ValueError, match="is not a time zone that we know") as error:
        instants(day, time, name)
    assert (
        str(error.value) == f"“{name}” is not a time zone that we know. Write a name such as Europe/Zurich."
    )


def test_the_first_and_last_days_of_the_calendar_are_refused_where_utc_has_none():
    with pytest.raises(ValueError, match=r"^0001-01-01 is outside the calendar\.$"):
        instants(dt.date.min, dt.time.min, "Asia/Tokyo")
    with pytest.raises(ValueError, match=r"^9999-12-31 is outside the calendar\.$"):
        instants(dt.date.max, dt.time.max, "America/Lima")


@pytest.mark.parametrize(
    ("written", "zone", "before", "after"),
    [
        ("2026-03-29T02:30", "Europe/Zurich", "2026-03-29T01:30", "2026-03-29T03:30"),
        ("2026-03-29T02:00", "Europe/Zurich", "2026-03-29T01:00", "2026-03-29T03:00"),
        ("2026-03-08T02:59", "America/New_York", "2026-03-08T01:59", "2026-03-08T03:59"),
        ("2024-10-06T02:15", "Australia/Lord_Howe", "2024-10-06T01:45", "2024-10-06T02:45"),
        ("2011-12-30T12:00", "Pacific/Apia", "2011-12-29T12:00", "2011-12-31T12:00"),
        ("2018-11-04T00:30", "America/Sao_Paulo", "2018-11-03T23:30", "2018-11-04T01:30"),
        ("2024-04-14T02:00", "Africa/Casablanca", "2024-04-14T01:00", "2024-04-14T03:00"),
    ],
)
def test_around_a_time_that_is_skipped_the_same_minutes_are_offered(written, zone, before, after):
    offered = around_gap(*wall(written), zone)
    assert [moment.utcoffset() for moment in offered] == [dt.timedelta()] * 2
    assert [shown(moment, zone).isoformat(timespec="minutes") for moment in offered] == [before, after]


def test_there_is_nothing_around_a_time_that_is_not_skipped():
    with pytest.raises(ValueError, match=r"^09:00 on 2026-11-25 is not skipped in Europe/Zurich\.$"):
        around_gap(*wall("2026-11-25T09:00"), "Europe/Zurich")


@pytest.mark.parametrize(
    ("day", "zone", "last"),
    [
        ("2021-11-25", "UTC", "2021-11-25T23:59:59.999999"),
        ("2021-11-25", "Europe/Zurich", "2021-11-25T22:59:59.999999"),
        ("2026-03-29", "Europe/Zurich", "2026-03-29T21:59:59.999999"),
        ("2026-10-25", "Europe/Zurich", "2026-10-25T22:59:59.999999"),
        # The day's last hour comes twice, and its second end is its end.
        ("2018-02-17", "America/Sao_Paulo", "2018-02-18T02:59:59.999999"),
        # Newfoundland went back at one minute past midnight, so that the day before came again.
        ("2006-10-28", "America/St_Johns", "2006-10-29T03:29:59.999999"),
        # The next day's first hour comes twice; this day ends before the first.
        ("2026-10-31", "America/Havana", "2026-11-01T03:59:59.999999"),
        # The next day begins at one o'clock.
        ("2018-11-03", "America/Sao_Paulo", "2018-11-04T02:59:59.999999"),
        # Half past eleven was followed by half past midnight.
        ("1919-03-30", "America/Toronto", "1919-03-31T04:29:59.999999"),
        # The next day never came; nor does it end at another time than the one before.
        ("2011-12-29", "Pacific/Apia", "2011-12-30T09:59:59.999999"),
        ("2011-12-30", "Pacific/Apia", "2011-12-30T09:59:59.999999"),
    ],
)
def test_a_day_ends_at_the_last_instant_that_shows_it(day, zone, last):
    assert end_of_day(dt.date.fromisoformat(day), zone) == utc(last)


SEVERAL = [
    "Africa/Cairo", "Africa/Casablanca", "Africa/Monrovia", "America/Havana", "America/Juneau", "America/Lima",
    "America/New_York", "America/Sao_Paulo", "America/St_Johns", "Antarctica/Troll", "Asia/Amman", "Asia/Beirut",
    "Asia/Gaza", "Asia/Kathmandu", "Asia/Manila", "Asia/Pyongyang", "Asia/Tehran", "Atlantic/Azores",
    "Australia/Lord_Howe", "Europe/Dublin", "Europe/London", "Europe/Zurich", "Pacific/Apia", "Pacific/Auckland",
    "Pacific/Kiritimati", "Pacific/Kwajalein", "UTC",
]  # fmt: skip
HOUR = dt.timedelta(hours=1)


def changes(zone: str) -> list[dt.datetime]:
    """The hours in which the zone's offset changes, from 1900 to 2040."""
    days = [dt.datetime(1900, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=n) for n in range(140 * 365)]
    place = ZoneInfo(zone)
    offsets = [day.astimezone(place).utcoffset() for day in days]
    found = [day for day, old, new in zip(days, offsets, offsets[1:], strict=False) if old != new]
    return [
        hour
        for day in found
        for hour in (day + HOUR * n for n in range(24))
        if hour.astimezone(place).utcoffset() != (hour + HOUR).astimezone(place).utcoffset()
    ]


@st.composite
def places_and_times(draw) -> tuple[str, dt.datetime]:
    """A zone and an instant, every second time within a day and a half of a change of its clock."""
    zone = draw(st.sampled_from(SEVERAL))
    if zone not in CHANGES:
        CHANGES[zone] = changes(zone)
    if CHANGES[zone] and draw(st.booleans()):
        near = draw(st.timedeltas(-36 * HOUR, 36 * HOUR) | st.timedeltas(-HOUR, 2 * HOUR))
        return zone, draw(st.sampled_from(CHANGES[zone])) + near
    return zone, draw(
        st.datetimes(dt.datetime(1, 1, 3), dt.datetime(9999, 12, 29), timezones=st.just(dt.UTC))
    )


@st.composite
def places_and_walls(draw) -> tuple[str, dt.datetime]:
    """A zone and a time on its wall close to a change of its clock, whether it ever shows that time or not."""
    zone = draw(st.sampled_from([name for name in SEVERAL if name != "UTC"]))
    if zone not in CHANGES:
        CHANGES[zone] = changes(zone)
    # Of a change on the hour, what comes twice begins at the hour before it, what is skipped an hour later.
    near = HOUR * draw(st.integers(0, 2)) + dt.timedelta(seconds=draw(st.integers(-3600, 3600)))
    return zone, shown(draw(st.sampled_from(CHANGES[zone])), zone) + near


CHANGES: dict[str, list[dt.datetime]] = {}


@given(st.sampled_from(sorted(zones())), st.datetimes(dt.datetime(1, 1, 3), dt.datetime(9999, 12, 29)))
def test_every_instant_in_every_zone_is_found_by_what_the_clock_shows(zone, moment):
    moment = moment.replace(tzinfo=dt.UTC)
    local = shown(moment, zone)
    assert moment in instants(local.date(), local.time(), zone)


@given(places_and_times())
def test_an_instant_near_a_change_of_the_clock_is_found_by_what_the_clock_shows(place_and_time):
    zone, moment = place_and_time
    local = shown(moment, zone)
    found = instants(local.date(), local.time(), zone)
    assert moment in found and len(found) in {1, 2} and found == sorted(set(found))


@given(places_and_walls())
def test_only_a_time_that_the_clock_jumps_over_means_no_instant(place_and_wall):
    zone, written = place_and_wall
    found = instants(written.date(), written.time(), zone)
    assert [shown(one, zone) for one in found] == [written] * len(found)
    if found:
        return
    earlier, later = around_gap(written.date(), written.time(), zone)
    jump = later.astimezone(ZoneInfo(zone)).utcoffset() - earlier.astimezone(ZoneInfo(zone)).utcoffset()
    assert jump > dt.timedelta()
    assert (shown(earlier, zone), shown(later, zone)) == (written - jump, written + jump)


@given(places_and_times())
def test_no_later_instant_shows_a_day_that_has_ended(place_and_time):
    zone, moment = place_and_time
    day = shown(moment, zone).date()
    last = end_of_day(day, zone)
    assert shown(last, zone).date() == day
    after = [
        last + dt.timedelta(microseconds=1),
        *(last + dt.timedelta(minutes=10) * n for n in range(1, 160)),
    ]
    assert [shown(one, zone) for one in after if shown(one, zone).date() <= day] == []


# --- From the instant to words ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "zone", "words"),
    [
        ("2026-11-25T08:00", "Europe/Zurich", "25 November 2026, 09:00 CET (08:00 UTC)"),
        ("2026-07-01T08:00", "Europe/Zurich", "1 July 2026, 10:00 CEST (08:00 UTC)"),
        ("2026-10-25T00:30", "Europe/Zurich", "25 October 2026, 02:30 CEST (00:30 UTC)"),
        ("2026-10-25T01:30", "Europe/Zurich", "25 October 2026, 02:30 CET (01:30 UTC)"),
        ("2026-11-24T23:30", "Europe/Zurich", "25 November 2026, 00:30 CET (24 November 2026, 23:30 UTC)"),
        ("2027-01-01T03:00", "America/New_York", "31 December 2026, 22:00 EST (1 January 2027, 03:00 UTC)"),
        ("2026-11-25T08:00", "Asia/Riyadh", "25 November 2026, 11:00 UTC+3 (08:00 UTC)"),
        ("2026-11-25T13:00", "America/Bogota", "25 November 2026, 08:00 UTC−5 (13:00 UTC)"),
        ("2026-11-25T08:00", "Asia/Kathmandu", "25 November 2026, 13:45 UTC+5:45 (08:00 UTC)"),
        ("2026-11-25T12:00", "Pacific/Marquesas", "25 November 2026, 02:30 UTC−9:30 (12:00 UTC)"),
        ("2026-11-25T08:00", "Europe/London", "25 November 2026, 08:00 GMT (08:00 UTC)"),
        ("2026-07-01T08:00", "Atlantic/Azores", "1 July 2026, 08:00 UTC"),
        ("2026-11-25T08:00", "UTC", "25 November 2026, 08:00 UTC"),
        ("2026-11-25T08:00:59.9", "Etc/UTC", "25 November 2026, 08:00 UTC"),
    ],
)
def test_a_moment_is_printed_in_its_zone_and_in_utc(moment, zone, words):
    assert with_zone(utc(moment), zone) == words


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", "25 novembre 2026, 00:30 CET (24 novembre 2026, 23:30 UTC)"),
        ("es", "25 de noviembre de 2026, 00:30 CET (24 de noviembre de 2026, 23:30 UTC)"),
    ],
)
def test_a_moment_is_printed_as_the_language_writes_days(language, words):
    with override(language):
        printed = with_zone(utc("2026-11-24T23:30"), "Europe/Zurich")
    assert re.sub(" (?:à|a las) ", ", ", printed) == words


def test_in_arabic_the_latin_letters_of_a_zone_stay_with_their_time():
    with override("ar"):
        printed = with_zone(utc("2026-11-25T08:00"), "Asia/Riyadh")
    assert printed.endswith("\u206811:00 ص UTC+3\u2069 (\u20688:00 ص UTC\u2069)")
    assert printed.startswith("25 نوفمبر 2026")


def test_a_moment_in_another_zone_is_the_same_moment():
    tokyo = dt.datetime(2026, 11, 25, 17, 0, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert with_zone(tokyo, "Europe/Zurich") == "25 November 2026, 09:00 CET (08:00 UTC)"


def test_a_moment_without_a_zone_is_not_printed():
    with pytest.raises(ValueError, match="without a zone"):
        with_zone(dt.datetime(2026, 11, 25, 8, 0), "Europe/Zurich")


# --- What an address asks for ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("2021-11-25", "2021-11-25T22:59:59.999999"),
        ("2020-02-29", "2020-02-29T22:59:59.999999"),
        ("2021-03-28", "2021-03-28T21:59:59.999999"),
        ("2026-11-24", "2026-11-24T22:59:59.999999"),
        ("2021-11-25T09:00Z", "2021-11-25T09:00"),
        ("2021-11-25T09:00:30Z", "2021-11-25T09:00:30"),
        ("2021-11-25T09:00:30.5Z", "2021-11-25T09:00:30.500000"),
        ("2021-11-25T09:00:30.000001Z", "2021-11-25T09:00:30.000001"),
        ("2021-11-25T09:00:00+01:00", "2021-11-25T08:00"),
        ("2021-11-25T09:00:00 01:00", "2021-11-25T08:00"),
        ("2021-11-25T09:00-05:30", "2021-11-25T14:30"),
        ("2021-11-25T09:00-00:30", "2021-11-25T09:30"),
        ("2021-11-25T09:00+00:00", "2021-11-25T09:00"),
        ("2021-11-25T09:00", "2021-11-25T08:00"),
        ("2021-07-01T09:00:30", "2021-07-01T07:00:30"),
        # Twice: the first. Never: an hour before.
        ("2025-10-26T02:30", "2025-10-26T00:30"),
        ("2026-03-29T02:30", "2026-03-29T00:30"),
        ("1951-01-01", "1951-01-01T22:59:59.999999"),
        # Today has not ended; nothing later is known.
        ("2026-11-25", "2026-11-25T08:00"),
        ("2026-11-26", "2026-11-25T08:00"),
        ("2026-11-25T07:59:59.999999Z", "2026-11-25T07:59:59.999999"),
        ("2026-11-25T08:00:00.000001Z", "2026-11-25T08:00"),
        ("2026-11-25T09:00", "2026-11-25T08:00"),
        ("2026-11-25T08:59", "2026-11-25T07:59"),
        ("2027-12-31T23:59-23:59", "2026-11-25T08:00"),
        ("9999-12-31", "2026-11-25T08:00"),
        ("9999-12-31T23:59:59-23:59", "2026-11-25T08:00"),
    ],
)
def test_an_address_asks_for_this_instant(text, asked):
    found = as_of(text, NOW, "Europe/Zurich")
    assert (found, found.utcoffset()) == (utc(asked), dt.timedelta())


SAY = "Write as_of as a day such as 2021-11-25, or as a time such as 2021-11-25T09:00Z."


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "yesterday", "now", "2021", "2021-11", "20211125", "2021-W47", "2021-W47-4", "2021-329", "25/11/2021",
        "2021-11-25 ", " 2021-11-25", "2021-11-25\n", "2021-11-25\0", "2021-11-25T", "2021-11-25T09", "2021-11-25T0900",
        "2021-11-25 09:00", "2021-11-25t09:00z", "2021-11-25T09:00 Z", "2021-11-25T09:00+0100", "2021-11-25T09:00+01",
        "2021-11-25T24:00", "2021-11-25T09:60", "2021-11-25T09:00:60Z", "2021-11-25T09:00:30.Z", "2021-11-25Z",
        "2021-11-25T09:00:30.1234567Z", "2021-11-25T09:00+24:00", "2021-11-25T09:00+01:60", "2021-11-25T09:00+99:99",
        "2021-02-29", "2021-02-30", "2021-13-01", "2021-00-01", "2021-01-00", "0000-01-01", "9999-02-30",
        "-2021-11-25", "+2021-11-25", "12021-11-25", "2021-11-25T09:00−01:00", "2021‐11‐25",
        "٢٠٢١-١١-٢٥", "２０２１-１１-２５", "2021-11-2５", "2" * 10_000, "2021-11-25" * 1000,
    ],
)  # fmt: skip
def test_an_address_that_asks_for_no_instant_is_told_what_to_write(text):
    with pytest.raises(ValueError, match="as_of") as error:
        as_of(text, NOW, "Europe/Zurich")
    assert str(error.value) == SAY


@pytest.mark.parametrize("text", ["1950-12-31", "0001-01-01", "0001-01-01T00:00", "0001-01-01T00:00+23:59"])
def test_an_address_cannot_ask_for_what_is_older_than_the_agency(text):
    with pytest.raises(ValueError, match="as_of") as error:
        as_of(text, NOW, "Asia/Tokyo")
    assert str(error.value) == f"as_of is before 1951, and nothing here is so old. {SAY}"


PIECES = st.lists(
    st.sampled_from(
        [
            "2021",
            "0001",
            "9999",
            "0000",
            "-",
            "11",
            "02",
            "30",
            "29",
            "T",
            "09",
            ":",
            "00",
            ".",
            "5",
            "Z",
            "+",
            " ",
        ]
    )
    | st.text(max_size=3),
    max_size=16,
).map("".join)
SHAPED = st.builds(
    "{:04}-{:02}-{:02}T{:02}:{:02}{}{:02}:{:02}".format,
    st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32), st.integers(0, 25), st.integers(0, 61),
    st.sampled_from("+- "), st.integers(0, 25), st.integers(0, 61),
)  # fmt: skip


@given(
    st.text() | PIECES | SHAPED | SHAPED.map(lambda text: text[:10]) | SHAPED.map(lambda text: text[:16]),
    st.sampled_from(SEVERAL),
)
def test_whatever_an_address_holds_it_is_an_instant_up_to_now_or_a_sentence(text, zone):
    said = ""
    try:
        found = as_of(text, NOW, zone)
    except ValueError as error:
        found, said = NOW, str(error)
    assert said == "" or said.endswith(SAY)
    assert found <= NOW
    assert with_zone(found, zone)


@given(places_and_times())
def test_an_instant_that_is_written_out_is_read_back(place_and_time):
    _zone, moment = place_and_time
    assume(1951 < moment.year < 2026)
    assert as_of(moment.isoformat(), NOW, "Europe/Zurich") == moment
    assert as_of(moment.isoformat().replace("+00:00", "Z"), NOW, "Europe/Zurich") == moment


# --- The form field --------------------------------------------------------------------------------


class ReleaseForm(forms.Form):
    at = MomentField(zone="Europe/Zurich", label="When")


class MayReleaseForm(forms.Form):
    at = MomentField(zone="Europe/Zurich", required=False)


def sent(
    day: str, time: str, zone: str = "Europe/Zurich", which: str | None = None, form=ReleaseForm, **kwargs
):
    data = {"at_day": day, "at_time": time, "at_zone": zone}
    return form(data | ({} if which is None else {"at_which": which}), **kwargs)


def inputs(html: str) -> list[dict[str, str]]:
    """The attributes of every input, in order."""
    return [
        dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) | ({"checked": ""} if " checked" in tag else {})
        for tag in re.findall("<input ([^>]*)>", html)
    ]


def chosen_zone(html: str) -> list[str]:
    return re.findall('<option value="([^"]*)" selected>', html)


def choices(html: str) -> list[tuple[str, str, bool]]:
    """Of the question which of the two: value, label, whether it is chosen."""
    labels = dict(re.findall(r'<label for="(\w+)">\s*<input[^>]*>\s*([^<]*?)\s*</label>', html))
    return [
        (one["value"], labels[one["id"]], "checked" in one) for one in inputs(html) if one["type"] == "radio"
    ]


@pytest.mark.parametrize(
    ("day", "time", "zone", "meant"),
    [
        ("2026-11-25", "09:00", "Europe/Zurich", "2026-11-25T08:00"),
        ("25 Nov 2026", "9:00", "UTC", "2026-11-25T09:00"),
        ("2026-11-25", "09:00:30", "America/Lima", "2026-11-25T14:00:30"),
        (" 2026-11-25 ", " 23:59 ", "Asia/Kathmandu", "2026-11-25T18:14"),
    ],
)
def test_a_day_a_time_and_a_zone_make_an_instant_in_utc(day, time, zone, meant):
    form = sent(day, time, zone)
    assert form.is_valid(), form.errors
    assert form.cleaned_data == {"at": utc(meant)}
    assert form.cleaned_data["at"].utcoffset() == dt.timedelta()


@pytest.mark.parametrize(
    ("day", "time", "zone", "said"),
    [
        (
            "2026-03-29", "02:30", "Europe/Zurich",
            "02:30 on 29 March 2026 does not exist in Europe/Zurich: the clock goes from 02:00 to 03:00. "
            "Write 01:30 or 03:30.",
        ),
        (
            "2024-10-06", "02:15", "Australia/Lord_Howe",
            "02:15 on 6 October 2024 does not exist in Australia/Lord_Howe: the clock goes from 02:00 to 02:30. "
            "Write 01:45 or 02:45.",
        ),
        (
            "2018-11-04", "00:30", "America/Sao_Paulo",
            "00:30 on 4 November 2018 does not exist in America/Sao_Paulo: the clock goes from 00:00 to 01:00. "
            "Write 23:30 on 3 November 2018 or 01:30 on 4 November 2018.",
        ),
        (
            "2011-12-30", "12:00", "Pacific/Apia",
            "12:00 on 30 December 2011 does not exist in Pacific/Apia: the clock goes from 00:00 on 30 December 2011 "
            "to 00:00 on 31 December 2011. Write 12:00 on 29 December 2011 or 12:00 on 31 December 2011.",
        ),
    ],
)  # fmt: skip
def test_a_time_that_is_skipped_is_refused_with_the_two_around_it(day, time, zone, said):
    form = sent(day, time, zone)
    assert form.errors == {"at": [said]}
    assert form.errors.as_data()["at"][0].code == "skipped"
    html = str(form["at"])
    assert [one["value"] for one in inputs(html)] == [day, time]
    assert chosen_zone(html) == [zone]


@pytest.mark.parametrize(
    ("day", "time", "zone", "said", "labels"),
    [
        (
            "2026-10-25", "02:30", "Europe/Zurich",
            "02:30 on 25 October 2026 comes twice in Europe/Zurich: the clock goes back from 03:00 to 02:00. "
            "Choose which of the two you mean.",
            [
                ("2026-10-25T00:30:00+00:00", "the first 02:30, CEST, UTC+2"),
                ("2026-10-25T01:30:00+00:00", "the second 02:30, CET, UTC+1"),
            ],
        ),
        (
            "2024-04-07", "01:45", "Australia/Lord_Howe",
            "01:45 on 7 April 2024 comes twice in Australia/Lord_Howe: the clock goes back from 02:00 to 01:30. "
            "Choose which of the two you mean.",
            [
                ("2024-04-06T14:45:00+00:00", "the first 01:45, UTC+11"),
                ("2024-04-06T15:15:00+00:00", "the second 01:45, UTC+10:30"),
            ],
        ),
        (
            "2018-02-17", "23:30", "America/Sao_Paulo",
            "23:30 on 17 February 2018 comes twice in America/Sao_Paulo: the clock goes back from "
            "00:00 on 18 February 2018 to 23:00 on 17 February 2018. Choose which of the two you mean.",
            [
                ("2018-02-18T01:30:00+00:00", "the first 23:30, UTC−2"),
                ("2018-02-18T02:30:00+00:00", "the second 23:30, UTC−3"),
            ],
        ),
        (
            "2025-10-26", "01:30", "Europe/London",
            "01:30 on 26 October 2025 comes twice in Europe/London: the clock goes back from 02:00 to 01:00. "
            "Choose which of the two you mean.",
            [
                ("2025-10-26T00:30:00+00:00", "the first 01:30, BST, UTC+1"),
                ("2025-10-26T01:30:00+00:00", "the second 01:30, GMT, UTC+0"),
            ],
        ),
    ],
)  # fmt: skip
def test_a_time_that_comes_twice_is_asked_about_and_the_answer_is_read(day, time, zone, said, labels):
    form = sent(day, time, zone)
    assert form.errors == {"at": [said]}
    assert form.errors.as_data()["at"][0].code == "repeated"
    html = str(form["at"])
    assert f"<legend>Which {time}?</legend>" in html
    assert choices(html) == [(value, label, False) for value, label in labels]
    assert [one["value"] for one in inputs(html)][:2] == [day, time]
    for value, _label in labels:
        answered = sent(day, time, zone, value)
        assert answered.errors == {}
        assert answered.cleaned_data["at"].isoformat() == value
        assert [one for one, _name, chosen in choices(str(answered["at"])) if chosen] == [value]


@pytest.mark.parametrize(
    "which", ["", "1", "0", "second", "2026-10-25T02:30:00+00:00", "2026-11-01T05:30:00+00:00", "\0", "٠"]
)
def test_an_answer_to_another_question_is_none(which):
    form = sent("2026-10-25", "02:30", which=which)
    assert [error.code for error in form.errors.as_data()["at"]] == ["repeated"]
    assert [chosen for _value, _label, chosen in choices(str(form["at"]))] == [False, False]


def test_who_moves_a_time_that_comes_twice_to_another_such_time_is_asked_again():
    form = sent("2026-10-25", "02:45", which="2026-10-25T01:30:00+00:00")
    assert [error.code for error in form.errors.as_data()["at"]] == ["repeated"]
    assert [value for value, _label, _chosen in choices(str(form["at"]))] == [
        "2026-10-25T00:45:00+00:00",
        "2026-10-25T01:45:00+00:00",
    ]


def test_an_answer_is_ignored_where_the_time_comes_once():
    form = sent("2026-10-25", "03:30", which="2026-10-25T01:30:00+00:00")
    assert form.is_valid()
    assert form.cleaned_data["at"] == utc("2026-10-25T02:30")
    assert [one["type"] for one in inputs(str(form["at"]))] == ["date", "time"]


@pytest.mark.parametrize(
    ("day", "time", "zone", "said"),
    [
        ("", "", "Europe/Zurich", ["Write the day and the time."]),
        (" ", " ", "Europe/Zurich", ["Write the day and the time."]),
        ("2026-11-25", "", "Europe/Zurich", ["Write the time."]),
        ("2026-11-25", " ", "Europe/Zurich", ["Write the time."]),
        ("", "09:00", "Europe/Zurich", ["Write the day."]),
        ("-", "09:00", "Europe/Zurich", ["Write the day."]),
        ("2026-11-25", "09:00", "", ["Choose the time zone."]),
        ("", "09:00", "", ["Write the day.", "Choose the time zone."]),
        ("2026-02-30", "09:00", "Europe/Zurich", ["“2026-02-30” is a day that does not exist."]),
        ("0026-11-25", "09:00", "Europe/Zurich", ["0026-11-25 is before 1951-01-01."]),
        ("9999-11-25", "09:00", "Europe/Zurich", ["9999-11-25 is more than a year in the future."]),
        (
            "03/04/2026", "9", "Mars/Base",
            [
                "“03/04/2026” can be read as two different days. "
                "Write the year first (2021-04-03), or the month in letters (3-APR-2021).",
                "“9” is not a time. Write it as 09:00 or 17:30.",
                "“Mars/Base” is not a time zone that we know. Write a name such as Europe/Zurich.",
            ],
        ),
        ("2026-11-25", "24:00", "UTC", ["“24:00” is not a time. Write it as 09:00 or 17:30."]),
        ("2026-11-25", "09:60", "UTC", ["“09:60” is not a time. Write it as 09:00 or 17:30."]),
        ("2026-11-25", "٠٩:٠٠", "UTC", ["“٠٩:٠٠” is not a time. Write it as 09:00 or 17:30."]),
        ("2026-11-25", "9" * 10_000, "UTC", [f"“{'9' * 59}…” is not a time. Write it as 09:00 or 17:30."]),
        (
            "2026-11-25\0", "09:00", "UTC",
            ["The text holds an invisible control character (U+0000). Type it again."],
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_sentences_and_kept(day, time, zone, said):
    form = sent(day, time, zone)
    assert form.errors == {"at": said}
    html = str(form["at"])
    assert [one.get("value", "") for one in inputs(html)] == [day, time]
    assert chosen_zone(html) == [zone or "Europe/Zurich"]


def test_a_form_that_says_nothing_of_the_moment_is_told_to_write_it():
    form = ReleaseForm({})
    assert form.errors == {"at": ["Write the day and the time."]}
    assert chosen_zone(str(form["at"])) == ["Europe/Zurich"]


def test_a_moment_that_may_be_left_out_is_none_whatever_the_zone():
    form = sent("", "", form=MayReleaseForm)
    assert form.is_valid()
    assert form.cleaned_data == {"at": None}
    assert form.has_changed() is False


def test_what_a_browser_would_not_show_in_its_picker_stays_readable_as_text():
    kinds = {
        typed: [(one["type"], one.get("step")) for one in inputs(str(sent(*typed)["at"]))]
        for typed in [
            ("2026-11-25", "09:00"), ("2026-11-25", "09:00:30"), ("2026-02-30", "25:00"), ("25 Nov 2026", "9:00"),
            ("20261125", "09"), ("", ""),
        ]
    }  # fmt: skip
    assert kinds == {
        ("2026-11-25", "09:00"): [("date", None), ("time", None)],
        ("2026-11-25", "09:00:30"): [("date", None), ("time", "1")],
        ("2026-02-30", "25:00"): [("text", None), ("text", None)],
        ("25 Nov 2026", "9:00"): [("text", None), ("text", None)],
        ("20261125", "09"): [("text", None), ("text", None)],
        ("", ""): [("date", None), ("time", None)],
    }


@pytest.mark.parametrize(
    ("day", "time", "zone", "wrong"),
    [
        ("2026-02-30", "09:00", "UTC", ["id_at_0"]),
        ("2026-11-25", "25:00", "UTC", ["id_at_1"]),
        ("", "09:00", "Mars/Base", ["id_at_0", "id_at_2"]),
        ("2026-03-29", "02:30", "Europe/Zurich", ["id_at_0", "id_at_1", "id_at_2"]),
        ("2026-10-25", "02:30", "Europe/Zurich", []),
        ("2026-11-25", "09:00", "UTC", []),
    ],
)
def test_only_the_inputs_that_are_wrong_are_marked_as_wrong(day, time, zone, wrong):
    html = str(sent(day, time, zone)["at"])
    marked = [tag for tag in re.findall("<(?:input|select) [^>]*>", html) if 'aria-invalid="true"' in tag]
    assert [re.findall('id="([^"]*)"', tag)[0] for tag in marked] == wrong


def test_every_input_has_its_label_and_the_group_its_legend_and_errors():
    form = sent("2026-10-25", "02:30")
    html = form.as_div()
    labels = dict(re.findall('<label for="([^"]*)">([^<]*)</label>', html))
    assert labels == {"id_at_0": "Day", "id_at_1": "Time", "id_at_2": "Time zone"}
    tags = re.findall(r'<(?:input|select) [^>]*id="([^"]*)"', html)
    assert tags == ["id_at_0", "id_at_1", "id_at_2", "id_at_3_0", "id_at_3_1"]
    assert re.findall("<legend>([^<]*)</legend>", html) == ["When:", "Which 02:30?"]
    assert '<fieldset aria-describedby="id_at_error">' in html
    assert html.count('id="id_at_error"') == 1


def test_inputs_have_labels_in_a_form_without_identifiers_too():
    html = str(sent("2026-11-25", "09:00", auto_id=False)["at"])
    assert re.findall('<label for="([^"]*)">', html) == ["id_at_0", "id_at_1", "id_at_2"]
    assert re.findall(r'<(?:input|select) [^>]*id="([^"]*)"', html) == ["id_at_0", "id_at_1", "id_at_2"]


def test_a_moment_that_is_set_is_shown_in_the_zone_of_who_looks():
    at = utc("2026-11-24T23:30:15.123456")
    form = MayReleaseForm(initial={"at": at})
    form.fields["at"].zone = "Asia/Kathmandu"
    html = str(form["at"])
    assert [one["value"] for one in inputs(html)] == ["2026-11-25", "05:15:15"]
    assert chosen_zone(html) == ["Asia/Kathmandu"]
    assert MayReleaseForm().fields["at"].zone == "Europe/Zurich"


def test_without_a_zone_of_its_own_the_form_begins_with_the_current_one():
    class Form(forms.Form):
        at = MomentField()

    with timezone.override("America/Lima"):
        html = str(Form(initial={"at": utc("2026-11-25T14:00")})["at"])
    assert [one["value"] for one in inputs(html)] == ["2026-11-25", "09:00"]
    assert chosen_zone(html) == ["America/Lima"]


def test_a_moment_in_a_repeated_hour_is_shown_with_its_answer():
    html = str(MayReleaseForm(initial={"at": utc("2026-10-25T01:30")})["at"])
    assert choices(html) == [
        ("2026-10-25T00:30:00+00:00", "the first 02:30, CEST, UTC+2", False),
        ("2026-10-25T01:30:00+00:00", "the second 02:30, CET, UTC+1", True),
    ]


@given(places_and_times())
def test_what_a_form_shows_it_reads_back_as_the_same_instant(place_and_time):
    zone, moment = place_and_time
    assume(1951 < moment.year < 2026)
    widget, field = MomentWidget(zone), MomentField(zone=zone)
    typed = widget.decompress(moment)
    assert field.clean(typed) == moment.replace(microsecond=0)
    assert field.has_changed(moment, typed) is False


def test_a_form_has_changed_where_the_instant_has():
    at = {"at": utc("2026-11-25T08:00")}
    assert sent("2026-11-25", "09:00", initial=at).has_changed() is False
    assert sent("2026-11-25", "08:00", "UTC", initial=at).has_changed() is False
    assert sent("2026-11-25", "08:00", initial=at).has_changed() is True
    assert sent("2026-11-25", "nine", initial=at).has_changed() is True
    assert sent("", "", initial=at).has_changed() is True
    assert sent("2026-11-25", "09:00").has_changed() is True


def test_a_disabled_field_keeps_its_moment_whatever_is_sent():
    class Form(forms.Form):
        at = MomentField(zone="Europe/Zurich", disabled=True)

    form = sent("2020-01-01", "00:00", form=Form, initial={"at": utc("2026-10-25T01:30")})
    assert form.is_valid()
    assert form.cleaned_data == {"at": utc("2026-10-25T01:30")}
    assert form.has_changed() is False


def test_the_zones_to_choose_from_are_places_in_order_and_utc():
    groups = dict(zone_choices("Europe/Zurich"))
    assert list(groups) == [
        "UTC", "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian",
        "Pacific",
    ]  # fmt: skip
    assert groups["UTC"] == [("UTC", "UTC")]
    names = [name for region, names in groups.items() if region != "UTC" for name, _label in names]
    assert names == sorted(names) and len(names) > 350 and set(names) <= zones()
    assert {"Europe/Zurich", "Africa/Ndjamena", "America/Argentina/Buenos_Aires", "Pacific/Apia"} <= set(
        names
    )
    assert {name for name in names if name.startswith(("Etc", "US/", "posix"))} == set()


def test_a_zone_with_another_kind_of_name_is_offered_where_the_form_holds_it():
    assert zone_choices("US/Eastern")[0] == ("UTC", [("UTC", "UTC"), ("US/Eastern", "US/Eastern")])
    form = sent("2026-11-25", "09:00", "US/Eastern")
    assert form.is_valid() and form.cleaned_data["at"] == utc("2026-11-25T14:00")
    assert chosen_zone(str(form["at"])) == ["US/Eastern"]


def test_what_was_typed_is_escaped():
    html = str(sent("<b>", '"><script>', "<i>", "<u>")["at"])
    assert re.findall("<(b|script|i|u)>", html) == []
    assert '"&gt;' not in html and "&quot;&gt;&lt;script&gt;" in html
