"""The words of the languages that the checks look for, as data."""

from __future__ import annotations

import re

MULTIPLIERS = {
    "en": {"thousand": 10**3, "million": 10**6, "billion": 10**9},
    "fr": {
        "mille": 10**3,
        "millions": 10**6,
        "million": 10**6,
        "milliards": 10**9,
        "milliard": 10**9,
    },
    "es": {
        "mil millones": 10**9,
        "millones": 10**6,
        "millón": 10**6,
        "mil": 10**3,
        "millardos": 10**9,
        "millardo": 10**9,
    },
    "ar": {
        **dict.fromkeys(("آلاف", "ألفًا", "ألفا", "ألف"), 10**3),
        **dict.fromkeys(("ملايين", "مليونًا", "مليونا", "مليون"), 10**6),
        **dict.fromkeys(("مليارات", "مليارًا", "مليارا", "مليار"), 10**9),
    },
}
PER_CENT = r"%|٪|per ?cent\b|pour cent\b|por ciento\b|(?:في|ب)\s?(?:ال)?(?:مائة|مئة)|بالمائة|بالمئة"

# Numbers written as words. They only ever excuse a difference between a text and its translation.
NUMBER_WORDS = {
    "en": "one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty "
    "sixty seventy eighty ninety hundred thousand million",
    "fr": "un deux trois quatre cinq six sept huit neuf dix onze douze quinze vingt trente quarante cinquante "
    "soixante soixante-dix quatre-vingts quatre-vingt-dix cent mille million",
    "es": "un dos tres cuatro cinco seis siete ocho nueve diez once doce quince veinte treinta cuarenta cincuenta "
    "sesenta setenta ochenta noventa cien mil millón",
    "ar": "واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة عشرة أحد-عشر اثنا-عشر خمسة-عشر عشرون ثلاثون أربعون خمسون "
    "ستون سبعون ثمانون تسعون مائة ألف مليون",
}
WORD_VALUES = [*range(1, 13), 15, *range(20, 100, 10), 100, 1000, 10**6]

# In lower case, as in the middle of a sentence: names of people and places are left alone.
PLAN_WORDS = {
    "en": r"\b(?<!free )(?<!political )(?<!good )(?<!the )(?<!at )will\b(?! to\b)|\bwon’t\b|\bplan(?:s|ning)? to\b|"
    r"\b(?:intends?|aims?|expects?) to\b|\b(?:is|are) (?:going|planned) to\b|\bwe’ll\b",
    "fr": r"\b[a-zà-ÿ]{2,}(?:era|eront|erons|ira|iront|irons)\b|\b(?:sera|seront|aura|auront|fera|feront|devra|devront|"
    r"\w*tiendra|\w*tiendront|\w*prendra|\w*prendront|atteindra|atteindront)\b|\bprévoi(?:t|ent)\b|"
    r"\bcompten?t? (?=\w+[ei]r\b)|\ba l’intention de\b",
    "es": r"\b[a-zà-ÿ]{2,}(?:ará|arán|erá|erán|irá|irán|drá|drán|aremos|eremos|iremos)\b|\b(?:hará|harán|será|serán)\b|"
    r"\b(?:planean?|prevén?) \w+r\b|\btienen? previsto\b",
    "ar": r"(?<!\w)و?(?:سوف|سيتم|ستتم|سيكون|ستكون|سيجري|ستقدم|سيقدم|ستقوم|سنقدم|ستعمل|ستواصل|سيواصل|ستوفر|"
    r"سيحصل|سيتلقى|سيستفيد|ستصل|سنصل|ستدعم|تعتزم|تخطط|من المقرر)(?!\w)",
}
NOT_PLAN_WORDS = {"opera", "cetera", "riviera"}
# What is to be done, in the few words of a key figure.
PLANNED = {
    "en": r"\bto be (?!\w*(?:able|at|in|free)\b)\w+|\bplanned\b|\btargeted\b|\bintended\b",
    "fr": r"\bà (?!\w*(?:risque)\b)\w{3,}(?:er|ir)\b|\bprévue?s?\b|\bciblée?s?\b",
    "es": r"\bpor \w{3,}[aei]r\b|\bprevist[oa]s?\b|\bplanificad[oa]s?\b",
    "ar": r"(?<!\w)(?:المقرر|المخطط|مخطط)(?!\w)",
}
REPORT_WORDS = {
    "en": r"\b(?:reached|assisted|provided|delivered|distributed|supported|registered|helped|trained|achieved|"
    r"received|benefited|were given|was given)\b",
    "fr": r"\b(?:a|ont|avons) (?:\w+ )?(?:atteint|aidé|assisté|fourni|distribué|soutenu|enregistré|formé|reçu|"
    r"bénéficié)\b|\bont été\b",
    "es": r"\b(?:alcanzó|alcanzamos|llegó|ayudó|asistió|proporcionó|brindó|entregó|distribuyó|apoyó|registró|capacitó|"
    r"logró|recibió|recibieron|fueron|alcanzaron|beneficiaron)\b",
    "ar": r"(?<!\w)و?(?:وصلت|قدمت|قدّمت|تلقى|حصل|وفرت|وفّرت|وزعت|وزّعت|دعمت|سجلت|ساعدت)(?!\w)",
}
FUNDED = {
    "en": r"\bfunded\b",
    "fr": r"\bfinancée?s?\b",
    "es": r"\bfinanciad[oa]s?\b",
    "ar": r"\b(?:ال)?(?:ممولة?|مُموَّلة?)\b|\bتمويلها?\b",
}
MONEY_BEFORE = re.compile(r"(?:US ?\$|\$|USD|€|EUR)\s?\Z")
MONEY_AFTER = re.compile(
    r"\s?(?:de |d’)?(?:US ?\$|\$|USD|€|EUR|(?:US )?dollars?\b|dólares\b|دولار)", re.IGNORECASE
)
