"""Rights by role and place: nobody sees or does anything on an operation that no role of theirs gives them.

What belongs to each operation bears a word that nothing else bears; where a role does not reach, no body holds it.
"""

import copy
import datetime as dt
import io
import re
from decimal import Decimal

import pytest
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, Group
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.urls.resolvers import RegexPattern

from contributions.models import Contribution, Donor, ImportBatch
from contributions.resources import ContributionResource
from operations.editions import record, release, withdraw
from operations.models import (
    Edition,
    FinancialFigure,
    Narrative,
    Office,
    Operation,
    PopulationFigure,
    PreviewLink,
    Region,
    Role,
    Step,
)
from operations.resources import OperationResource, PopulationFigureResource
from operations.roles import RIGHTS, who_may
from operations.tables import PlainCSV
from tests import factories

pytestmark = pytest.mark.django_db

PLACES = {"PER": "andes", "COL": "americas", "TCD": "africa"}
WHATS = ("profile", "text", "gift")
EVERYTHING = {(code, what) for code in PLACES for what in WHATS}


def mark(code, what):
    """The word that all of this kind bears that belongs to this operation."""
    return f"zq{what}{code.lower()}"


class World:
    """Three operations in regions and their regions, each with everything that an operation can have."""

    def __init__(self):
        maker = factories.user("maker", is_superuser=True)
        self.regions = {
            "americas": Region.objects.get(code="AME"),
            "africa": Region.objects.get(code="AFR"),
        }
        self.regions["andes"] = Region.objects.create(
            code="AND", name_en="Andes", parent=self.regions["americas"]
        )
        self.norway = factories.donor()
        self.operations, self.of = {}, {}
        for number, (code, region) in enumerate(PLACES.items(), 1):
            self.operations[code] = self.furnish(code, self.regions[region], number, maker)

    def furnish(self, code, region, number, maker):
        profile, text, gift = (mark(code, what) for what in WHATS)
        operation = factories.operation(
            code,
            name_en=f"{profile} name",
            slug=f"slug-{profile}",
            region=region,
            notice_en=f"{profile} notice",
        )
        office = factories.office(operation, name=f"{profile} office", description_en=f"{profile} pop-up")
        people = factories.population(operation, 2020, people=70000 + number, source=f"{profile} source")
        money = factories.finance(
            operation, 2020, amount_usd=Decimal(f"8000{number}.25"), source=f"{profile} source"
        )
        # What readers see bears no such word; what they do not see does, in the same text and in others.
        plan = factories.narrative(operation, 2020, "plan", {"key-priorities": "<p>published</p>"})
        factories.key_figure(plan, editor_note=f"{text} note")
        release(plan, maker)
        plan.sections.update(body=f"<p>{text} newer</p>")
        factories.key_figure(plan, text=f"{text} counted", source=f"{text} source")
        record(plan, maker)
        withdrawn = factories.narrative(
            operation, 2019, "plan", {"key-priorities": f"<p>{text} withdrawn</p>"}
        )
        draft = factories.narrative(operation, 2020, "year_end", {"unmet-needs": f"<p>{text} draft</p>"})
        release(withdrawn, maker, note=f"{text} to readers")
        withdraw(withdrawn, maker)
        draft_edition = record(draft, maker)
        profile_edition = record(operation, maker)
        link = PreviewLink.objects.create(
            edition=draft_edition, made_by=maker, expires_at=dt.datetime(2030, 1, 1, tzinfo=dt.UTC),
            made_at=dt.datetime(2029, 12, 31, 12, tzinfo=dt.UTC),
        )  # fmt: skip
        batch = factories.batch(
            file_name=f"{gift}.csv", made_by=maker, file=ContentFile(gift.encode(), f"{gift}.csv")
        )
        line = factories.contribution(
            self.norway,
            operation=operation,
            reference=f"{gift} reference",
            description=f"{gift} words",
            batch=batch,
        )
        self.of[code] = {
            "operation": [operation],
            "office": [office],
            "populationfigure": [people],
            "financialfigure": [money],
            "narrative": [plan, withdrawn, draft],
            "edition": [
                profile_edition,
                draft_edition,
                *Edition.objects.of(plan),
                *Edition.objects.of(withdrawn),
            ],
            "contribution": [line],
            "importbatch": [batch],
            "previewlink": [link],
        }
        return operation

    def place(self, name):
        return self.operations.get(name) or self.regions[name]


