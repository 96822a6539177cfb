"""One site in which everything that can leak says so: each field holds a word or a number of its own.

Of each state there is an operation whose profile and year-end report are in it, and on one released operation a
year-end report of each. ``sentinels`` finds the words and numbers in what a page says, whole or shortened, and
``Sentinel`` tells what they stand for.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.core.files.base import ContentFile
from django.utils import timezone

from contributions import private_sums
from contributions.models import Contribution, Donor, ImportBatch
from operations import editions
from operations.models import (
    Answer,
    Edition,
    FinancialFigure,
    Narrative,
    Office,
    Operation,
    PopulationFigure,
    PreviewLink,
    Region,
    Section,
    SectionType,
    Step,
)
from operations.previews import token_of
from tests import factories

LANGUAGES = ("en", "fr", "es", "ar")
STATES = (
    "draft",
    "in_review",
    "scheduled",
    "released",
    "withdrawn",
    "changed",  # a newer draft on top of a released edition
    "rescheduled",  # a scheduled edition on top of a released one
    "rewritten",  # a newer draft on top of a withdrawn edition
)
# The states in which readers see something of it.
SHOWN = {"released", "changed", "rescheduled"}
EVER_SHOWN = SHOWN | {"withdrawn", "rewritten"}
HEADINGS = {
    "year_end": ("operational-context", "unmet-needs"),
    "plan": ("key-priorities", "working-environment"),
}
LATER = dt.timedelta(days=30)

LETTERS = "bcdfghjklmnprstvwx"
TAIL = "12345678"


@dataclass(frozen=True)
class Sentinel:
    """What a word or number stands for.

    ``kind`` says which right shows it: “profile”, “office” (one that is not public), “text”, “line” (of the
    contributions), “donor”, “batch” (an import and its file) or “account” (the name of a member of staff).
    """

    kind: str
    place: str
    is_public: bool
    about: str


@dataclass
class Place:
    """An operation, and what belongs to it."""

    name: str
    operation: Operation
    narratives: list[Narrative] = field(default_factory=list)
    tokens: list[tuple[str, Any]] = field(
        default_factory=list
    )  # of open previews, and the edition that each shows


@dataclass
class Scene:
    sentinels: dict[str, Sentinel] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    roles: dict[str, Any] = field(default_factory=dict)  # None for readers
    author: Any = None
    batches: list[ImportBatch] = field(default_factory=list)
    dead_tokens: list[str] = field(default_factory=list)
    before: dict[str, dict[str, str]] = field(default_factory=dict)  # lists, as they were without the rest

    def word(self, kind: str, place: str, about: str, is_public: bool = False) -> str:
        number, letters = len(self.sentinels), ""
        for _ in range(4):
            number, letter = divmod(number, len(LETTERS))
            letters += LETTERS[letter]
        word = f"zq{letters}qz"
        self.sentinels[word] = Sentinel(kind, place, is_public, about)
        return word

    def number(self, kind: str, place: str, about: str, is_public: bool = False) -> int:
        """Fourteen digits of which the first six are its own: “91,800.1 billion” is the number still."""
        code = f"918{sum(key.isdigit() for key in self.sentinels):03}"
        assert len(code) == 6
        self.sentinels[code] = Sentinel(kind, place, is_public, about)
        return int(code + TAIL)

    def degrees(self, *what: Any) -> Decimal:
        """A coordinate whose decimals are a number of its own."""
        return Decimal(f"12.{str(self.number(*what))[:6]}")


WORD = re.compile(r"zq[a-z]{4}qz", re.IGNORECASE)
NUMBER = re.compile(r"(?<!\d)(918\d{3})(?:1\d*)?(?!\d)")
DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩", "0123456789")
SEPARATORS = re.compile(
    "(?<=\\d)(?:[.,'’٬٫\u00a0\u202f\u2009]|&nbsp;|&#x?[0-9a-f]{2,4};)(?=\\d)", re.IGNORECASE
)
GEOMETRY = re.compile(r'\s(?:d|x|y|x1|x2|y1|y2|cx|cy|r|rx|width|height|points|viewBox|transform)="[^"]*"')


def sentinels(text: str) -> set[str]:
    """The words, and the first digits of the numbers, that stand in a text in whatever form."""
    found = {word.lower() for word in WORD.findall(text)}
    digits = text.translate(DIGITS)
    found.update(NUMBER.findall(digits))
    found.update(NUMBER.findall(SEPARATORS.sub("", GEOMETRY.sub(" ", digits))))
    return found


# --- How it is made ----------------------------------------------------------------------------------


def fill_profile(scene: Scene, place: Place, is_public: bool) -> None:
    """Give every field of the profile new words and numbers."""
    of = place.operation
    here = (place.name, f"profile of “{place.name}”")

    def word(part: str, kind: str = "profile", public: bool = is_public) -> str:
        return scene.word(kind, here[0], f"{here[1]}, {part}", public)

    def number(part: str) -> int:
        return scene.number("profile", here[0], f"{here[1]}, {part}", is_public)

    for language in LANGUAGES:
        setattr(of, f"name_{language}", f"{word(f'name_{language}')} Land")
        setattr(of, f"notice_{language}", f"{word(f'notice_{language}')} & <so> on.")
    of.latitude = scene.degrees("profile", here[0], f"{here[1]}, latitude", is_public)
    of.longitude = scene.degrees("profile", here[0], f"{here[1]}, longitude", is_public)
    of.save()
    for model in (Office, PopulationFigure, FinancialFigure):
        model.objects.filter(operation=of).delete()
    for kind, public in (("profile", is_public), ("office", False)):
        name = "office" if kind == "profile" else "office that is not public"
        factories.office(
            of,
            name=f"{word(f'name of the {name}', kind, public)} Town",
            is_public=kind == "profile",
            latitude=scene.degrees(kind, here[0], f"{here[1]}, latitude of the {name}", public),
            longitude=Decimal("10.5"),
            **{
                f"description_{language}": f"{word(f'description_{language} of the {name}', kind, public)} & <b>."
                for language in LANGUAGES
            },
        )
    for year in (2020, 2021):
        factories.population(
            of, year, people=number(f"people {year}"), source=word(f"source of people {year}")
        )
        for measure in ("budget", "expenditure"):
            factories.finance(
                of,
                year,
                measure,
                amount_usd=Decimal(number(f"{measure} {year}")),
                source=word(f"source of {measure} {year}"),
            )
    factories.population(of, 2020, "REF", people=number("refugees 2020"))
    factories.finance(of, 2020, "budget", "P1", amount_usd=Decimal(number("budget of pillar 1 in 2020")))


def fill_text(scene: Scene, place: Place, text: Narrative, is_public: bool) -> None:
    """Give every field of the text new words and numbers."""
    what = f"{text.kind} {text.year} {text.language} of “{place.name}”"

    def word(part: str, public: bool = is_public) -> str:
        return scene.word("text", place.name, f"{what}, {part}", public)

    text.sections.all().delete()
    text.key_figures.all().delete()
    for heading in HEADINGS[text.kind]:
        # The last number is near the key figure of the same text, which is a warning to be answered.
        body = f"<p>{word(heading)} &amp; more for 52,000 people.</p>"
        Section.objects.create(narrative=text, type=SectionType.objects.get(code=heading), body=body)
    value = scene.number("text", place.name, f"{what}, key figure", is_public)
    factories.key_figure(
        text,
        str(value),
        text=word("key figure"),
        source=word("source"),
        editor_note=word("note to editors", False),
    )
    factories.key_figure(text, "52,996", text="people given cash")
    text.save()


def bring(scene: Scene, place: Place, of: Operation | Narrative, state: str, profile: str) -> None:
    """Bring a working copy into a state, with words and numbers of its own at every step.

    Readers see a text while its ``profile`` is shown; what they are told of a withdrawal stays.
    """
    by = scene.author
    kind = "profile" if isinstance(of, Operation) else "text"
    what = f"{of._meta.verbose_name} {getattr(of, 'kind', '')} {getattr(of, 'year', '')} of “{place.name}”"

    def fill(is_public: bool) -> None:
        if isinstance(of, Operation):
            fill_profile(scene, place, is_public)
        else:
            fill_text(scene, place, of, is_public)

    def word(part: str, is_public: bool = False) -> str:
        return scene.word(kind, place.name, f"{what}, {part}", is_public)

    is_shown = profile in SHOWN and state in SHOWN
    fill(is_shown)
    if state in EVER_SHOWN:
        editions.release(of, by, note=f"{word('note to readers', is_shown)} & <more>.")
    if state in {"withdrawn", "rewritten"}:
        editions.withdraw(
            of, by, notice=f"{word('notice of the withdrawal', profile in EVER_SHOWN)} & <more>."
        )
    if state in {"changed", "rescheduled", "rewritten"}:
        fill(False)
    if state in {"scheduled", "rescheduled"}:
        editions.release(
            of, by, timezone.now() + LATER, note=word("note of a release to come"), is_correction=True
        )
    if state == "in_review":
        editions.send_for_review(of, by, word("comment when it was sent"))
    newest = editions.record(of, by)
    Step.objects.create(edition=newest, kind=Step.Kind.COMMENT, text=word("comment"), by=by)
    Answer.objects.create(
        edition=newest, check_code="near", key="none", message=word("warning"), reason=word("answer"), by=by
    )
    now = timezone.now()
    link = PreviewLink.objects.create(
        edition=newest, made_by=by, made_at=now, expires_at=now + dt.timedelta(hours=1)
    )
    place.tokens.append((token_of(link), newest))


def add_place(
    scene: Scene, name: str, region: Region, profile: str, texts: list[tuple[str, int, str, str]]
) -> Place:
    """An operation with its profile in a state, and texts: kind, year, language and state of each."""
    was_shown = profile in EVER_SHOWN
    slug = scene.word("profile", name, f"slug of “{name}”", was_shown)
    code = scene.word("profile", name, f"code of “{name}”", was_shown)
    place = Place(name, factories.operation(code.upper(), slug=slug, region=region, countries="PE"))
    scene.places[name] = place
    bring(scene, place, place.operation, profile, profile)
    for kind, year, language, state in texts:
        source = Edition.objects.filter(
            operation=place.operation, kind=kind, year=year, language="en", released_at__isnull=False
        ).first()
        text = factories.narrative(
            place.operation,
            year,
            kind,
            language=language,
            translated_from=source if language != "en" else None,
        )
        place.narratives.append(text)
        bring(scene, place, text, state, profile)
    return place


def add_lines(scene: Scene, place: Place | None) -> None:
    """Contributions to the operation (or to none), of imports that are released, withdrawn and not yet released."""
    name = place.name if place else ""
    now = timezone.now()
    made: dict[str, Contribution] = {}
    for state, times in {
        "released": {},
        "unreleased": {"released_at": None},
        "withdrawn": {"withdrawn_at": now},
        "set for later": {"released_at": now + LATER},
    }.items():
        is_public = state == "released"
        what = f"{state} line of “{name}”"
        batch = factories.batch(
            file_name=f"{scene.word('line', name, f'{what}, file name')}.csv",
            mapping={scene.word("batch", name, f"{what}, column"): "donor"},
            made_by=scene.author,
            **times,
        )
        batch.file.save("lines.csv", ContentFile(scene.word("batch", name, f"{what}, file").encode()))
        scene.batches.append(batch)
        donors = [
            factories.donor(
                scene.word("donor", name, f"{what}, donor", is_public),
                footnote_en=scene.word("donor", name, f"{what}, footnote", is_public),
            )
        ]
        if is_public:
            donors.append(
                factories.donor(
                    scene.word("donor", name, f"{what}, private donor"),
                    kind=Donor.Kind.PRIVATE,
                    country="JP",
                    is_class=False,
                )
            )
        for donor in donors:
            made[state] = factories.contribution(
                donor,
                batch=batch,
                operation=place and place.operation,
                amount_usd=Decimal(
                    scene.number("line", name, f"{what}, amount", is_public and donor.is_named)
                ),
                currency="CHF",
                amount=Decimal(
                    scene.number("line", name, f"{what}, amount in francs", is_public and donor.is_named)
                ),
                reference=scene.word("line", name, f"{what}, reference", is_public and donor.is_named),
                description=scene.word("line", name, f"{what}, description", is_public and donor.is_named),
            )
    replaced, newer = made["released"], made["unreleased"]
    Contribution.objects.filter(pk=replaced.pk).update(replaced_in=newer.batch, is_current=False)
    factories.contribution(
        replaced.donor,
        batch=newer.batch,
        key=replaced.key,
        operation=place and place.operation,
        amount_usd=Decimal(scene.number("line", name, f"newer line of “{name}”, amount")),
        reference=scene.word("line", name, f"newer line of “{name}”, reference"),
    )


def begin() -> Scene:
    """What everyone has in common: the author of it all."""
    scene = Scene()
    scene.author = factories.user(
        scene.word("account", "", "name of a member of staff"),
        is_superuser=True,
        email=f"{scene.word('address', '', 'e-mail address of a member of staff')}@example.org",
    )
    return scene


def add_elsewhere(scene: Scene) -> None:
    """What the editors and reviewers of another region work on."""
    region = Region.objects.get(code="AFR")
    place = add_place(
        scene,
        "elsewhere",
        region,
        "changed",
        [("year_end", 2020, "en", "changed"), ("plan", 2021, "en", "draft")],
    )
    add_lines(scene, place)
    scene.roles |= {
        "editor of another": factories.user(
            "editor-of-another", groups=("Field editors",), on=[place.operation]
        ),
        "finance of another": factories.user("finance-of-another", groups=("Finance",), on=[place.operation]),
        "reviewer of another region": factories.user(
            "reviewer-of-another", groups=("Reviewers",), on=[region]
        ),
    }


def add_here(scene: Scene) -> None:
    """An operation of each state, one with a text of each, and two whose texts have no profile under them."""
    region = Region.objects.get(code="AME")
    for state in STATES:
        texts = [("year_end", 2020, "en", state)]
        if state == "changed":
            texts += [("year_end", 2020, "fr", state), ("plan", 2021, "en", state)]
        add_place(scene, state, region, state, texts)
    add_place(
        scene,
        "texts of each state",
        region,
        "released",
        [("year_end", 2012 + number, "en", state) for number, state in enumerate(STATES)]
        + [("year_end", 2015, "fr", "draft"), ("year_end", 2019, "ar", "released")],
    )
    add_place(scene, "released texts, no profile", region, "draft", [("year_end", 2020, "en", "released")])
    add_place(
        scene, "released texts, profile withdrawn", region, "withdrawn", [("plan", 2020, "en", "released")]
    )
    for name in ("released", "draft", "withdrawn"):
        add_lines(scene, scene.places[name])
    add_lines(scene, None)
    private_sums.make()
    here = [place.operation for place in scene.places.values() if place.name != "elsewhere"]
    draft = Edition.objects.of(scene.places["draft"].operation).first()
    now = timezone.now()
    for more in (
        {"revoked_at": now},
        {"made_at": now - dt.timedelta(hours=3), "expires_at": now - dt.timedelta(hours=1)},
    ):
        times = {"made_at": now, "expires_at": now + dt.timedelta(hours=1)} | more
        scene.dead_tokens.append(
            token_of(PreviewLink.objects.create(edition=draft, made_by=scene.author, **times))
        )
    scene.roles |= {
        "anonymous": None,
        "viewer": factories.user("viewer", groups=("Viewers",), on=here),
        "editor": factories.user("editor", groups=("Field editors",), on=here),
        "finance": factories.user("finance", groups=("Finance",), on=here),
        "finance everywhere": factories.user("finance-everywhere", groups=("Finance",)),
        "reviewer": factories.user("reviewer", groups=("Reviewers",), on=[region]),
        "administrator": factories.user("administrator", is_superuser=True),
    }
