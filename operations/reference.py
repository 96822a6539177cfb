"""The reference data that a new site starts with; an agency changes them in the admin.

Each table is filled only while it is empty, so that what an agency removed does not come back.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import models

from .models import Pillar, PopulationType, Region, SectionType

LANGUAGES = ("en", "fr", "es", "ar")

REGIONS = [
    (
        "EHGL",
        "East and Horn of Africa and Great Lakes",
        "Afrique de l’Est, Corne de l’Afrique et Grands Lacs",
        "África oriental, Cuerno de África y Grandes Lagos",
        "شرق أفريقيا والقرن الأفريقي والبحيرات الكبرى",
    ),
    (
        "WCA",
        "West and Central Africa",
        "Afrique de l’Ouest et Afrique centrale",
        "África occidental y central",
        "غرب ووسط أفريقيا",
    ),
    ("SAO", "Southern Africa", "Afrique australe", "África meridional", "الجنوب الأفريقي"),
    ("AFR", "Africa", "Afrique", "África", "أفريقيا"),
    ("AME", "The Americas", "Amériques", "Las Américas", "الأمريكتان"),
    ("ASP", "Asia and the Pacific", "Asie et Pacifique", "Asia y el Pacífico", "آسيا والمحيط الهادئ"),
    ("EUR", "Europe", "Europe", "Europa", "أوروبا"),
    (
        "MENA",
        "Middle East and North Africa",
        "Moyen-Orient et Afrique du Nord",
        "Oriente Medio y Norte de África",
        "الشرق الأوسط وشمال أفريقيا",
    ),
]

POPULATION_TYPES = [
    ("REF", "Refugees", "Réfugiés", "Refugiados", "لاجئون"),
    (
        "REL",
        "People in a refugee-like situation",
        "Personnes dans une situation assimilable à celle des réfugiés",
        "Personas en situación similar a la de los refugiados",
        "أشخاص في أوضاع شبيهة بأوضاع اللاجئين",
    ),
    ("ASY", "Asylum-seekers", "Demandeurs d’asile", "Solicitantes de asilo", "طالبو لجوء"),
    ("IDP", "Internally displaced people", "Déplacés internes", "Desplazados internos", "نازحون داخلياً"),
    ("RET", "Returned refugees", "Réfugiés rapatriés", "Refugiados retornados", "لاجئون عائدون"),
    (
        "RDI",
        "Returned internally displaced people",
        "Déplacés internes de retour",
        "Desplazados internos retornados",
        "نازحون عائدون",
    ),
    ("STA", "Stateless people", "Apatrides", "Personas apátridas", "أشخاص عديمو الجنسية"),
    (
        "VDA",
        "Venezuelans displaced abroad",
        "Vénézuéliens déplacés à l’étranger",
        "Venezolanos desplazados en el extranjero",
        "فنزويليون نازحون في الخارج",
    ),
    (
        "OOC",
        "Others of concern",
        "Autres personnes relevant de la compétence",
        "Otras personas de interés",
        "آخرون موضع اهتمام",
    ),
]

PILLARS = [
    ("P1", "Pillar 1: refugee programme", "Pilier 1 : programme pour les réfugiés", "Pilar 1: programa de refugiados", "الركيزة 1: برنامج اللاجئين", "pillar", None, 2021),
    ("P2", "Pillar 2: stateless programme", "Pilier 2 : programme pour les apatrides", "Pilar 2: programa de apatridia", "الركيزة 2: برنامج عديمي الجنسية", "pillar", None, 2021),
    ("P3", "Pillar 3: reintegration projects", "Pilier 3 : projets de réintégration", "Pilar 3: proyectos de reintegración", "الركيزة 3: مشاريع إعادة الإدماج", "pillar", None, 2021),
    ("P4", "Pillar 4: projects for internally displaced people", "Pilier 4 : projets pour les déplacés internes", "Pilar 4: proyectos para desplazados internos", "الركيزة 4: مشاريع النازحين داخلياً", "pillar", None, 2021),
    ("OTHER", "Other", "Autre", "Otros", "أخرى", "pillar", None, None),
    ("PROTECT", "Protect: favourable protection environments", "Protéger : un environnement de protection favorable", "Proteger: entornos de protección favorables", "الحماية: بيئات حماية مواتية", "impact_area", 2022, None),
    ("ASSIST", "Assist: realizing rights in safe environments", "Assister : exercer ses droits en sécurité", "Asistir: ejercer derechos en entornos seguros", "المساعدة: إعمال الحقوق في بيئات آمنة", "impact_area", 2022, None),
    ("EMPOWER", "Empower: communities and gender equality", "Autonomiser : communautés et égalité des genres", "Empoderar: comunidades e igualdad de género", "التمكين: المجتمعات والمساواة بين الجنسين", "impact_area", 2022, None),
    ("SOLVE", "Solve: securing solutions", "Résoudre : trouver des solutions", "Resolver: lograr soluciones", "الحل: تأمين الحلول", "impact_area", 2022, None),
]  # fmt: skip

SECTION_TYPES = [
    ("operational-context", "Operational context", "Contexte opérationnel", "Contexto operacional", "السياق التشغيلي", "year_end", "What happened in the country in the year, and what it meant for the people served.", 2022),
    ("population-trends", "Population trends", "Tendances de la population", "Tendencias de la población", "اتجاهات السكان", "year_end", "How many people, where from, and what changed."),
    ("key-achievements", "Key achievements", "Principales réalisations", "Logros principales", "الإنجازات الرئيسية", "year_end", "What was done, each with its figure. A list reads best."),
    ("unmet-needs", "Unmet needs", "Besoins non satisfaits", "Necesidades no cubiertas", "الاحتياجات غير الملباة", "year_end", "What could not be done for want of funds, and who went without."),
    ("flexible-funding", "Use of flexible funding", "Utilisation des fonds flexibles", "Uso de fondos flexibles", "استخدام التمويل المرن", "year_end", "What unearmarked and softly earmarked contributions made possible."),
    ("working-environment", "Working environment", "Environnement de travail", "Entorno de trabajo", "بيئة العمل", "plan", "What the year is expected to bring."),
    ("key-priorities", "Key priorities", "Priorités principales", "Prioridades principales", "الأولويات الرئيسية", "plan", "What will be done, each with its target. A list reads best.", 2022),
]  # fmt: skip

# What each role may do; an administrator is a superuser. To export a table asks for “view”.
GROUPS = {
    "Viewers": {
        "view": [
            "operation",
            "region",
            "edition",
            "narrative",
            "section",
            "keyfigure",
            "office",
            "populationfigure",
            "financialfigure",
        ],
    },
    "Field editors": {
        "change": ["operation"],
        "view": ["operation", "edition", "region"],
        "view add change": ["narrative", "section", "keyfigure", "office", "populationfigure"],
        "delete": ["section", "keyfigure", "office", "populationfigure"],
    },
    "Reviewers": {
        "view": ["operation", "region", "edition", "donor", "contribution", "importbatch"],
        "change": ["operation"],
        "view add change": [
            "narrative",
            "section",
            "keyfigure",
            "office",
            "populationfigure",
            "financialfigure",
        ],
        "delete": ["section", "keyfigure", "office", "populationfigure", "financialfigure"],
        "release": ["edition", "importbatch"],
    },
    "Finance": {
        "view": ["operation", "region", "edition", "contribution", "importbatch", "donormerge"],
        "view add change": ["donor", "donoralias", "financialfigure"],
        "delete": ["donoralias", "financialfigure"],
        "import": ["contribution", "donor", "financialfigure"],
        "release": ["edition", "importbatch"],
    },
}


def load_reference_data(**kwargs: Any) -> None:
    """Fill the empty reference tables; runs after every ``migrate``."""
    _fill(Region, "name", [(row, {}) for row in REGIONS])
    _fill(PopulationType, "name", [(row, {}) for row in POPULATION_TYPES])
    _fill(
        Pillar,
        "name",
        [(row[:5], {"scheme": row[5], "first_year": row[6], "last_year": row[7]}) for row in PILLARS],
    )
    _fill(
        SectionType,
        "heading",
        [
            (
                row[:5],
                {
                    "in_plan": row[5] == "plan",
                    "in_year_end": row[5] == "year_end",
                    "guidance": row[6],
                    "required_since": row[7] if row[7:] else None,
                },
            )
            for row in SECTION_TYPES
        ],
    )


def _fill(model: type[models.Model], field: str, rows: list[tuple[tuple, dict]]) -> None:
    if model.objects.exists():
        return
    model.objects.bulk_create(
        model(
            code=row[0],
            order=order * 10,
            **{f"{field}_{language}": text for language, text in zip(LANGUAGES, row[1:5], strict=True)},
            **{field: row[1]},
            **more,
        )
        for order, (row, more) in enumerate(rows, 1)
    )


def load_groups(**kwargs: Any) -> None:
    """Make the groups of the roles where they are missing; existing ones are left as they are."""
    for name, rights in GROUPS.items():
        group, created = Group.objects.get_or_create(name=name)
        if created:
            codenames = [
                f"{verb}_{model}"
                for verbs, names in rights.items()
                for verb in verbs.split()
                for model in names
            ]
            group.permissions.set(Permission.objects.filter(codename__in=codenames))