@pytest.fixture(scope="module")
def made_world(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)


@pytest.fixture
def world(made_world, db):
    """Made once; each test has objects of its own and leaves the rows as they were."""
    return copy.deepcopy(made_world)


def signed_in(account):
    client = Client()
    client.force_login(account)
    return client


# Who: their roles by group and place, and what they see.
READ = ("profile", "text")
PEOPLE = {
    "field editor of Peru": ([("Field editors", ["PER"])], {("PER", what) for what in READ}),
    "field editor of two": (
        [("Field editors", ["PER", "TCD"])],
        {(code, what) for code in ("PER", "TCD") for what in READ},
    ),
    "viewer of the Andes": ([("Viewers", ["andes"])], {("PER", what) for what in READ}),
    "reviewer of the Americas": (
        [("Reviewers", ["americas"])],
        {(code, what) for code in ("PER", "COL") for what in WHATS},
    ),
    "reviewer of Africa, editor of Peru": (
        [("Reviewers", ["africa"]), ("Field editors", ["PER"])],
        {("TCD", what) for what in WHATS} | {("PER", what) for what in READ},
    ),
    "finance of Colombia": ([("Finance", ["COL"])], {("COL", "profile"), ("COL", "gift")}),
    "finance of Colombia, viewer of Chad": (
        [("Finance", ["COL"]), ("Viewers", ["TCD"])],
        {("COL", "profile"), ("COL", "gift"), ("TCD", "profile"), ("TCD", "text")},
    ),
    "finance everywhere": ([("Finance", None)], {(c, w) for c in PLACES for w in ("profile", "gift")}),
    "viewer everywhere": ([("Viewers", None)], {(code, what) for code in PLACES for what in READ}),
    "reviewer everywhere": ([("Reviewers", None)], EVERYTHING),
    "nobody": ([], set()),
}


# Of who has one role in one place, tests/test_access.py asks.
SEVERAL = [
    "field editor of two",
    "reviewer of the Americas",
    "reviewer of Africa, editor of Peru",
    "finance of Colombia, viewer of Chad",
]


def person(world, who):
    account = factories.user("somebody")
    for group, places in PEOPLE[who][0]:
        factories.role(account, group, places and [world.place(place) for place in places])
    return account


def bodies(client, urls):
    """Each address with its body and headers; at the end the start page, with what was said in between."""
    for url in (*urls, reverse("admin:index")):
        response = client.get(url)
        body = b"".join(response.streaming_content) if response.streaming else response.content
        yield url, body.decode(errors="replace") + str(response.headers)


def seen_in(body):
    return {(code, what) for code, what in EVERYTHING if mark(code, what) in body}


def routes(patterns, before=""):
    """The names and arguments of every address of the admin."""
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern.url_patterns)
        elif not isinstance(pattern.pattern, RegexPattern):
            yield pattern.name, tuple(pattern.pattern.converters)


def object_addresses(world, may_see=frozenset()):
    """Every page of every row of the operations; of those that are seen, of the newest row of a kind alone."""
    found = []
    for name, arguments in routes(admin.site.get_urls()):
        if name is None or len(arguments) != 1 or arguments[0] not in ("object_id", "pk"):
            continue
        model = name.split("_")[1] if name.count("_") >= 2 else ""
        for code, rows in world.of.items():
            shown = rows.get(model, [])
            shown = shown[-1:] if (code, "profile") in may_see else shown
            found += [reverse(f"admin:{name}", args=[row.pk]) for row in shown]
    return found


def plain_addresses():
    """Every page of the admin that is about no single row."""
    skipped = {"logout", "autocomplete", "operations_narrative_copy", "jsi18n"}
    return [
        reverse(f"admin:{name}")
        for name, arguments in routes(admin.site.get_urls())
        if name and not arguments and name not in skipped
    ]


def test_the_tests_below_reach_every_address_of_the_admin(world):
    known = {(), ("object_id",), ("pk",), ("pk", "other"), ("app_label",), ("url",), ("user_id",), ("id",)}
    assert {arguments for _name, arguments in routes(admin.site.get_urls())} <= known
    assert len(object_addresses(world)) > 150
    assert {reverse("admin:index"), reverse("admin:operations_edition_changelist")} < set(plain_addresses())


