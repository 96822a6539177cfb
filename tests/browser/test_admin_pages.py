"""The admin's own pages, each before axe: the lists, the forms, and what only we have."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib import admin
from django.urls import reverse

from contributions.models import ImportBatch
from operations.models import Narrative, Operation, TextKind

from ..signing_in import be_signed_in

# What axe would load again it would put into the page, which its policy forbids.
OPTIONS = {"preload": False, "resultTypes": ["violations"]}


def of_models() -> list[str]:
    """The list of each model, the form of a new one, of one that is there, and how it was changed."""
    found = []
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found += [reverse(f"{name}_changelist"), reverse(f"{name}_add")]
        if (one := model._default_manager.first()) is not None:
            found += [reverse(f"{name}_{view}", args=[one.pk]) for view in ("change", "history", "delete")]
    return found


def of_ours() -> list[str]:
    peru = Operation.objects.get(code="PER")
    report = Narrative.objects.filter(operation=peru, kind=TextKind.YEAR_END, language="en").first()
    form = f"/admin/operations/narrative/{report.pk}"
    batch = ImportBatch.objects.first()
    return [
        "/admin/",
        "/admin/?q=peru",
        "/admin/design/",
        "/admin/roles/",
        "/admin/operations/work-list/",
        "/admin/password_change/",
        f"{form}/release/",
        f"{form}/versions/",
        reverse("admin:operations_operation_change", args=[peru.pk]),
        *([reverse("admin:contributions_importbatch_change", args=[batch.pk])] if batch else []),
    ]


def problems(page, is_ours: bool = True) -> set[str]:
    """In light and wide; of our own pages, in the dark and narrower too."""
    found = set()
    page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    for width, scheme in ((1280, "light"), (768, "dark"))[: 2 if is_ours else 1]:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        page.evaluate("Promise.all(document.getAnimations().map(one => one.finished))")
        for violation in Axe().run(page, options=OPTIONS).response["violations"]:
            found |= {f"{violation['id']}: {node['html'][:160]}" for node in violation["nodes"]}
    return found


@pytest.mark.parametrize("half", [0, 1])
def test_axe_finds_nothing_on_any_page_of_the_admin(demo, new_page, half):
    page = new_page()
    page.goto("/admin/login/")
    found = {"/admin/login/": problems(page)}
    be_signed_in(page, "admin")
    ours = of_ours()
    for address in list(dict.fromkeys([*ours, *of_models()]))[half::2]:
        status = page.goto(address).status
        assert status in (200, 403), address  # what nobody may add or delete is refused in words
        found[address] = problems(page, address in ours)
    assert {address: said for address, said in found.items() if said} == {}


@pytest.mark.parametrize("name", ["peru", "americas", "finance", "viewer"])
def test_axe_finds_nothing_on_what_each_role_sees_first(demo, new_page, name):
    page = new_page()
    be_signed_in(page, name)
    page.goto("/admin/")
    assert problems(page) == set()
