"""The books: what imports make of them in any order, how an import is taken back, and that sums follow."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections import Counter
from decimal import Decimal

import openpyxl
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contributions import importing, jobs, releasing, staging
from contributions.deciding import decide, decide_all, undecided
from contributions.importing import CannotImport, import_planned, read_file, receive
from contributions.models import (
    Contribution,
    DailySum,
    Donor,
    DonorAlias,
    ImportBatch,
    ImportSource,
    StagedLine,
)
from contributions.resources import ContributionResource
from operations.cells import fold_name
from operations.importing import Overtaken
from tests import factories
from tests.operations.test_importing import run

pytestmark = pytest.mark.django_db

HEADER = "reference,donor,date,budget_year,amount_usd,description"
SHOWN = ("reference", "donor__name_en", "date", "budget_year", "amount_usd", "description")


@pytest.fixture
def donors(db):
    return [factories.donor(name) for name in ("Norway", "Japan")]


def planned(*lines: str, header: str = HEADER, **options) -> ImportBatch:
    batch = receive("\n".join([header, *lines]).encode(), "gifts.csv", None, options=options)
    read_file(batch, ContributionResource())
    return batch


def load(*lines: str, header: str = HEADER, **options) -> ImportBatch:
    batch = planned(*lines, header=header, **options)
    decide_all(batch)
    batch.options["alike"] = batch.plan["alike"]
    batch.save()
    import_planned(batch, None, release_at=timezone.now())
    return batch


def counts(batch: ImportBatch) -> tuple[int, ...]:
    return tuple(batch.counts[name] for name in ("new", "changed", "unchanged", "withdrawn"))


def public(at: dt.datetime | None = None) -> Counter:
    return Counter(Contribution.objects.released(at).order_by().values_list(*SHOWN))


def sums_agree(at: dt.datetime | None = None) -> None:
    """What the kept sums say is what the lines make."""
    by = ("donor", "operation", "budget_year", "earmarking")
    lines = Counter()
    for *group, date, amount in Contribution.objects.released(at).values_list(*by, "date", "amount_usd"):
        lines[(*group, date)] += amount
    kept = Counter()
    for *group, date, amount in DailySum.objects.released(at).values_list(*by, "date", "amount_usd"):
        kept[(*group, date)] += amount
    assert {k: v for k, v in lines.items() if v} == {k: v for k, v in kept.items() if v}


# --- In any order -----------------------------------------------------------------------------------

LINES = st.lists(
    st.builds(
        lambda reference, donor, day, amount, text: f"{reference},{donor},2021-11-{day},2021,{amount},{text}",
        st.sampled_from(["R1", "r1", "R2", ""]),
        st.sampled_from(["Norway", "Japan"]),
        st.sampled_from([24, 25]),
        st.sampled_from([5, 6, 7]),
        st.sampled_from(["", "a"]),
    ),
    min_size=1,
    max_size=7,
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("import"), LINES),
        st.tuples(st.just("complete"), LINES),
        st.tuples(st.just("undo"), st.integers(0, 9)),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_whatever_is_imported_and_undone_the_books_hold_together(steps, donors):
    with transaction.atomic():
        standing: list[tuple[ImportBatch, Counter | None]] = []
        for step, what in steps:
            if step == "undo":
                if not standing:
                    continue
                place = what % len(standing)
                batch, before = standing.pop(place)
                releasing.undo(batch, None, "a mistake")
                if place == len(standing) and before is not None:
                    assert public() == before
                standing[place:] = [(later, None) for later, _before in standing[place:]]
            else:
                before = public()
                years = [2021] if step == "complete" else []
                batch = load(*what, complete_years=years)
                if batch.state == ImportBatch.State.IMPORTED:
                    standing.append((batch, before))
                else:
                    assert public() == before
                stated = Counter(line.rsplit(",", 2)[0].casefold() for line in what)
                found = Counter(
                    f"{r},{d},{date},{year}".casefold() for r, d, date, year, *_more in public().elements()
                )
                assert found == stated if step == "complete" else found >= stated
                again = planned(*what, complete_years=years)
                assert counts(again) == (0, 0, len(what), 0)
                again.staged.all().delete()
            current = Contribution.objects.current()
            assert Counter(current.values_list(*SHOWN)) == public()
            sums_agree()
        for batch, _before in reversed(standing):
            releasing.undo(batch, None)
        assert public() == Counter()
        sums_agree()
        transaction.set_rollback(True)


def test_an_undone_import_gives_back_exactly_what_was_public_before(donors):
    first = load("R1,Norway,2021-11-24,2021,5,a", "R2,Japan,2021-11-24,2021,7,b")
    before, at = public(), timezone.now()
    second = load("R1,Norway,2021-11-24,2021,6,a", "R3,Norway,2021-11-25,2021,8,c", complete_years=[2021])
    assert counts(second) == (1, 1, 0, 1)
    assert public() == Counter({
        ("R1", "Norway", dt.date(2021, 11, 24), 2021, Decimal("6.00"), "a"): 1,
        ("R3", "Norway", dt.date(2021, 11, 25), 2021, Decimal("8.00"), "c"): 1,
    })  # fmt: skip
    releasing.undo(second, None, "The wrong file.")
    assert public() == public(at) == before
    second.refresh_from_db()
    assert (second.withdrawn_because, second.state) == ("The wrong file.", "imported")
    with pytest.raises(CannotImport, match="not in the books"):
        releasing.undo(second, None)
    # The same file can be imported again, and is new again.
    assert counts(load("R1,Norway,2021-11-24,2021,6,a", "R3,Norway,2021-11-25,2021,8,c")) == (1, 1, 0, 0)
    releasing.undo(first, None)
    assert {line[0] for line in public()} == {"R1", "R3"}  # what a later import brought stays
    sums_agree()


def test_a_line_that_was_withdrawn_comes_back_as_the_same_line(donors):
    load("R1,Norway,2021-11-24,2021,5,a", "R1,Norway,2021-11-24,2021,5,a")
    gone = load("R1,Norway,2021-11-24,2021,5,a", complete_years=[2021])
    assert counts(gone) == (0, 0, 1, 1)
    back = load("R1,Norway,2021-11-24,2021,5,a", "R1,Norway,2021-11-24,2021,5,a")
    assert counts(back) == (1, 0, 1, 0)
    releasing.undo(gone, None)
    assert Contribution.objects.released().count() == 2
    sums_agree()


def test_other_years_are_not_touched_by_a_file_that_is_complete_for_one(donors):
    load("R1,Norway,2021-11-24,2021,5,a", "R2,Norway,2021-11-24,2022,5,a")
    assert counts(load("R3,Norway,2021-11-24,2021,5,a", complete_years=[2021])) == (1, 0, 0, 1)
    assert {line[0] for line in public()} == {"R2", "R3"}


# --- Exactly the plan -------------------------------------------------------------------------------


def test_a_plan_that_is_overtaken_is_shown_again_and_not_carried_out(donors):
    mine = planned("R1,Norway,2021-11-24,2021,6,a")
    assert counts(mine) == (1, 0, 0, 0)
    load("R1,Norway,2021-11-24,2021,5,a")
    with pytest.raises(Overtaken):
        import_planned(mine, None, release_at=timezone.now())
    assert (mine.state, counts(mine), undecided(mine)) == ("planned", (0, 1, 0, 0), 1)
    assert mine.plan["totals"]["year"] == [
        {"name": "2021", "before": "5.00", "change": "1.00", "after": "6.00"}
    ]
    assert [line[4] for line in public()] == [Decimal("5.00")]
    with pytest.raises(CannotImport, match="Say of 1 changed line"):
        import_planned(mine, None, release_at=timezone.now())
    decide_all(mine)
    import_planned(mine, None, release_at=timezone.now())
    assert [line[4] for line in public()] == [Decimal("6.00")]


def test_a_plan_that_others_did_not_touch_is_carried_out_after_their_import(donors):
    mine = planned("R1,Norway,2021-11-24,2021,6,a")
    load("R9,Japan,2021-11-24,2021,5,a")
    import_planned(mine, None, release_at=timezone.now())
    assert {line[0] for line in public()} == {"R1", "R9"}


def test_the_donors_that_a_plan_makes_may_be_there_by_then(donors):
    lines, header = ["2021-11-24,Chile,government,5"], "date,donor,donor_type,amount_usd"
    mine = planned(*lines, header=header, new_donors=True)
    load(*lines, header=header, new_donors=True)
    with pytest.raises(Overtaken):
        import_planned(mine, None)
    assert mine.state == "new"  # to be read again
    read_file(mine, ContributionResource())
    assert counts(mine) == (0, 0, 1, 0)
    import_planned(mine, None)
    assert (mine.state, mine.released_at) == ("known", None)


def test_a_plan_whose_donor_is_gone_has_to_be_read_again_and_loses_no_line(donors):
    header = "date,donor,donor_type,amount_usd"
    mine = planned("2021-11-24,Norway,,5", "2021-11-24,Japan,,6", header=header)
    donors[1].delete()
    with pytest.raises(Overtaken):
        import_planned(mine, None)
    assert (mine.state, Contribution.objects.count()) == ("new", 0)
    with pytest.raises(CannotImport, match="Nothing was imported: read it again"):
        import_planned(mine, None)
    read_file(mine, ContributionResource())
    assert [problem.line for problem in mine.problems.all()] == [3]


def test_of_a_changed_line_a_person_says_what_it_is(donors):
    load(*(f"R{n},Norway,2021-11-24,2021,5,a" for n in range(3)))
    batch = planned(*(f"R{n},Norway,2021-11-24,2021,{n + 6},a" for n in range(3)))
    replace, keep, add = batch.staged.changed().order_by("line")
    decide(batch, {replace.pk: "r", keep.pk: "k", add.pk: "a"})
    assert (counts(batch), batch.counts["kept"], undecided(batch)) == ((1, 1, 0, 0), 1, 0)
    import_planned(batch, None, release_at=timezone.now())
    assert sorted((line[0], line[4]) for line in public().elements()) == [
        ("R0", Decimal("6.00")), ("R1", Decimal("5.00")), ("R2", Decimal("5.00")), ("R2", Decimal("8.00"))]  # fmt: skip
    assert not StagedLine.objects.exists()
    sums_agree()


def decided_plan() -> ImportBatch:
    """Three lines that differ from known ones: one replaces, one is left, one is another gift."""
    load(*(f"R{n},Norway,2021-11-24,2021,5,a" for n in range(3)))
    batch = planned(*(f"R{n},Norway,2021-11-24,2021,{n + 6},a" for n in range(3)))
    decide(batch, dict(zip(batch.staged.order_by("line").values_list("pk", flat=True), "rka", strict=True)))
    return batch


def decisions(batch: ImportBatch) -> list[tuple]:
    return list(batch.staged.order_by("line").values_list("state", "decision", "occurrence"))


def test_what_was_decided_is_carried_out_after_an_import_of_other_lines(donors):
    mine = decided_plan()
    load("R9,Japan,2021-11-24,2021,5,a")
    import_planned(mine, None, release_at=timezone.now())
    assert sorted((line[0], line[4]) for line in public().elements()) == [
        ("R0", Decimal("6.00")), ("R1", Decimal("5.00")), ("R2", Decimal("5.00")), ("R2", Decimal("8.00")),
        ("R9", Decimal("5.00"))]  # fmt: skip
    sums_agree()


@pytest.mark.parametrize(
    ("other", "left"),
    [
        ("R0,Norway,2021-11-24,2021,9,a", [("c", "", 1), ("k", "k", 1), ("a", "a", 2)]),
        ("R0,Norway,2021-11-24,2021,6,a", [("u", "", 1), ("k", "k", 1), ("a", "a", 2)]),
        ("R1,Norway,2021-11-24,2021,9,a", [("c", "r", 1), ("c", "", 1), ("a", "a", 2)]),
        ("R2,Norway,2021-11-24,2021,9,a", [("c", "r", 1), ("k", "k", 1), ("c", "", 1)]),
    ],
)
def test_what_was_decided_of_a_line_stands_until_the_known_one_is_another(donors, other, left):
    mine = decided_plan()
    assert decisions(mine) == [("c", "r", 1), ("k", "k", 1), ("a", "a", 2)]
    load(other)
    with pytest.raises(Overtaken):
        import_planned(mine, None, release_at=timezone.now())
    assert (decisions(mine), undecided(mine)) == (left, sum(state == ("c", "", 1) for state in left))
    decide_all(mine)
    import_planned(mine, None, release_at=timezone.now())
    assert mine.state == "imported"
    sums_agree()


def test_another_gift_makes_room_for_one_that_came_meanwhile(donors):
    mine = decided_plan()
    load("R2,Norway,2021-11-24,2021,5,a", "R2,Norway,2021-11-24,2021,7,a")
    with pytest.raises(Overtaken):
        import_planned(mine, None, release_at=timezone.now())
    assert decisions(mine) == [("c", "r", 1), ("k", "k", 1), ("a", "a", 3)]
    import_planned(mine, None, release_at=timezone.now())
    assert sorted(line[4] for line in public().elements() if line[0] == "R2") == [5, 7, 8]
    sums_agree()


def test_a_total_that_was_typed_has_to_be_the_files(donors):
    batch = planned("R1,Norway,2021-11-24,2021,6,a", "R2,Norway,2021-11-24,2021,7,a", control_total="13.50")
    with pytest.raises(CannotImport) as refused:
        import_planned(batch, None)
    assert str(refused.value) == (
        "The lines make US$ 13.00, and not US$ 13.50 as was typed: a difference of -0.50."
    )
    batch.options["control_total"] = "US$ 13"
    batch.save()
    import_planned(batch, None)
    assert batch.state == "imported"


def test_totals_before_and_after_are_of_what_the_import_touches(donors):
    load("R1,Norway,2021-11-24,2021,5,a", "R2,Japan,2021-11-24,2020,7,a")
    batch = planned("R1,Norway,2021-11-24,2021,6,a", "R3,Norway,2021-11-24,2022,1,a")
    assert batch.plan["totals"]["donor"] == [
        {"name": "Norway", "before": "5.00", "change": "2.00", "after": "7.00"}]  # fmt: skip
    assert batch.plan["totals"]["year"] == [
        {"name": "2021", "before": "5.00", "change": "1.00", "after": "6.00"},
        {"name": "2022", "before": "0.00", "change": "1.00", "after": "1.00"},
    ]
    assert batch.plan["totals"]["class"] == [
        {"name": "government", "before": "12.00", "change": "2.00", "after": "14.00"}]  # fmt: skip


def test_a_line_without_an_amount_in_its_currency_counts_as_dollars(donors):
    header = "date,donor,amount_usd,currency,amount"
    batch = planned("2021-11-24,Norway,391600,EUR,", "2021-11-24,Norway,110,EUR,100", header=header)
    assert [(row["name"], row["after"]) for row in batch.plan["totals"]["currency"]] == [
        ("USD", "391600.00"), ("EUR", "100.00")]  # fmt: skip


# --- Unknown names ----------------------------------------------------------------------------------


def test_an_unknown_donor_is_mapped_once_and_known_from_then_on(donors):
    header, lines = "date,donor,donor_type,amount_usd", ["2021-11-24,Norwya,government,5"] * 2
    batch = planned(*lines, header=header)
    assert batch.plan["unknown"]["donors"] == [
        {"name": "Norwya", "kind": "government", "lines": 2,
         "near": [{"token": str(donors[0].token), "name": "Norway"}]}]  # fmt: skip
    assert batch.plan["errors"] == 2
    batch.options["donors"] = {"norwya|government": {"is": str(donors[0].token)}}
    read_file(batch, ContributionResource())
    assert (batch.plan["errors"], batch.plan["aliases"]) == (0, [["Norwya", str(donors[0].token)]])
    import_planned(batch, None, release_at=timezone.now())
    assert counts(planned(*lines, header=header)) == (0, 0, 2, 0)


def test_an_unknown_donor_of_the_longest_name_is_mapped_though_it_folds_to_a_longer_one(donors):
    name = "\ufb03" * 200  # a ligature of three letters
    batch = planned(f"2021-11-24,{name},,5", header="date,donor,donor_type,amount_usd")
    batch.options["donors"] = {f"{fold_name(name)}|": {"is": str(donors[0].token)}}
    read_file(batch, ContributionResource())
    import_planned(batch, None, release_at=timezone.now())
    alias = DonorAlias.objects.get(donor=donors[0])
    assert (alias.name, alias.folded) == (name, "ffi" * 200)


def test_an_unknown_donor_can_be_confirmed_as_new(donors):
    header = "date,donor,donor_type,amount_usd"
    batch = planned("2021-11-24,Chile,,5", header=header)
    batch.options["donors"] = {"chile|": {"new": "government"}}
    read_file(batch, ContributionResource())
    import_planned(batch, None, release_at=timezone.now())
    assert [line[1] for line in public()] == ["Chile"]


def test_an_unknown_operation_is_mapped_to_a_known_one_and_never_made(donors):
    peru = factories.operation()
    batch = planned("2021-11-24,Norway,Peruu,5", header="date,donor,operation,amount_usd")
    assert batch.plan["unknown"]["operations"] == [
        {"text": "Peruu", "lines": 1, "near": [{"code": "PER", "name": "Peru"}]}]  # fmt: skip
    batch.options["operations"] = {"peruu": "PER"}
    read_file(batch, ContributionResource())
    import_planned(batch, None)
    assert Contribution.objects.get().operation == peru


# --- Released ---------------------------------------------------------------------------------------


def test_the_forms_of_a_line_are_released_in_their_order(donors):
    first = planned("R1,Norway,2021-11-24,2021,5,a")
    import_planned(first, None)
    second = planned("R1,Norway,2021-11-24,2021,6,a")
    decide_all(second)
    import_planned(second, None)
    with pytest.raises(CannotImport, match="Release that one first"):
        releasing.release(second, None)
    later = timezone.now() + dt.timedelta(days=1)
    releasing.release(first, None, later)
    with pytest.raises(CannotImport, match="Release that one first"):
        releasing.release(second, None)
    releasing.release(second, None, later)
    assert (public(), [line[4] for line in public(later)]) == (Counter(), [Decimal("6.00")])
    sums_agree(later)
    with pytest.raises(CannotImport, match="is to be released"):
        releasing.stop_release(first)
    releasing.stop_release(second)
    releasing.stop_release(first)
    assert releasing.release(first, None).released_at <= timezone.now()
    with pytest.raises(CannotImport, match="see this import already"):
        releasing.release(first, None)


def test_an_import_is_not_released_before_what_it_replaces(donors):
    import_planned(planned("R1,Norway,2021-11-24,2021,5,a"), None)
    second = planned("R1,Norway,2021-11-24,2021,6,a")
    decide_all(second)
    with pytest.raises(CannotImport, match="Release that one first"):
        import_planned(second, None, release_at=timezone.now())
    assert Contribution.objects.count() == 1


def test_who_imports_for_some_operations_declares_no_year_complete(donors):
    peru = factories.operation()
    load("2021-11-24,Norway,PER,5", header="date,donor,operation,amount_usd")
    user = factories.user("finance", groups=("Finance",), on=[peru])
    batch = receive(b"date,donor,operation,amount_usd\n2021-11-25,Norway,PER,5", "a.csv", user)
    batch.options["complete_years"] = [2021]
    read_file(batch, ContributionResource(user=user))
    assert [(problem.line, problem.message) for problem in batch.problems.all()] == [
        (1, "You may import lines of some operations alone, so no file of yours is complete for a year.")]  # fmt: skip


def test_who_loaded_a_file_does_not_release_it_where_the_site_is_so_set(donors, settings):
    settings.FOUR_EYES = True
    finance, other = factories.user("finance"), factories.user("other")
    batch = receive(f"{HEADER}\nR1,Norway,2021-11-24,2021,5,a".encode(), "a.csv", finance)
    read_file(batch, ContributionResource())
    import_planned(batch, finance)
    with pytest.raises(CannotImport, match="Somebody else"):
        releasing.release(batch, finance)
    assert releasing.release(batch, other).approved_by == other


@pytest.mark.parametrize("release", ["now", "2027-01-31T09:00Z"])
def test_nor_does_the_command_line(donors, settings, tmp_path, capsys, release):
    settings.FOUR_EYES = True
    finance = factories.user("finance")
    path = tmp_path / "gifts.csv"
    path.write_text(f"{HEADER}\nR1,Norway,2021-11-24,2021,5,a", encoding="utf-8")
    command = ("import_contributions", str(path), "--user", "finance")
    code, said = run(capsys, *command, "--release", release)
    assert (code, ImportBatch.objects.count()) == (2, 0)
    assert "Import it without --release; then somebody else releases it in the admin." in said
    code, said = run(capsys, *command)
    batch = ImportBatch.objects.get()
    assert (code, batch.state, batch.released_at, public()) == (0, "imported", None, Counter())
    assert "Imported 1 lines" in said and "somebody else releases it in the admin" in said
    with pytest.raises(CannotImport, match="Somebody else"):
        releasing.release(batch, finance)
    assert run(capsys, *command, "--again", "--release", "later")[0] == 0


# --- Read -------------------------------------------------------------------------------------------


def test_what_the_file_does_not_prove_is_asked(donors):
    batch = planned("03/04/2021,Norway,5", header="date,donor,amount_usd")
    assert (batch.state, [question["name"] for question in batch.plan["survey"]["questions"]]) == (
        "asking", ["dates"])  # fmt: skip
    batch.options |= {"dates": "dmy", "answered": ["dates"]}
    read_file(batch, ContributionResource())
    assert (batch.state, batch.staged.get().date) == ("planned", dt.date(2021, 4, 3))


def test_what_the_file_proves_is_not_asked(donors):
    batch = planned("03/04/2021;Norway;1.234.567,89", "25/11/2021;Norway;7,5", header="date;donor;amount_usd")
    assert batch.state == "planned"
    assert list(batch.staged.values_list("date", "amount_usd")) == [
        (dt.date(2021, 4, 3), Decimal("1234567.89")), (dt.date(2021, 11, 25), Decimal("7.50"))]  # fmt: skip
    assert (batch.options["dates"], batch.options["decimal"]) == ("dmy", ",")


def test_what_another_column_proves_is_looked_at_anew(donors):
    batch = planned("2021-11-24,25/11/2021,Norway,5", header="date,received,donor,amount_usd")
    batch.mapping = {"received": "date", "donor": "donor", "amount_usd": "amount_usd"}
    read_file(batch, ContributionResource())
    assert (batch.plan["errors"], batch.staged.get().date) == (0, dt.date(2021, 11, 25))


KEPT = {"Ref": "reference", "Who": "donor", "When": "date", "Sum": "amount"}
USD = {"constants": {"currency": "USD"}}


def asked(header: str, *lines: str, mapping=KEPT, **options) -> dict[str, str]:
    batch = receive("\n".join([header, *lines]).encode(), "a.csv", None, mapping=mapping, options=options)
    read_file(batch, ContributionResource())
    return {question["name"]: question["said"] for question in batch.plan["survey"].get("questions", ())}


def test_columns_of_another_file_are_asked_about_where_they_moved(donors):
    line = "R1,Norway,2021-11-24,5"
    assert asked("Ref,Who,When,Sum", line, **USD) == {}
    assert asked("Reference,Who,When,Sum", line, **USD) == {
        "columns": "Columns were decided that this file does not have: “Ref”. “Reference” looks like “reference”, and is "
        "not used. Look at what each column holds."
    }
    assert asked("Number,Who,When,Sum", line, **USD) == {
        "columns": "Columns were decided that this file does not have: “Ref”. Look at what each column holds."
    }
    assert asked("Number,Who,When,Sum", line, answered=["columns"], **USD) == {}
    assert list(asked("Ref,Who,When,Sum,Earmarking", f"{line},", **USD)) == ["columns"]
    rule = {"header": "flow", "cells": ["3"], "keep": False}
    assert list(asked("Ref,Who,When,Sum", line, leave_out_where=[rule], **USD)) == ["columns"]


def test_a_kept_answer_about_dates_does_not_settle_a_contradiction(donors):
    kept = {"dates": "dmy", "answered": ["dates"], "answered_before": ["dates"], **USD}
    header, lines = "Ref,Who,When,Sum", ["R1,Norway,03/04/2021,5"]
    assert asked(header, *lines, **kept) == {}
    lines += ["R2,Norway,25/04/2021,5", "R3,Norway,04/25/2021,5"]
    assert list(asked(header, *lines, **kept)) == ["dates"]
    assert asked(header, *lines, **kept | {"answered_before": []}) == {}


def test_a_constant_of_another_file_does_not_stand_for_a_column_of_this_one(donors):
    header, line = "Ref,Who,When,Sum,Currency,IBAN", "R1,Norway,2021-11-24,5,EUR,CH93"
    assert asked(header, line, **USD) == {
        "columns": "“Currency” looks like “currency”, for which every line was to say “USD”. "
        "Look at what each column holds."
    }
    assert asked(header, line, headers_seen=["Ref", "Who", "When", "Sum", "Currency"], **USD) == {}
    # Where the columns are found out for the file itself, there is nothing to ask.
    assert (
        asked("Reference,Donor,Date,Amount,Currency", "R1,Norway,2021-11-24,5,USD", mapping={}, **USD) == {}
    )


def test_on_the_command_line_moved_columns_and_several_sheets_end_with_3(donors, tmp_path, capsys):
    ImportSource.objects.create(name="ERP", mapping=KEPT, options=USD)
    path, mapping = tmp_path / "gifts.csv", tmp_path / "columns.json"
    path.write_text("Ref,Who,When,Sum,Currency\nR1,Norway,2021-11-24,5,EUR\n", encoding="utf-8")
    mapping.write_text(json.dumps(KEPT | {"Year": "budget_year"}), encoding="utf-8")
    for kept, said in (("ERP", "“Currency” looks like"), (str(mapping), "does not have: “Year”")):
        command = ("import_contributions", str(path), "--mapping", kept, "--set", "currency=USD")
        code, told = run(capsys, *command)
        assert (code, said in told, "--columns-as-given" in told) == (3, True, True)
        assert run(capsys, *command, "--columns-as-given", "--dry-run")[0] == 0
    book = openpyxl.Workbook()
    for sheet, number in ((book.active, 1), (book.create_sheet("More"), 2)):
        sheet.append(["reference", "donor", "date", "amount_usd"])
        sheet.append([f"R{number}", "Norway", "2021-11-24", number])
    book.save(path := tmp_path / "gifts.xlsx")
    code, told = run(capsys, "import_contributions", str(path))
    assert (code, "others hold such a table too: “More”. Choose one. (--sheet …)" in told) == (3, True)
    assert Contribution.objects.count() == 0
    assert run(capsys, "import_contributions", str(path), "--sheet", "More")[0] == 0
    assert Contribution.objects.get().amount_usd == 2


def test_on_the_command_line_a_cover_sheet_ends_with_the_sheets_and_the_option(donors, tmp_path, capsys):
    book = openpyxl.Workbook()
    book.active.title = "Cover"
    book.save(path := tmp_path / "gifts.xlsx")
    code, told = run(capsys, "import_contributions", str(path))
    assert (code, "The file is empty." in told, "--sheet" in told) == (1, True, False)
    sheet = book.create_sheet("Data")
    book.save(path)
    code, told = run(capsys, "import_contributions", str(path))
    assert (
        code,
        "several sheets: “Cover”, “Data”. Choose the one that is to be read. (--sheet …)" in told,
    ) == (1, True)
    for number, name in ((1, "Data"), (2, "More")):
        sheet = book[name] if name in book else book.create_sheet(name)
        sheet.append(["reference", "donor", "date", "amount_usd"])
        sheet.append([f"R{number}", "Norway", "2021-11-24", number])
        book.save(path)
        code, told = run(capsys, "import_contributions", str(path))
        assert (code, "“Cover”, holds no such table" in told, "(--sheet …)" in told) == (3, True, True)
        assert ("others hold one too: “More”." in told) is (number == 2)
    assert Contribution.objects.count() == 0
    assert run(capsys, "import_contributions", str(path), "--sheet", "Data")[0] == 0
    assert Contribution.objects.get().amount_usd == 1


def test_columns_of_a_kept_source_show_which_sheet_is_its_table(donors):
    book = openpyxl.Workbook()
    book.active.append(["Code", "Name"])
    book.active.append(["NO", "Norway"])
    sheet = book.create_sheet("Data")
    sheet.append(["Qui", "Quand", "Combien"])
    sheet.append(["Norway", "2021-11-24", 5])
    stream = io.BytesIO()
    book.save(stream)
    mapping = {"Qui": "donor", "Quand": "date", "Combien": "amount_usd"}
    batch = receive(stream.getvalue(), "gifts.xlsx", None, mapping=mapping)
    read_file(batch, ContributionResource())
    assert (batch.state, batch.reading["sheet"], batch.reading["passed_over"]) == ("asking", "Data", "Sheet")


def test_rows_that_a_column_says_to_leave_out_are_counted_and_not_taken(donors):
    header = "date,donor,amount_usd,flow"
    lines = ["2021-11-24,Norway,5,3", "2021-11-24,Norway,6,11", "2021-11-24,Norway,7,3"]
    rule = {"header": "flow", "cells": ["3"], "keep": False}
    batch = planned(*lines, header=header, leave_out_where=[rule])
    assert (batch.counts["rows"], batch.counts["left_out"], counts(batch)) == (3, 2, (1, 0, 0, 0))
    batch = planned(*lines, header=header, leave_out_where=[{**rule, "keep": True}])
    assert (batch.counts["rows"], batch.counts["left_out"], counts(batch)) == (3, 1, (2, 0, 0, 0))


def test_a_file_that_is_no_table_says_why(donors):
    batch = receive(b"", "empty.csv", None)
    read_file(batch, ContributionResource())
    assert (batch.state, batch.problem) == ("failed", "The file is empty.")


def test_the_very_same_file_is_known_by_its_hash(donors):
    batch = load("R1,Norway,2021-11-24,2021,5,a")
    raw = f"{HEADER}\nR1,Norway,2021-11-24,2021,5,a".encode()
    assert importing.same_file(receive(raw, "other name.csv", None)) == batch
    assert (
        importing.same_file(receive(raw, "a.csv", None, options={"constants": {"operation": "PER"}})) is None
    )
    other = load("R1,Norway,2021-11-24,2021,6,a")
    # Its lines were replaced since: it is compared, and each that differs is asked about.
    assert importing.same_file(receive(raw, "a.csv", None)) is None
    releasing.undo(other, None)
    assert importing.same_file(receive(raw, "a.csv", None)) is None  # lines may be missing by now


def test_the_queries_of_a_plan_do_not_grow_with_its_lines(donors):
    def queries(number: int) -> int:
        lines = [f"{number}-{n},Norway,2021-11-24,2021,5,a" for n in range(number)]
        load(*lines)
        batch = receive("\n".join([HEADER, *lines]).encode(), "gifts.csv", None)
        with CaptureQueriesContext(connection) as found:
            read_file(batch, ContributionResource())
        assert counts(batch) == (0, 0, number, 0)
        return len(found)

    assert queries(1) == queries(300)


# --- What would count twice, or be somebody else's --------------------------------------------------


def test_new_lines_like_known_ones_are_asked_about(donors, capsys, tmp_path):
    load("A1,Norway,2021-11-24,2021,10,", "A2,Norway,2021-11-24,2021,20,")
    again = planned(
        "Norway,2021-11-24,2021,10,", "Norway,2021-11-25,2021,10,", header=HEADER.partition(",")[2]
    )
    assert (counts(again), again.plan["alike"]) == ((2, 0, 0, 0), 1)
    with pytest.raises(CannotImport, match="1 new line has the donor, day and amount of a known one"):
        import_planned(again, None)
    again.options["alike"] = 1
    again.save()
    import_planned(again, None, release_at=timezone.now())
    assert len(list(public().elements())) == 4
    # What the file itself has is known, and no other line of it is like that.
    assert planned("A1,Norway,2021-11-24,2021,10,", "A3,Norway,2021-11-24,2021,20,").plan["alike"] == 1
    assert planned("A2,Norway,2021-11-24,2021,20,", "A3,Norway,2021-11-24,2021,20,").plan["alike"] == 0
    file = tmp_path / "more.csv"
    file.write_text("donor,date,amount_usd,earmarking\nNorway,2021-11-24,20,unearmarked\n", encoding="utf-8")
    code, said = run(capsys, "import_contributions", str(file))
    assert (code, "(--gifts-of-their-own)" in said) == (3, True), said
    assert run(capsys, "import_contributions", str(file), "--gifts-of-their-own")[0] == 0


def test_a_known_line_that_came_meanwhile_brings_the_plan_back(donors):
    first, second = planned("A1,Norway,2021-11-24,2021,10,"), planned("B1,Norway,2021-11-24,2021,10,")
    import_planned(first, None, release_at=timezone.now())
    with pytest.raises(Overtaken):
        import_planned(second, None)
    second.refresh_from_db()
    assert (second.state, second.plan["alike"], Contribution.objects.count()) == ("planned", 1, 1)


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda: factories.donor("NEWLAND"),
        lambda: factories.donor("Neuland", name_fr="newland"),
        lambda: DonorAlias.objects.create(donor=Donor.objects.get(name_en="Norway"), name="Newland"),
    ],
)
def test_a_name_that_became_known_is_not_made_a_second_time(donors, meanwhile):
    batch = planned("A1,Newland,2021-11-24,2021,10,government", header="reference,donor,date,budget_year,amount_usd,donor_type", new_donors=True)  # fmt: skip
    assert [donor["name"] for donor in batch.plan["donors"]] == ["Newland"]
    meanwhile()
    before = Donor.objects.count()
    with pytest.raises(Overtaken):
        import_planned(batch, None)
    batch.refresh_from_db()
    assert (batch.state, Donor.objects.count(), Contribution.objects.count()) == ("new", before, 0)


def test_a_donor_that_is_gone_brings_the_plan_back(donors):
    norway = donors[0]
    batch = planned("A1,Norge,2021-11-24,2021,10,", donors={"norge|": {"is": str(norway.token)}})
    assert batch.plan["errors"] == 0
    norway.delete()
    with pytest.raises(Overtaken):
        import_planned(batch, None)
    batch.refresh_from_db()
    assert (batch.state, str(batch.problem).startswith("Donors or operations changed")) == ("new", True)


def test_a_file_whose_lines_were_replaced_since_is_compared_again(donors):
    first = load("A1,Norway,2021-11-24,2021,10,")
    again = receive(first.file.read(), "gifts.csv", None)
    assert importing.same_file(again) == first
    load("A1,Norway,2021-11-24,2021,15,")
    assert importing.same_file(again) is None


def test_an_import_is_never_released_before_now(donors):
    before = timezone.now()
    batch = planned("A1,Norway,2021-11-24,2021,10,")
    import_planned(batch, None, release_at=before - dt.timedelta(days=300))
    batch.refresh_from_db()
    assert batch.released_at > before


def test_a_year_of_which_a_file_has_nothing_is_not_complete_in_it(donors):
    load("A1,Norway,2020-11-24,2020,10,")
    batch = planned("A2,Norway,2021-11-24,2021,10,", complete_years=[2020])
    assert [(p.column, p.message) for p in batch.problems.all()] == [
        ("budget_year", "The file is said to be complete for 2020, and has no good line of it.")
    ]


def test_a_worker_whose_job_is_anothers_by_now_touches_nothing(donors, monkeypatch):
    batch = receive("\n".join([HEADER, *(f"A{n},Norway,2021-11-24,2021,{n + 1}," for n in range(9))]).encode(), "g.csv", None)  # fmt: skip
    jobs.queue(batch, ImportBatch.Job.PLAN)
    slow = jobs.take(batch.pk)
    ImportBatch.objects.update(beat_at=timezone.now() - 2 * jobs.SILENT)
    quick = jobs.take(batch.pk)
    jobs.run(quick)
    jobs.run(slow)  # it wakes up
    batch.refresh_from_db()
    assert (batch.state, batch.attempts, counts(batch)) == ("planned", 2, (9, 0, 0, 0))
    assert StagedLine.objects.filter(batch=batch).count() == 9
    import_planned(batch, None, release_at=timezone.now())
    with pytest.raises(staging.TakenOver):
        staging.stage(slow, [()])
    assert len(list(public().elements())) == 9


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ("900,800,", "currency"), ("900,900,", None), ("900,900.40,USD", None), ("900,800,USD", "amount"),
        ("900,-800,EUR", "amount"), ("900,800,EUR", None), ("900,$900,", None), ("900,0,EUR", "amount"),
    ],
)  # fmt: skip
def test_the_amount_in_its_own_currency_agrees_with_that_in_dollars(donors, cells, column):
    batch = planned(f"A1,Norway,2021-11-24,{cells}", header="reference,donor,date,amount_usd,amount,currency")
    assert [problem.column for problem in batch.problems.all()] == ([column] if column else [])


def test_dollars_that_a_file_gives_twice_change_nothing(donors):
    load("A1,Norway,2021-11-24,2021,500,")
    batch = planned("A1,Norway,2021-11-24,2021,500,USD,500,", header="reference,donor,date,budget_year,amount_usd,currency,amount,description")  # fmt: skip
    assert counts(batch) == (0, 0, 1, 0)


def test_options_that_make_no_sense_are_told_in_a_sentence(donors, capsys, tmp_path):
    file = tmp_path / "gifts.csv"
    file.write_text(f"{HEADER}\nA1,Nobody,2021-11-24,2021,10,\n", encoding="utf-8")
    code, said = run(capsys, "import_contributions", str(file), "--control-total", "abc")
    assert (code, said.startswith("--control-total: ")) == (2, True)
    code, said = run(
        capsys, "import_contributions", str(file), "--errors-to", str(tmp_path / "none" / "errors.csv")
    )
    assert (code, said.startswith("--errors-to: ")) == (1, True)