@pytest.mark.once
@pytest.mark.parametrize("who", ["reviewer of Africa, editor of Peru", "finance of Colombia, viewer of Chad"])
def test_no_page_of_the_admin_shows_what_no_role_gives(world, who):
    client, may_see = signed_in(person(world, who)), PEOPLE[who][1]
    for url, body in bodies(client, [*plain_addresses(), *object_addresses(world, may_see)]):
        if url.endswith("/preview/"):  # as readers see the page, who see the references of released gifts
            body = re.sub(r'<a href="/contributions/[^"]*">.*?</a>', "", body)
        assert seen_in(body) <= may_see, url


@pytest.mark.once
@pytest.mark.parametrize("who", SEVERAL)
def test_lists_filters_searches_and_exports_hold_what_the_roles_give_and_nothing_else(world, who):
    client, may_see = signed_in(person(world, who)), PEOPLE[who][1]
    for table, what in (
        ("operations_operation", "profile"),
        ("operations_office", "text"),  # who reads texts sees both; finance sees neither
        ("operations_populationfigure", "text"),
        ("operations_narrative", "text"),
        ("contributions_contribution", "gift"),
    ):
        url = reverse(f"admin:{table}_changelist")
        page = client.get(url)
        may_open = page.status_code == 200
        rows = page.context["cl"].queryset if may_open else []
        codes = {getattr(row, "operation", row).code for row in rows}
        expected = {code for code in PLACES if (code, what) in may_see}
        assert codes == expected and (may_open or not expected), table
        for query in ("_facets=True", "q=zq", "o=1", "year=2020", "e=1"):
            assert seen_in(client.get(f"{url}?{query}", follow=True).content.decode()) <= may_see, (
                table,
                query,
            )
        for other in world.operations.values():
            answer = client.get(url, {"operation__id__exact": other.pk, "_facets": "True"}, follow=True)
            assert seen_in(answer.content.decode()) <= may_see
        if not table.endswith("narrative") and may_open:
            resource = {"resource": "", "format": "0"}
            exported = client.post(reverse(f"admin:{table}_export"), resource)
            assert seen_in(exported.content.decode(errors="replace")) <= may_see, table
            in_file = {
                code
                for code in PLACES
                if re.search(rf"\b{code}\b", exported.content.decode(errors="replace"))
            }
            assert exported["Content-Type"].startswith("text/csv") and in_file == expected, table


@pytest.mark.parametrize("who", SEVERAL)
def test_autocomplete_and_choices_name_what_the_roles_give(world, who):
    client, may_see = signed_in(person(world, who)), PEOPLE[who][1]
    fields = [
        (model, field.name)
        for model in admin.site._registry
        for field in model._meta.get_fields()
        if field.is_relation and field.concrete
    ]
    assert (Operation, "predecessor") in fields and (Edition, "operation") in fields
    for model, field in fields:
        names = {
            "app_label": model._meta.app_label,
            "model_name": model._meta.model_name,
            "field_name": field,
        }
        for term in ("", "zq"):
            answer = client.get(reverse("admin:autocomplete"), {**names, "term": term})
            assert seen_in(answer.content.decode()) <= may_see, (model, field)


@pytest.mark.parametrize("who", SEVERAL)
def test_nothing_is_changed_where_no_role_gives_it(world, who):
    client, may_see = signed_in(person(world, who)), PEOPLE[who][1]

    def others():
        """What is not theirs, as it stands."""
        hidden = {what: [code for code in PLACES if (code, what) not in may_see] for what in READ}
        return [
            list(Operation.objects.filter(code__in=hidden["profile"]).order_by("pk").values()),
            list(Office.objects.filter(operation__code__in=hidden["profile"]).order_by("pk").values()),
            list(Narrative.objects.filter(operation__code__in=hidden["text"]).order_by("pk").values()),
            list(Edition.objects.filter(operation__code__in=hidden["text"]).values_list("pk", "released_at")),
        ]

    before = others()
    for code in PLACES:
        operation, texts = world.operations[code], world.of[code]["narrative"]
        for page in ("change", "delete", "figures", "withdraw", "release", "restore"):
            if (code, "profile") not in may_see:
                url = reverse(f"admin:operations_operation_{page}", args=[operation.pk])
                data = {"name_en": "taken", "post": "yes", "people-2020-total": "1", "_release": "1"}
                assert client.post(url, data).status_code in (302, 403, 404), url
        for page in ("change", "delete", "withdraw", "release", "restore"):
            if (code, "text") not in may_see:
                for text in texts:
                    url = reverse(f"admin:operations_narrative_{page}", args=[text.pk])
                    assert client.post(url, {"post": "yes", "_release": "1"}).status_code in (
                        302,
                        403,
                        404,
                    ), url
    everything = [operation.pk for operation in world.operations.values()]
    for table in ("operation", "office", "narrative"):
        url = reverse(f"admin:operations_{table}_changelist")
        for action in ("delete_selected", "release_profiles"):
            client.post(url, {"action": action, "_selected_action": everything, "post": "yes"})
    assert others() == before


