# Arabic with European digits, as CLDR has it: Django's “1.557” is a decimal fraction to most readers of Arabic.
DECIMAL_SEPARATOR = "."
THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
