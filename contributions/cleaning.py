"""From the cells of a file to lines as they can be stored: set-wise, a chunk of rows at a time.

Each column is cleaned by its widget's rule, each distinct cell once; then the rules over several cells of a
row. What is wrong is told by line, column and value, all of it, and the line is left out of the stage.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from operations.cells import clean_amount, clean_name, mixed_script, read_amount
from operations.headings import same_heading
from operations.importing import CellError, shown
from operations.reading import FORMULA
from operations.tables import Unreadable

from .models import line_digest

REMEMBERED = 20_000  # distinct cells of a column; more are forgotten, not refused
MOST_WARNINGS = 500  # of each kind that are kept with their lines; all are counted

PLAIN_CENTS = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,2}))?")
DOLLARS = re.compile(r"\$|\bUSD\b")
ROUNDED = 100  # cents by which a source may round what it gives in US dollars twice
NO_CURRENCY = gettext_lazy("The currency is missing. Write its code, such as USD.")
MAY_SAY_TOTAL = ("reference", "date", "donor", "operation")

# A line of a file as it is staged: in the order of ``staging.COLUMNS``, without the batch.
Staged = tuple[Any, ...]


class Bad:
    """A cell that its rule refuses, and what to say about it."""

    __slots__ = ("message",)

    def __init__(self, message: str) -> None:
        self.message = message


class NoRecord(Bad):
    """A cell that shows that its line is no record at all, which is the line's one error."""


class HeaderAgain(NoRecord):
    """A cell that says what its header says; the line may be the header once more."""


class Column:
    """One column of a file: its rule, and what the rule said of the cells that came before."""

    def __init__(self, clean: Callable[[Any], Any], *, required: bool = False, typed: bool = False) -> None:
        """``typed``: the cells are a workbook's, where a date is no text and a formula looks like one."""
        self.rule, self.required, self.typed = clean, required, typed
        self.known: dict[Any, Any] = {}
        self.has_bad = False  # whether any cell so far was

    def __call__(self, cells: Sequence[Any]) -> list[Any]:
        """The value of each cell, or ``Bad``."""
        known = self.known
        if self.typed:
            return [self.clean(cell, (type(cell), cell)) for cell in cells]
        try:
            return [known[cell] for cell in cells]
        except KeyError:
            if len(known) > REMEMBERED:
                known.clear()
            return [known[cell] if cell in known else self.clean(cell, cell) for cell in cells]

    def clean(self, cell: Any, name: Any) -> Any:
        if name in self.known:
            return self.known[name]
        try:
            if isinstance(cell, Unreadable):
                raise ValueError(cell.reason)
            value = self.rule(cell)
            if self.required and value in (None, ""):
                raise ValueError(_("This cell is empty, but every line needs it."))
        except ValueError as error:
            value = Bad(str(error))
        if isinstance(value, Bad):
            self.has_bad = True
        self.known[name] = value
        return value


def to_cents(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount.scaleb(2))


@dataclass
class Sums:
    """What the amounts of a file make, exactly and as stored; in cents where they are whole."""

    cents: int = 0
    finer: Decimal = Decimal(0)  # of the amounts finer than a cent, as given
    rounded: int = 0  # how many those are
    rounded_cents: int = 0

    @property
    def exact(self) -> Decimal:
        return Decimal(self.cents).scaleb(-2) + self.finer

    @property
    def stored(self) -> Decimal:
        return Decimal(self.cents + self.rounded_cents).scaleb(-2)


class Amounts:
    """A column of amounts, as whole cents: most are plain numbers, which need no rule to be read."""

    def __init__(self, *, round_to_cents: bool, decimal: str = ".", typed: bool = False) -> None:
        self.round_to_cents, self.decimal, self.typed = round_to_cents, decimal, typed
        self.finer: dict[Any, Decimal] = {}  # cells of the last chunk that are finer than a cent, as given

    def __call__(self, cells: Sequence[Any], currencies: Sequence[str] | None = None) -> list[Any]:
        """Cents, ``None`` or ``Bad`` of each cell; ``currencies``: of each, where not US dollars."""
        self.finer = {}
        plain = PLAIN_CENTS.fullmatch if self.decimal == "." else None
        out: list[Any] = []
        for place, cell in enumerate(cells):
            if plain and type(cell) is str and (match := plain(cell)):
                sign, whole, fraction = match.groups()
                cents = int(whole) * 100 + (int(fraction.ljust(2, "0")) if fraction else 0)
                out.append(-cents if sign else cents)
            else:
                out.append(self.clean(cell, currencies[place] if currencies else "USD"))
        return out

    def clean(self, cell: Any, currency: str) -> Any:
        try:
            if isinstance(cell, Unreadable):
                raise ValueError(cell.reason)
            options = {"currency": currency, **({} if self.decimal == "." else {"decimal": self.decimal})}
            amount = clean_amount(cell, round_to_cents=self.round_to_cents, **options)
            if amount is not None and (exact := read_amount(cell, **options)) != amount:
                self.finer[cell] = exact
            return to_cents(amount)
        except ValueError as error:
            return Bad(str(error))