def test_the_file_of_an_import_goes_to_who_imported_it_and_to_who_sees_every_import(world):
    batch = ImportBatch.objects.get(file_name__contains="col")
    url = reverse("admin:contributions_importbatch_file", args=[batch.pk])
    assert signed_in(person(world, "finance of Colombia")).get(url).status_code == 404
    account = factories.user("fin", groups=("Finance",), on=[world.operations["COL"]])
    ImportBatch.objects.filter(pk=batch.pk).update(made_by=account)
    assert b"".join(signed_in(account).get(url).streaming_content) == b"zqgiftcol"
    assert signed_in(factories.user("all", groups=("Finance",))).get(url).status_code == 200


def test_the_file_of_imported_offices_goes_to_who_may_see_offices(world):
    batch = factories.batch(table="operations.office", file_name="offices.csv")
    batch.file.save("offices.csv", ContentFile(b"zqhidden"))
    url = reverse("admin:contributions_importbatch_file", args=[batch.pk])
    account = factories.user("all", groups=("Finance",))
    assert signed_in(account).get(url).status_code == 404
    factories.role(account, "Viewers")
    assert signed_in(account).get(url).status_code == 200


def test_lines_of_no_operation_are_seen_by_roles_for_every_operation(world):
    factories.contribution(world.norway, reference="zqunearmarked")
    url = reverse("admin:contributions_contribution_changelist")
    seen = {
        name: "zqunearmarked" in signed_in(account).get(url).content.decode()
        for name, account in {
            "region": factories.user("a", groups=("Reviewers",), on=[world.regions["americas"]]),
            "everywhere": factories.user("b", groups=("Reviewers",)),
        }.items()
    }
    assert seen == {"region": False, "everywhere": True}


# --- No role lends another its permissions -----------------------------------------------------------


def test_who_reviews_a_region_and_edits_elsewhere_releases_in_the_region_alone(world):
    client = signed_in(person(world, "reviewer of Africa, editor of Peru"))
    opened = {}
    for code in PLACES:
        for obj in (world.operations[code], world.of[code]["narrative"][2]):
            for page in ("change", "release", "withdraw"):
                url = reverse(f"admin:operations_{obj._meta.model_name}_{page}", args=[obj.pk])
                opened[code, obj._meta.model_name, page] = client.get(url).status_code
    for model in ("operation", "narrative"):
        assert [opened["TCD", model, page] for page in ("change", "release", "withdraw")] == [200] * 3
        assert [opened["PER", model, page] for page in ("change", "release", "withdraw")] == [200, 403, 403]
        assert 200 not in [opened["COL", model, page] for page in ("change", "release", "withdraw")]


def test_finance_and_an_editor_in_one_person_release_money_but_neither_text_nor_profile(world):
    """Each of the two roles may one half: the one releases money alone, the other writes texts."""
    peru, text = world.operations["PER"], world.of["PER"]["narrative"][2]
    account = factories.user("both", groups=("Finance", "Field editors"), on=[peru])
    client = signed_in(account)
    for obj in (peru, text):
        kind = obj._meta.model_name
        assert client.get(reverse(f"admin:operations_{kind}_change", args=[obj.pk])).status_code == 200
        assert client.get(reverse(f"admin:operations_{kind}_withdraw", args=[obj.pk])).status_code == 403
    assert client.get(reverse("admin:operations_narrative_release", args=[text.pk])).status_code == 403
    maker = factories.user("rev", groups=("Reviewers",))
    release(peru, maker)
    factories.population(peru, 2021, people=5)
    record(peru, account)
    page = client.get(reverse("admin:operations_operation_release", args=[peru.pk]))
    assert page.status_code == 200
    assert "This would also release what was changed in: people." in page.content.decode()


