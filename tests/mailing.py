"""How the site sends e-mail, for the tests that change it."""

import django


def send_mail_by(settings, backend: str, **options) -> None:
    """By this backend; ``options`` as Django 6.1 names them: ``host``, ``port``."""
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
    else:
        settings.EMAIL_BACKEND = backend
        for name, value in options.items():
            setattr(settings, f"EMAIL_{name.upper()}", value)
