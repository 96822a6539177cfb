"""Warnings about shares, years and words of the wrong kind of text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..calculations import share
from ..cells import listed, shortened
from .draft import Draft, Level, Remark, check, key_figures, narrative_texts, sections
from .languages import FUNDED, NOT_PLAN_WORDS, PLAN_WORDS, PLANNED, REPORT_WORDS
from .profile import totals
from .reading import Number, folded, numbers, plain, read, sentence_at, sentences


@check("funded-share", Level.WARNING)
def funded_share(draft: Draft) -> Iterator[Remark]:
    for where, place, number, sentence, year in _funded(draft):
        figures = totals(draft.profile or {})
        whole = figures.get(("budget", year))
        places = max(0, -int(number.step.as_tuple().exponent))
        given = {
            measure: share(figures.get((measure, year)), whole, places)
            for measure in ("funds_available", "expenditure")
        }
        known = {measure: percent for measure, percent in given.items() if percent is not None}
        if number.value in known.values():
            continue
        values = {"number": number.text, "year": year}
        if known:
            shares = {
                "funds_available": _("the funds available are %(percent)s%% of the budget"),
                "expenditure": _("expenditure is %(percent)s%% of the budget"),
            }
            values["shares"] = listed(shares[m] % {"percent": percent} for m, percent in known.items())
            message = _(
                "No figure of %(year)d gives “%(number)s funded”: %(shares)s. Correct the share or the figures, or say where it comes from."
            )
            if "funds_available" not in known:
                message = _(
                    "No figure of %(year)d gives “%(number)s funded”: %(shares)s, and the profile has no funds available. Correct the share, enter the funds available, or say where it comes from."
                )
        else:
            message = _(
                "“%(number)s funded” cannot be checked: the profile has no budget, or neither funds available nor expenditure, for %(year)d. Enter them, or say where the share comes from."
            )
        shares = (f"{measure} {percent}" for measure, percent in known.items())
        yield Remark(where, message % values, (number.text, sentence, year, *shares), place)


def _funded(draft: Draft) -> Iterator[tuple[str, str, Number, str, int]]:
    """Each percentage that is said to be funded: where, place, number, its sentence, and the year it is said of."""
    word = re.compile(FUNDED.get(draft.language, FUNDED["en"]), re.IGNORECASE)
    for where, place, text in narrative_texts(draft):
        for sentence in sentences(text):
            all_numbers = numbers(sentence, draft.language)
            years = [int(n.value) for n in all_numbers if n.is_year]
            for match in word.finditer(sentence):
                near = [
                    (max(n.start - match.end(), match.start() - n.end), n)
                    for n in all_numbers
                    if n.is_percent
                ]
                gap, number = min(near, key=lambda pair: pair[0], default=(99, None))
                if number and gap <= 40:
                    said_of = years[0] if len(years) == 1 else draft.year
                    yield where, place, number, folded(sentence), said_of
    for count, figure in key_figures(draft.content):
        text = plain(figure.get("text"))
        in_value = numbers(str(figure.get("value") or ""), "en")
        if word.search(text) and len(in_value) == 1 and in_value[0].is_percent:
            yield f"key_figures.{count}", f"key figure: {folded(text)}", in_value[0], folded(text), draft.year


@check("plan-words", Level.WARNING)
def plan_words(draft: Draft) -> Iterator[Remark]:
    if draft.kind != "year_end":
        return
    for where, place, text in narrative_texts(draft):
        words = [PLAN_WORDS, PLANNED] if where.startswith("key_figures.") else [PLAN_WORDS]
        said = _said(text, [of_language.get(draft.language) for of_language in words])
        if said:
            message = _(
                "This reports on %(year)d but speaks of what is still to come: “%(sentence)s” (%(words)s). Write what happened, or move it to the plan."
            )
            yield _of_words(where, place, message, draft, said)


@check("report-words", Level.WARNING)
def report_words(draft: Draft) -> Iterator[Remark]:
    if draft.kind != "plan":
        return
    for where, place, text in narrative_texts(draft):
        is_figure = where.startswith("key_figures.")
        planned = [PLAN_WORDS.get(draft.language), PLANNED.get(draft.language)]
        said = [
            (sentence, words)
            for sentence, words in _said(text, [REPORT_WORDS.get(draft.language)])
            if not _said(sentence, planned)
            and (
                is_figure
                or any(n.is_year and n.value <= draft.year for n in numbers(sentence, draft.language))
            )
        ]
        if said:
            message = _(
                "This is a plan for %(year)d but reports what was done: “%(sentence)s” (%(words)s). Write what is planned, or move it to the year-end text."
            )
            yield _of_words(where, place, message, draft, said)


Said = list[tuple[str, list[str]]]


def _said(text: str, patterns: Iterable[str | None]) -> Said:
    """The sentences that hold words of the patterns, with these words."""
    found = []
    for sentence in sentences(text):
        words = [m[0].strip() for p in patterns if p for m in re.finditer(p, sentence.replace("'", "’"))]
        if words := [word for word in dict.fromkeys(words) if word not in NOT_PLAN_WORDS]:
            found.append((sentence, words))
    return found


def _of_words(where: str, place: str, message: str, draft: Draft, said: Said) -> Remark:
    words = dict.fromkeys(word for _sentence, found in said for word in found)
    values = {"year": draft.year, "sentence": shortened(said[0][0]), "words": listed([*words][:5])}
    return Remark(
        where, message % values, tuple(sorted(folded(sentence) for sentence, _words in said)), place
    )


@check("other-years", Level.WARNING)
def other_years(draft: Draft) -> Iterator[Remark]:
    naming = [
        (int(number.value), folded(sentence_at(text, number.start)))
        for _where, _place, text in narrative_texts(draft)
        for number in numbers(text, draft.language)
        if number.is_year and abs(number.value - draft.year) <= 10  # not the 1951 Convention
    ]
    named = {year for year, _sentence in naming}
    if named and draft.year not in named:
        message = ngettext(
            "This is the text of %(year)d, but the only year it names is %(years)s. Was it copied? Correct the years, or say why.",
            "This is the text of %(year)d, but the only years it names are %(years)s. Was it copied? Correct the years, or say why.",
            len(named),
        )
        values = {"year": draft.year, "years": listed(map(str, sorted(named)))}
        yield Remark("", message % values, tuple(sorted(set(naming))))


@check("copied-from-last-year", Level.WARNING)
def copied_from_last_year(draft: Draft) -> Iterator[Remark]:
    before = {code: folded(read(html).text) for code, html in sections(draft.last_year or {})}
    for code, html in sections(draft.content):
        text = folded(read(html).text)
        if text and before.get(code) == text:
            message = _(
                "“%(heading)s” is word for word that of last year. Write what is new, or say that nothing has changed."
            )
            yield Remark(code, message % {"heading": draft.heading(code)}, (text,))