def test_figures_are_entered_on_each_operation_by_what_a_role_gives_there(world):
    peru, colombia = world.operations["PER"], world.operations["COL"]
    account = factories.user("mixed", groups=("Field editors",), on=[peru])
    factories.role(account, "Finance", [colombia])
    client = signed_in(account)
    for operation in (peru, colombia):
        url = reverse("admin:operations_operation_figures", args=[operation.pk])
        newest = Edition.objects.of(operation).first().number
        client.post(url, {"seen": newest, "people-2020-total": "11", "budget-2020-total": "22"})
    people = dict(PopulationFigure.objects.values_list("operation__code", "people"))
    money = dict(FinancialFigure.objects.values_list("operation__code", "amount_usd"))
    assert people == {"PER": 11, "COL": 70002, "TCD": 70003}
    assert money == {"PER": Decimal("80001.25"), "COL": Decimal("22"), "TCD": Decimal("80003.25")}


def test_a_grid_is_filled_by_who_may_add_change_and_delete(world):
    peru = world.operations["PER"]
    rights = [f"{action}_populationfigure" for action in ("change", "add")]
    factories.group("Changers", "view_operation", *rights)
    factories.group("Emptiers", "view_operation", "delete_populationfigure")
    account = factories.user("x", groups=("Changers", "Emptiers"), on=[peru])
    url = reverse("admin:operations_operation_figures", args=[peru.pk])
    assert signed_in(account).post(url, {"people-2020-total": ""}).status_code == 403
    assert PopulationFigure.objects.filter(operation=peru).count() == 1


def test_rows_are_added_only_where_a_role_gives_add(world):
    factories.group(
        "Changers", "view_operation", "view_office", "change_office", "view_narrative", "change_narrative"
    )
    account = factories.user("x", groups=("Field editors",), on=[world.operations["PER"]])
    factories.role(account, "Changers", [world.operations["COL"]])
    client = signed_in(account)
    for table in ("office", "populationfigure"):
        form = client.get(reverse(f"admin:operations_{table}_add")).context["adminform"].form
        assert list(form.fields["operation"].queryset) == [world.operations["PER"]]
    form = client.get(reverse("admin:operations_narrative_add")).context["form"]
    assert list(form.fields["operation"].queryset) == [world.operations["PER"]]
    copy = {"operation": world.operations["COL"].pk, "year": 2021, "kind": "plan", "language": "en"}
    assert client.post(reverse("admin:operations_narrative_copy"), copy).status_code == 403
    factories.group("Adders", "add_office")
    account = factories.user("y", groups=("Changers",), on=[world.operations["COL"]])
    assert signed_in(account).get(reverse("admin:operations_office_add")).status_code == 403


def test_the_rows_in_a_form_obey_the_rights_on_its_operation(world):
    peru, text = world.operations["PER"], world.of["PER"]["narrative"][2]
    factories.group("Frames", *(f"{a}_{m}" for a in ("view", "change") for m in ("operation", "narrative")))
    account = factories.user("x", groups=("Frames",), on=[peru])
    factories.role(account, "Field editors", [world.operations["COL"]])  # offices and sections there
    client = signed_in(account)
    for obj in (peru, text):
        page = client.get(reverse(f"admin:operations_{obj._meta.model_name}_change", args=[obj.pk]))
        assert page.status_code == 200
        assert [str(inline.formset.model.__name__) for inline in page.context["inline_admin_formsets"]] == []
    page = client.get(reverse("admin:operations_operation_change", args=[world.operations["COL"].pk]))
    (offices,) = page.context["inline_admin_formsets"]
    rights = ("has_add_permission", "has_change_permission", "has_delete_permission")
    assert [getattr(offices, name) for name in rights] == [True, True, True]


def test_deleting_several_rows_asks_for_the_right_on_each(world):
    factories.group("Removers", "view_office", "delete_office")
    account = factories.user("x", groups=("Removers",), on=[world.operations["PER"]])
    factories.role(account, "Viewers", [world.operations["COL"]])
    client, url = signed_in(account), reverse("admin:operations_office_changelist")
    offices = [world.of[code]["office"][0].pk for code in ("PER", "COL", "TCD")]
    data = {"action": "delete_selected", "_selected_action": offices[:2], "post": "yes"}
    assert client.post(url, data).status_code == 403
    assert Office.objects.count() == 3
    client.post(url, {**data, "_selected_action": [offices[0], offices[2]]})
    assert set(Office.objects.values_list("pk", flat=True)) == set(offices[1:])


