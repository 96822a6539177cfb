"""Two frozen contents compared: their texts word by word, their figures and facts one by one.

Pure: reads the contents that ``editions.freeze`` made and touches no database. What no reader can see is left
out: the shape, the edition that a text was translated from, the order numbers of reference data.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _
from django_countries import countries

from .drawings import isolated, measure_label
from .models import FinancialFigure, MissingReason, Office, Operation
from .profiles import in_language
from .templatetags.figures import MISSING, day, number, usd_cents
from .word_diff import Block, alike, compare_blocks, in_order, parse

Content = dict[str, Any]
Key = tuple[Hashable, ...]


@dataclass(frozen=True)
class Stretch:
    blocks: list[Block]
    is_folded: bool  # unchanged, and not beside a change


@dataclass(frozen=True)
class TextChange:
    """What changed in one section."""

    code: str
    heading: str
    blocks: list[Block]

    @property
    def kind(self) -> str:
        """Of the whole text "added" or "removed", else "changed"."""
        kinds = {block.kind for block in self.blocks}
        return kinds.pop() if len(kinds) == 1 else "changed"

    @property
    def stretches(self) -> list[Stretch]:
        """The blocks, two and more unchanged ones folded; one block beside each change stays open."""
        changed = [block.kind != "same" for block in self.blocks]
        stretches: list[Stretch] = []
        for i, block in enumerate(self.blocks):
            is_folded = not any(changed[max(i - 1, 0) : i + 2])
            if stretches and stretches[-1].is_folded == is_folded:
                stretches[-1].blocks.append(block)
            else:
                stretches.append(Stretch([block], is_folded))
        return [Stretch(s.blocks, s.is_folded and len(s.blocks) > 1) for s in stretches]


@dataclass(frozen=True)
class FigureChange:
    """A figure or a fact, before and after, as printed for the reader."""

    label: str
    before: str  # "" where there was none
    after: str  # "" where there is none any more
    year: int | None
    what: str  # "key_figure", "people", "money" or "fact"
    language: str = ""  # of what is printed, where that is not the reader's
    said: str = ""  # what the label quotes in that language


@dataclass(frozen=True)
class Comparison:
    texts: list[TextChange]  # the sections that changed, in the order of the newer text
    figures: list[FigureChange]
    language: str  # of the text; "" for a profile

    def __bool__(self) -> bool:
        return bool(self.texts or self.figures)

    @property
    def direction(self) -> str:
        return "rtl" if self.language and get_language_info(self.language)["bidi"] else "ltr"


def compare(before: Content | None, after: Content | None, year: int | None = None) -> Comparison:
    """What changed from ``before`` to ``after``; ``None`` for what was not yet, or is no longer, there.

    ``year`` keeps of a profile the figures of that year and the facts that have no year. What only staff may see
    is compared where both contents hold it. Labels take the names of ``after`` where reference data were renamed.
    ValueError for a profile and a text.
    """
    given = [content for content in (before, after) if content is not None]
    if not given:
        return Comparison([], [], "")
    is_text = "sections" in given[0]
    if any(("sections" in content) != is_text for content in given):
        raise ValueError(_("A profile and a text cannot be compared with each other."))
    with_private = all("private" in content for content in given)
    if is_text:
        figures = [*_key_figures(before, after, with_private), *_section_facts(before, after)]
        return Comparison(_texts(before, after), figures, given[-1]["language"])
    facts = [{} if c is None else dict(_profile_facts(c, with_private)) for c in (before, after)]
    figures = [change for change in _changes(*facts) if year is None or change.year in (None, year)]
    return Comparison([], figures, "")


# --- figures and facts of a profile ---------------------------------------------------------------


@dataclass(frozen=True)
class Fact:
    label: str
    printed: str
    year: int | None = None
    what: str = "fact"
    value: Hashable = None  # what tells it from another, where that is not how it is printed
    language: str = ""  # of what is printed, where that is not the reader's
    of: Key = ()  # shown only where both contents have this one: a new figure's source is not a change


def _changes(before: dict[Key, Fact], after: dict[Key, Fact]) -> list[FigureChange]:
    changes = []
    for key in in_order(list(before), list(after)):
        old, new = before.get(key), after.get(key)
        fact = new or old
        if fact is None or (fact.of and not (fact.of in before and fact.of in after)):
            continue
        if old and new and (old.value or old.printed) == (new.value or new.printed):
            continue
        printed = (old.printed if old else "", new.printed if new else "")
        if any(printed):
            changes.append(FigureChange(fact.label, *printed, fact.year, fact.what, fact.language))
    return sorted(changes, key=lambda change: ("people", "money", "fact").index(change.what))


def _profile_facts(content: Content, with_private: bool) -> Iterator[tuple[Key, Fact]]:
    yield from _population(content)
    yield from _finance(content)
    yield from _operation(content)
    yield from _offices(content["offices"], True)
    if with_private:
        yield from _offices(content["private"]["offices"], False)


def _population(content: Content) -> Iterator[tuple[Key, Fact]]:
    types = {entry["code"]: in_language(entry["name"]) for entry in content["population_types"]}
    for figure in content["population"]:
        name = types.get(figure["type"], figure["type"]) if figure["type"] else _("All people")
        label = _in_year(name, figure["year"])
        printed = _or_reason(figure, figure["people"], number)
        yield from _figure(("people", figure["year"], figure["type"]), label, printed, figure)
    for entry in content["population_types"]:
        yield from _names(("type", entry["code"]), entry["name"])


def _finance(content: Content) -> Iterator[tuple[Key, Fact]]:
    pillars = {entry["code"]: in_language(entry["name"]) for entry in content["pillars"]}
    for figure in content["finance"]:
        name = measure_label(figure["measure"])
        if figure["status"] != FinancialFigure.Status.CURRENT:
            name = f"{name} ({FinancialFigure.Status(figure['status']).label})"
        if figure["pillar"]:
            name = f"{name} · {pillars.get(figure['pillar'], figure['pillar'])}"
        amount = None if figure["amount_usd"] is None else Decimal(figure["amount_usd"])
        key = ("money", figure["year"], figure["measure"], figure["pillar"], figure["status"])
        yield from _figure(key, _in_year(name, figure["year"]), _or_reason(figure, amount, usd_cents), figure)
    for entry in content["pillars"]:
        yield from _names(("pillar", entry["code"]), entry["name"])


def _figure(key: Key, label: str, printed: str, figure: Content) -> Iterator[tuple[Key, Fact]]:
    year = figure["year"]
    yield key, Fact(label, printed, year, str(key[0]))
    as_of, source = _("%(figure)s: as of") % {"figure": label}, _("%(figure)s: source") % {"figure": label}
    yield (*key, "as_of"), Fact(as_of, day(figure["as_of"] or ""), year, of=key)
    yield (*key, "source"), Fact(source, figure["source"], year, of=key)


def _operation(content: Content) -> Iterator[tuple[Key, Fact]]:
    def named(field: str, printed: Any, value: Hashable = None) -> tuple[Key, Fact]:
        label = capfirst(str(Operation._meta.get_field(field).verbose_name))
        return (field,), Fact(label, "" if printed is None else str(printed), value=value)

    for field in ("name", "notice"):
        label = capfirst(str(Operation._meta.get_field(field).verbose_name))
        for language, text in content[field].items():
            yield (field, language), Fact(_of_language(label, language), text, language=language)
    region, predecessor = content["region"], content["predecessor"]
    yield named("kind", Operation.Kind(content["kind"]).label)
    yield named("countries", " · ".join(countries.name(code) or code for code in content["countries"]))
    yield named("region", in_language(region["name"]) if region else "", region["code"] if region else None)
    if region:
        yield from _names(("region", region["code"]), region["name"])
    yield ("position",), Fact(_("Middle of the map"), _position(content))
    yield named("zoom", content["zoom"])
    yield named("first_year", content["first_year"])
    yield named("last_year", content["last_year"])
    yield named("predecessor", predecessor and predecessor["code"])
    yield ("address",), Fact(_("Address"), content["slug"])
    yield ("code",), Fact(capfirst(_("code")), content["code"])
    yield named("is_active", _("yes") if content["is_active"] else _("no"))


def _offices(offices: Iterable[Content], is_public: bool) -> Iterator[tuple[Key, Fact]]:
    group = _("Offices: %(name)s") if is_public else _("Offices (not public): %(name)s")
    for office in offices:
        key: Key = ("office", is_public, office["name"])
        label = group % {"name": isolated(office["name"])}
        kind, position = str(Office.Kind(office["kind"]).label), _position(office)
        approximate = _("approximate") if office["is_approximate"] else ""
        whole = (kind, position, approximate, in_language(office["description"]))
        yield key, Fact(label, " · ".join(filter(None, whole)), value=key)
        yield (*key, "kind"), Fact(_detail(label, _("kind")), kind, of=key)
        yield (*key, "position"), Fact(_detail(label, _("position")), position, of=key)
        precise = _("yes") if office["is_approximate"] else _("no")
        yield (*key, "approximate"), Fact(_detail(label, _("approximate")), precise, of=key)
        for language, text in office["description"].items():
            described = _of_language(_detail(label, _("description")), language)
            yield (*key, "description", language), Fact(described, text, language=language, of=key)


def _names(key: Key, names: dict[str, str], label: str = "") -> Iterator[tuple[Key, Fact]]:
    """The names of an entry of the reference data: they are changes where both contents have the entry."""
    of = ("names", *key)
    label = label or _("Name of “%(code)s”") % {"code": key[-1]}
    yield of, Fact("", "")
    for language, name in names.items():
        yield (*of, language), Fact(_of_language(label, language), name, language=language, of=of)


def _in_year(label: str, year: int) -> str:
    return _("%(label)s, %(year)s") % {"label": label, "year": year}


def _detail(label: str, detail: str) -> str:
    return _("%(label)s, %(detail)s") % {"label": label, "detail": detail}


def _of_language(label: str, language: str) -> str:
    name = get_language_info(language)["name_translated"]
    return _("%(label)s (%(language)s)") % {"label": label, "language": name}


def _or_reason(figure: Content, value: Any, print_value: Any) -> str:
    if value is not None:
        return print_value(value)
    reason = figure["missing_reason"]
    return f"{MISSING} {MissingReason(reason).label}" if reason else MISSING


def _position(content: Content) -> str:
    """Latitude and longitude as they are typed, without zeros at the end."""
    if content["latitude"] is None:
        return ""
    degrees = (f"{Decimal(content[axis]).normalize():f}" for axis in ("latitude", "longitude"))
    return isolated(", ".join(degrees))


# --- figures and facts of a text ------------------------------------------------------------------


def _key_figures(before: Content | None, after: Content | None, with_private: bool) -> list[FigureChange]:
    listed = [listed_figures(content, with_private) for content in (before, after)]
    text = after or before or {}
    year, language = text["year"], text["language"]
    changes, details = [], []
    pairs = matched(*listed)
    for old, new in pairs:
        a, b = old or {}, new or {}
        if old is None or new is None or a["text"] == b["text"]:
            said, printed = (new or old or {})["text"], (a.get("value", ""), b.get("value", ""))
        elif a["value"] == b["value"]:
            said, printed = a["value"], (a["text"], b["text"])
        else:
            said, printed = "", (f"{a['value']} {a['text']}", f"{b['value']} {b['text']}")
        label = _("Key figure: %(text)s") % {"text": isolated(said)} if said else _("Key figure")
        if printed[0] != printed[1]:
            changes.append(FigureChange(label, *printed, year, "key_figure", language, said))
        if old and new and a["source"] != b["source"]:
            source = _("%(figure)s: source") % {"figure": label}
            details.append(FigureChange(source, a["source"], b["source"], year, "fact", language, said))
        if old and new and a.get("measure", "") != b.get("measure", ""):
            measure = _("%(figure)s: measure that pairs plan and year-end") % {"figure": label}
            measures = (a.get("measure", ""), b.get("measure", ""))
            details.append(FigureChange(measure, *measures, year, "fact", language, said))
        if a.get("note", "") != b.get("note", ""):
            note = _("%(figure)s: note to editors (not public)") % {"figure": label}
            notes = (a.get("note", ""), b.get("note", ""))
            details.append(FigureChange(note, *notes, year, "fact", language, said))
    both = [pair for pair in pairs if pair[0] and pair[1]]
    orders = [sorted(both, key=lambda pair, side=side: pair[side]["place"]) for side in (0, 1)]
    if orders[0] != orders[1]:
        texts = (
            "; ".join(f"{pair[side]['value']} {pair[side]['text']}" for pair in orders[side])
            for side in (0, 1)
        )
        details.append(FigureChange(_("Order of the key figures"), *texts, year, "fact", language))
    return changes + details


def listed_figures(content: Content | None, with_private: bool) -> list[Content]:
    if content is None:
        return []
    figures = content["key_figures"]
    notes = content["private"]["editor_notes"] if with_private else [""] * len(figures)
    return [
        {**figure, "note": note, "place": place}
        for place, (figure, note) in enumerate(zip(figures, notes, strict=True))
    ]


def matched(before: list[Content], after: list[Content]) -> list[tuple[Content | None, Content | None]]:
    """Pairs in the order of ``after``: of the same text, else of the same value, else alike in the same place."""
    pairs: list[tuple[Content | None, Content | None]] = []
    old, new = list(before), list(after)

    def pair(key: Any) -> None:
        nonlocal old, new
        waiting: dict[Hashable, list[Content]] = {}
        for figure in old:
            waiting.setdefault(key(figure), []).append(figure)
        left = []
        for figure in new:
            same = waiting.get(key(figure))
            if same:
                pairs.append((same.pop(0), figure))
            else:
                left.append(figure)
        taken = {figure["place"] for figure, _new in pairs if figure}
        old, new = [figure for figure in old if figure["place"] not in taken], left

    pair(lambda figure: (figure["text"], figure["value"]))
    pair(lambda figure: figure["text"])
    pair(lambda figure: figure["value"])
    by_place = {figure["place"]: figure for figure in old}
    for figure in list(new):
        other = by_place.get(figure["place"])
        if other and alike(other["text"], figure["text"]):
            pairs.append((other, figure))
            old.remove(other)
            new.remove(figure)
    order = [*((figure, None) for figure in old), *((None, figure) for figure in new), *pairs]
    return sorted(order, key=lambda p: (p[1] or p[0] or {})["place"])


def _section_facts(before: Content | None, after: Content | None) -> list[FigureChange]:
    """Headings that read differently, and sections in another order, of the sections that both texts have."""
    if before is None or after is None:
        return []
    facts, orders = [], []
    for content, other in ((before, after), (after, before)):
        kept = {section["type"] for section in other["sections"]}
        sections = [section for section in content["sections"] if section["type"] in kept]
        facts.append(
            dict(f for s in sections for f in _names(("heading", s["type"]), s["heading"], _("Heading")))
        )
        orders.append(sections)
    changes = _changes(*facts)
    if [s["type"] for s in orders[0]] != [s["type"] for s in orders[1]]:
        printed = ("; ".join(in_language(section["heading"]) for section in order) for order in orders)
        changes.append(FigureChange(_("Order of the sections"), *printed, None, "fact"))
    return changes


# --- texts ----------------------------------------------------------------------------------------


def _texts(before: Content | None, after: Content | None) -> list[TextChange]:
    old, new = (
        {section["type"]: section for section in content["sections"]} if content else {}
        for content in (before, after)
    )
    changes = []
    for code in in_order(list(old), list(new)):
        bodies = (sections[code]["body"] if code in sections else "" for sections in (old, new))
        blocks = compare_blocks(*(parse(body) for body in bodies))
        if any(block.kind != "same" for block in blocks):
            heading = in_language((new.get(code) or old[code])["heading"])
            changes.append(TextChange(code, heading, blocks))
    return changes