class Warned(NamedTuple):
    """Something that is taken and should be looked at; ``code``: “footnote”, “formula” or “scripts”."""

    code: str
    line: int
    column: str
    value: str
    message: str


@dataclass
class Cleaned:
    """What became of a chunk: lines to stage, and what is wrong with the others."""

    staged: list[Staged] = field(default_factory=list)
    problems: list[CellError] = field(default_factory=list)
    bad_lines: int = 0
    warnings: list[Warned] = field(default_factory=list)


class LineCleaner:
    """Cleans the rows of one file by one mapping; keeps the sums of what it has cleaned."""

    def __init__(
        self,
        resource: Any,
        headers: Sequence[str],
        mapping: dict[str, str],
        *,
        constants: dict[str, str] | None = None,
        decimal: str = ".",
        typed: bool = False,
    ) -> None:
        """``mapping``: header → column; ``constants``: column → the cell that every line has."""
        self.resource, self.headers, self.typed = resource, list(headers), typed
        self.place = {column: self.headers.index(header) for header, column in mapping.items()}
        self.constants = {name: cell for name, cell in (constants or {}).items() if name not in self.place}
        self.order = {name: place for place, name in enumerate([*mapping.values(), *self.constants])}
        self.header_of = {column: header for header, column in mapping.items()}
        self.has = {*self.place, *self.constants}
        amounts = {"round_to_cents": resource.round_to_cents, "decimal": decimal, "typed": typed}
        self.usd, self.amount, self.sums = Amounts(**amounts), Amounts(**amounts), Sums()
        self.columns = {
            name: Column(self.rule_of(name), required=name in resource.required, typed=typed)
            for name in self.has - {"amount_usd", "amount"}
        }
        self.donors: dict[tuple[str, str], Any] = {}
        self.odd: dict[Any, list[tuple[str, str]]] = {}  # cells with a donor to look at, and why
        self.warned: Counter[str] = Counter()  # lines of each kind of warning

    def rule_of(self, name: str) -> Callable[[Any], Any]:
        """What a cell of the column is staged as, or ``Bad``."""
        clean = next(f.widget for f in self.resource.fields.values() if f.column_name == name).clean
        rule = {
            "operation": self.resource.operation_of,
            "donor": self.looked_at(clean),
            "date": lambda cell: found.isoformat() if (found := clean(cell)) else None,
        }.get(name, clean)
        if name not in MAY_SAY_TOTAL and name != next(iter(self.place), ""):
            return rule

        def no_record_or(cell: Any) -> Any:
            if type(cell) is str and cell:
                if name in MAY_SAY_TOTAL and self.resource.is_total(cell):
                    said = "This line is a total. Take it out of the file: imported, it would count everything twice."
                    return NoRecord(_(said))
                if name in self.header_of and same_heading(cell, self.header_of[name]):
                    return HeaderAgain(_("This line repeats the header. Take it out of the file."))
            return rule(cell)

        return no_record_or

    def looked_at(self, clean: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The rule of the donors, which also remembers the cells that a person should look at."""

        def rule(cell: Any) -> Any:
            name = clean(cell)
            if type(cell) is str and len(self.odd) < REMEMBERED and (said := list(oddities(cell, name))):
                self.odd[cell] = said
            return name

        return rule

    def clean(self, lines: Sequence[int], rows: Sequence[Sequence[Any]]) -> Cleaned:
        """``rows``: as wide as the header; ``lines``: where each begins."""
        cleaned, count = Cleaned(), len(rows)
        across = list(zip(*rows, strict=True))
        raw = {name: across[place] for name, place in self.place.items()}
        raw |= {name: (cell,) * count for name, cell in self.constants.items()}
        wrong: dict[int, list[tuple[str, str]]] = {}  # place in the chunk → (column, message) of each error

        def refuse(place: int, column: str, message: str) -> None:
            said = wrong.setdefault(place, [])
            if place not in whole and all(column != other for other, _message in said):
                said.append((column, message))

        values = {name: column(raw[name]) for name, column in self.columns.items()}
        whole: set[int] = set()
        whole |= set(self.no_records(values, raw, refuse))
        for name, column in self.columns.items():
            if column.has_bad:
                for place, value in enumerate(values[name]):
                    if isinstance(value, Bad):
                        message = value.message
                        if name == "operation" and type(raw[name][place]) is str:
                            self.resource.missed_operations[raw[name][place]] += place not in whole
                        if isinstance(value, HeaderAgain):  # the header's word in a line of its own
                            message = self.said_of(name, raw[name][place])
                        refuse(place, name, message)
        blank, nothing = [""] * count, [None] * count
        dates = values.get("date", nothing)
        operations = values.get("operation", nothing)
        tokens = self.tokens(values.get("donor", nothing), values.get("donor_type", blank), refuse)
        currencies = [cell if type(cell) is str else "" for cell in values.get("currency", blank)]
        usd, original = self.money(raw, currencies, values.get("currency"), refuse)
        if not self.resource.may_everywhere:
            named = raw.get("operation", nothing)
            for place, (cell, operation) in enumerate(zip(named, operations, strict=True)):
                if operation is None and not cell:
                    said = _("Name the operation: you may import contributions to some operations alone.")
                    refuse(place, "operation", said)
        years = values.get("budget_year", nothing)
        references, earmarkings = values.get("reference", blank), values.get("earmarking", blank)
        descriptions = values.get("description", blank)
        for place in range(count):
            if place in wrong:
                continue
            date, reference = dates[place], references[place]
            token, token_hex = tokens[place]
            year, operation, earmarking = years[place] or int(date[:4]), operations[place], earmarkings[place]
            cleaned.staged.append((
                lines[place], reference, token_hex, date, operation, year, usd[place], currencies[place],
                original[place], earmarking, descriptions[place],
                line_digest(reference, token, date, operation, year, earmarking),
            ))  # fmt: skip
        cleaned.bad_lines = len(wrong)
        cleaned.problems = [
            CellError(lines[place], column, shown(raw[column][place]) if column in raw else "", message)
            for place in sorted(wrong)
            for column, message in sorted(wrong[place], key=lambda said: self.order.get(said[0], -1))
        ]
        if self.odd:
            cleaned.warnings = list(self.warnings(lines, raw["donor"]))
        self.add_up(raw, usd, wrong)
        return cleaned

    def warnings(self, lines: Sequence[int], cells: Sequence[Any]) -> Iterator[Warned]:
        for line, cell in zip(lines, cells, strict=True):
            for code, said in self.odd.get(cell, ()):
                self.warned[code] += 1
                if self.warned[code] <= MOST_WARNINGS:
                    yield Warned(code, line, "donor", shown(cell), said)

    def no_records(
        self, values: dict[str, list[Any]], raw: dict[str, Sequence[Any]], refuse: Callable[..., None]
    ) -> Iterable[int]:
        """The lines that are no record at all, which is their one error: totals, and the header once more."""
        for name in [name for name, column in self.columns.items() if column.has_bad]:
            for place, value in enumerate(values[name]):
                if type(value) is NoRecord:
                    refuse(place, name, value.message)
                    yield place
                elif type(value) is HeaderAgain and all(
                    not cells[place] or same_heading(str(cells[place]), self.header_of[column])
                    for column, cells in raw.items()
                    if column in self.place
                ):
                    refuse(place, "", value.message)
                    yield place

    def said_of(self, name: str, cell: Any) -> str:
        widget = next(f.widget for f in self.resource.fields.values() if f.column_name == name)
        try:
            widget.clean(cell)
        except ValueError as error:
            return str(error)
        return _("This cell repeats the header of its column.")

    def tokens(
        self, names: Sequence[Any], kinds: Iterable[Any], refuse: Callable[..., None]
    ) -> list[tuple[str, str] | None]:
        """The token of each line's donor, plain and as it is staged; found once for each pair of name and class."""
        known, out = self.donors, []
        kinds = [kind if type(kind) is str else "" for kind in kinds]
        for place, pair in enumerate(zip(names, kinds, strict=True)):
            if pair not in known:
                known[pair] = self.find_donor(*pair)
            found = known[pair]
            if type(found) is CellError:
                refuse(place, found.column, found.message)
                self.resource.miss(pair)
            out.append(found)
        return out

    def find_donor(self, name: Any, kind: str) -> Any:
        if type(name) is not str:
            return None
        found = self.resource.donor_of(name, kind)
        if type(found) is tuple:
            return CellError(0, found[0], "", found[1])
        return str(found.token), found.token.hex

    def money(
        self,
        raw: dict[str, Sequence[Any]],
        currencies: list[str],
        given: list[Any] | None,
        refuse: Callable[..., None],
    ) -> tuple[list[Any], list[Any]]:
        """US dollars and the original amount of each line, in cents; a currency that is not given is filled in.

        The amount is as it was given, in the currency of the line; ``None`` where that says the same once more.
        """
        count = len(currencies)
        has_usd, has_amount = "amount_usd" in self.has, "amount" in self.has
        column = "amount_usd" if has_usd else "amount"
        no_currency, unsaid = set(), set()
        for place, currency in enumerate(currencies):
            if currency:
                continue
            text = raw["amount"][place] if has_amount else ""
            if given is not None and isinstance(given[place], Bad):
                no_currency.add(place)
            elif has_amount and not has_usd and given is not None and text and not DOLLARS.search(str(text)):
                no_currency.add(place)
                refuse(place, "currency", str(NO_CURRENCY))
            elif has_amount and not DOLLARS.search(str(text)):
                unsaid.add(place)
            currencies[place] = "USD"
        usd = self.usd(raw["amount_usd"]) if has_usd else [None] * count
        original: list[Any] = [None] * count
        if has_amount:
            original = self.amount(raw["amount"], currencies)
        for place in range(count):
            amount, dollars = original[place], usd[place]
            if type(amount) is Bad and place not in no_currency:
                refuse(place, "amount", amount.message)
            if type(dollars) is Bad:
                refuse(place, "amount_usd", dollars.message)
                continue
            if type(amount) is Bad or place in no_currency:
                continue
            if not has_usd and currencies[place] == "USD":
                dollars = usd[place] = amount
            if dollars is None:
                said = _("The amount in US dollars is missing. A line without it cannot be counted.")
                refuse(place, column, said)
            elif dollars == 0:
                refuse(place, column, _("The amount is zero. Leave the line out."))
            elif amount is not None and currencies[place] == "USD" and abs(amount - dollars) > ROUNDED:
                if place in unsaid:
                    refuse(place, "currency", str(NO_CURRENCY))
                else:
                    refuse(
                        place,
                        "amount",
                        _("The line gives two different amounts in US dollars. Which one is it?"),
                    )
            elif amount is not None and (amount * dollars < 0 or (not amount and abs(dollars) > ROUNDED)):
                refuse(
                    place,
                    "amount",
                    _("This amount and that in US dollars differ in their sign, or one is zero."),
                )
            elif amount == dollars and currencies[place] == "USD":
                original[place] = None  # a file that gives it once means the same
        return usd, original

    def add_up(self, raw: dict[str, Sequence[Any]], usd: Sequence[Any], wrong: dict[int, Any]) -> None:
        finer = self.usd.finer if "amount_usd" in self.has else self.amount.finer
        if not finer and not wrong:
            self.sums.cents += sum(usd)
            return
        cells = raw["amount_usd" if "amount_usd" in self.has else "amount"]
        for place, cents in enumerate(usd):
            if place in wrong or not isinstance(cents, int):
                continue
            if cells[place] in finer:
                self.sums.finer += finer[cells[place]]
                self.sums.rounded += 1
                self.sums.rounded_cents += cents
            else:
                self.sums.cents += cents


def oddities(cell: str, name: str) -> Iterable[tuple[str, str]]:
    """What is worth a look about a donor's name, though it is taken: codes and sentences."""
    if mark := clean_name(cell)[1]:
        said = _(
            "“%(mark)s” behind “%(name)s” is taken for the mark of a footnote, not for a part of the name."
        )
        yield "footnote", said % {"mark": mark, "name": shown(name)}
    if FORMULA.match(name):
        yield "formula", _("“%s” begins like a formula. It is kept as text.") % shown(name)
    if scripts := mixed_script(name):
        said = _(
            "“%(name)s” mixes letters of several alphabets in one word (%(scripts)s). Is it a known donor?"
        )
        yield "scripts", said % {"name": shown(name), "scripts": ", ".join(scripts)}