def test_the_page_before_a_deletion_counts_what_it_may_not_name(world):
    peru, chad = world.operations["PER"], world.operations["TCD"]
    chad.predecessor = peru
    chad.save()
    factories.group("Removers", "view_operation", "delete_operation")
    client = signed_in(factories.user("x", groups=("Removers",), on=[peru]))
    page = client.get(reverse("admin:operations_operation_delete", args=[peru.pk]))
    assert seen_in(page.content.decode()) == {("PER", "profile")}
    assert [seen_in(str(row)) for row in page.context["protected"]] == [set()]
    africa = reverse("admin:operations_region_delete", args=[world.regions["africa"].pk])
    assert client.get(africa).status_code == 403
    factories.group("Keepers", "view_region", "delete_region", "view_user", "delete_user")
    keeper = signed_in(factories.user("keeper", groups=("Keepers",)))
    page = keeper.get(africa)
    assert page.context["protected"] == ["1 row of an operation that you do not see"]
    assert seen_in(page.content.decode()) == set()
    bo = factories.user("bo")
    Step.objects.create(edition=world.of["TCD"]["edition"][0], kind=Step.Kind.COMMENT, text="x", by=bo)
    page = keeper.get(reverse("admin:auth_user_delete", args=[bo.pk])).content.decode()
    assert seen_in(page) == set() and "1 row of an operation that you do not see" in page


def test_a_role_for_a_place_changes_nothing_that_belongs_to_no_operation(world):
    norway = reverse("admin:contributions_donor_change", args=[world.norway.pk])
    local = signed_in(factories.user("local", groups=("Finance",), on=[world.regions["americas"]]))
    assert local.get(norway).context["has_change_permission"] is False
    assert local.post(norway, {"name_en": "Sweden", "kind": "government"}).status_code == 403
    assert local.get(reverse("admin:contributions_donor_add")).status_code == 403
    assert local.get(reverse("admin:contributions_donor_import")).status_code == 403
    assert (
        signed_in(factories.user("all", groups=("Finance",))).get(norway).context["has_change_permission"]
        is True
    )
    assert Donor.objects.get(pk=world.norway.pk).name_en == "Norway"


def test_operations_are_added_by_a_role_for_every_operation(world):
    factories.group("Makers", "view_operation", "add_operation", "change_operation")
    url = reverse("admin:operations_operation_add")
    assert (
        signed_in(factories.user("a", groups=("Makers",), on=[world.regions["africa"]])).get(url).status_code
        == 403
    )
    member = factories.user("b")
    member.groups.add(Group.objects.get(name="Makers"))
    assert signed_in(member).get(url).status_code == 403
    assert signed_in(factories.user("c", groups=("Makers",))).get(url).status_code == 200


@pytest.mark.once
def test_a_group_without_a_place_gives_no_operation(world):
    account = factories.user("member")
    account.groups.set(Group.objects.all())
    client = signed_in(account)
    for url, body in bodies(client, [*plain_addresses(), *object_addresses(world)]):
        assert seen_in(body) == set(), url


# --- Where roles hold --------------------------------------------------------------------------------


def test_an_operation_is_moved_to_another_region_by_a_role_for_every_operation(world):
    """Else an editor of one operation could bring it under a region where another role of theirs releases."""
    peru, africa = world.operations["PER"], world.regions["africa"]
    account = person(world, "reviewer of Africa, editor of Peru")
    client, url = signed_in(account), reverse("admin:operations_operation_change", args=[peru.pk])
    page = client.get(url)
    assert "region" not in page.context["adminform"].form.fields
    assert (
        "region"
        in signed_in(factories.user("all", groups=("Reviewers",))).get(url).context["adminform"].form.fields
    )
    form = page.context["adminform"].form
    data = {form.add_prefix(name): form[name].value() or "" for name in form.fields} | {
        "region": africa.pk, "offices-TOTAL_FORMS": 0, "offices-INITIAL_FORMS": 0, "name_en": "Perú",
    }  # fmt: skip
    client.post(url, data)
    peru.refresh_from_db()
    assert (peru.name_en, peru.region) == ("Perú", world.regions["andes"])

    factories.group("Importers", "import_operation", "change_operation", "view_operation")
    factories.role(account, "Importers", [peru])
    text = "code,name,kind,region\nPER,Peru,country,{}\n"
    assert told(OperationResource(user=account), text.format("AFR")) == [
        (2, "region", "Only an administrator moves an operation to another region.")
    ]
    assert told(OperationResource(user=account), text.format("AND")) == []


def test_an_older_edition_does_not_bring_an_operation_back_to_another_region(world):
    peru = world.operations["PER"]
    peru.region = world.regions["africa"]
    peru.save()
    there = record(peru, None)
    peru.region = world.regions["andes"]
    peru.save()
    record(peru, None)
    client = signed_in(factories.user("rev", groups=("Reviewers",), on=[world.regions["americas"]]))
    url = reverse("admin:operations_operation_restore", args=[peru.pk]) + f"?edition={there.number}"
    page = client.post(url, {"seen": str(Edition.objects.of(peru).first().number)})
    assert (page.status_code, "is in another region" in page.content.decode()) == (403, True)
    peru.refresh_from_db()
    assert peru.region == world.regions["andes"]


def test_regions_are_a_tree_of_few_levels(world):
    andes, americas = world.regions["andes"], world.regions["americas"]
    third = Region(code="3", name_en="Third", parent=andes)
    third.full_clean()
    third.save()
    refused = [Region(code="4", name_en="Fourth", parent=third), americas, americas]
    refused[1].parent = andes
    for region in refused[:2]:
        with pytest.raises(ValidationError, match="at most three levels deep"):
            region.full_clean()
    americas.parent = world.regions["africa"]  # with two levels under it
    with pytest.raises(ValidationError, match="at most three levels deep"):
        americas.full_clean()


def test_only_who_gives_roles_says_which_region_belongs_to_which(world):
    factories.group("Keepers", "view_region", "change_region")
    url = reverse("admin:operations_region_change", args=[world.regions["americas"].pk])
    keeper = signed_in(factories.user("keeper", groups=("Keepers",)))
    assert "parent" not in keeper.get(url).context["adminform"].form.fields
    admin = signed_in(factories.user("admin", is_superuser=True))
    assert "parent" in admin.get(url).context["adminform"].form.fields


def test_a_predecessor_that_is_not_seen_is_called_what_readers_call_it(world):
    peru, chad, colombia = (world.operations[code] for code in ("PER", "TCD", "COL"))
    peru.predecessor = chad
    peru.save()
    url = reverse("admin:operations_operation_change", args=[peru.pk])
    client = signed_in(factories.user("rev", groups=("Reviewers",), on=[world.regions["americas"]]))
    page = client.get(url)
    assert "predecessor" not in page.context["adminform"].form.fields
    assert "an operation that is not yet public" in page.content.decode()
    chad.name_en = "Chad"
    chad.save()
    release(chad, None)
    chad.name_en = "zqrenamed"
    chad.save()
    body = client.get(url).content.decode()
    assert re.search(r"readonly\">\s*Chad\b", body) and "zqrenamed" not in body
    peru.predecessor = colombia
    peru.save()
    choices = client.get(url).context["adminform"].form.fields["predecessor"].queryset
    assert set(choices) == {peru, colombia}


def test_roles_reach_an_operation_itself_its_region_those_above_it_and_everywhere(world):
    wanted = "operations.change_narrative"

    def reach(*places):
        account = factories.user(f"u{Role.objects.count()}", groups=("Field editors",), on=places or None)
        found = Operation.objects.allowed(account, wanted)
        return sorted(found.values_list("code", flat=True))

    assert reach(world.operations["COL"]) == ["COL"]
    assert reach(world.regions["andes"]) == ["PER"]
    assert reach(world.regions["americas"]) == ["COL", "PER"]
    assert reach(world.operations["TCD"], world.regions["andes"]) == ["PER", "TCD"]
    assert reach() == ["COL", "PER", "TCD"]


def test_nobody_is_allowed_anything_who_is_no_active_member_of_staff_or_asks_for_nothing(world):
    wanted = "operations.view_operation"
    gone = factories.user("gone", groups=("Reviewers",), is_active=False)
    outside = factories.user("outside", groups=("Reviewers",), is_staff=False)
    former = factories.user("former", is_superuser=True, is_active=False)
    for account in (gone, outside, former, AnonymousUser()):
        assert not Operation.objects.allowed(account, wanted).exists()
    inside = factories.user("inside", groups=("Reviewers",))
    assert Operation.objects.allowed(inside, wanted).count() == 3
    assert not Operation.objects.allowed(inside).exists()


@pytest.mark.parametrize("who", PEOPLE)
def test_the_screen_of_roles_says_what_the_rule_allows(world, who):
    account = person(world, who)
    for operation in world.operations.values():
        answer = who_may(operation)
        for (_label, needed), (_said, holders) in zip(RIGHTS, answer, strict=True):
            allowed = Operation.objects.allowed(account, *needed, by_one_role=True).filter(pk=operation.pk)
            assert (account in [holder.person for holder in holders]) == allowed.exists()


# --- Imports -----------------------------------------------------------------------------------------


def told(resource, text):
    plan = resource.import_data(PlainCSV().create_dataset(text.encode()), dry_run=True).plan
    return [(error.line, error.column, error.message) for error in plan.errors]


def test_contributions_are_imported_to_the_operations_of_the_role(world):
    account = factories.user("fin", groups=("Finance",), on=[world.operations["COL"]])
    text = "donor,date,operation,amount_usd\nNorway,2021-01-01,{},5\n"
    resource = ContributionResource(user=account)
    assert told(resource, text.format("COL")) == []
    assert told(ContributionResource(user=account), text.format("TCD")) == [
        (2, "operation", "There is no operation “TCD”.")
    ]
    said = "Name the operation: you may import contributions to some operations alone."
    assert told(ContributionResource(user=account), text.format("")) == [(2, "operation", said)]
    everywhere = factories.user("all", groups=("Finance",))
    for code in ("COL", "TCD", ""):
        assert told(ContributionResource(user=everywhere), text.format(code)) == []
    page = signed_in(account).get(reverse("admin:contributions_contribution_import"))
    assert "complete_years" not in page.context["form"].fields
    page = signed_in(everywhere).get(reverse("admin:contributions_contribution_import"))
    assert "complete_years" in page.context["form"].fields


def test_an_import_adds_and_changes_by_the_rights_to_add_and_change(world):
    peru = world.operations["PER"]
    text = "operation,year,people\nPER,2020,3\nPER,2021,4\n"
    rights = ["import_populationfigure", "view_populationfigure", "view_operation"]
    for name, more, expected in (
        ("Both", ["add_populationfigure", "change_populationfigure"], []),
        (
            "Adders",
            ["add_populationfigure"],
            [(2, "operation", "You may not change lines of this operation.")],
        ),
        (
            "Changers",
            ["change_populationfigure"],
            [(3, "operation", "You may not add lines to this operation.")],
        ),
    ):
        factories.group(name, *rights, *more)
        account = factories.user(name.lower(), groups=(name,), on=[peru])
        assert told(PopulationFigureResource(user=account), text) == expected


def test_what_others_have_is_not_told_by_an_import(world):
    factories.group("Importers", "import_operation", "change_operation", "view_operation")
    account = factories.user("x", groups=("Importers",), on=[world.operations["PER"]])
    text = "code,name,kind,slug\nTCD,Chad,country,chad\nXXX,Chad,country,chad-2\n"
    assert told(OperationResource(user=account), text) == [
        (2, "code", "There is no operation “TCD” that you may change."),
        (3, "code", "There is no operation “XXX” that you may change."),
    ]


def test_a_file_of_others_is_refused_in_the_admin_with_none_of_their_words(world):
    account = factories.user("fin", groups=("Finance",), on=[world.operations["COL"]])
    client = signed_in(account)
    upload = io.BytesIO(
        b"donor,date,operation,amount_usd\nNorway,2021-11-24,TCD,5\nNorway,2021-11-24,zqprofiletc,5\n"
    )
    upload.name = "x.csv"
    page = client.post(
        reverse("admin:contributions_contribution_import"),
        {"import_file": upload, "format": "0", "resource": ""},
        follow=True,
    )
    assert "There is no operation" in page.content.decode()
    assert "zqprofiletcd" not in page.content.decode()
    assert Contribution.objects.count() == 3


# --- Cost --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["operation", "narrative", "office", "edition"])
def test_a_list_costs_the_same_for_one_operation_and_for_thirty(django_assert_max_num_queries, table):
    account = factories.user("ana")
    queries = []
    for number in range(30):
        operation = factories.operation(f"OP{number}")
        factories.role(account, "Field editors", [operation])
        factories.office(operation)
        release(factories.narrative(operation), account)
        if number in (0, 29):
            client = signed_in(account)
            with django_assert_max_num_queries(40) as captured:
                client.get(reverse(f"admin:operations_{table}_changelist"))
            queries.append(len(captured))
    assert queries[0] == queries[1]
