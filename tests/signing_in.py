"""Being signed in, in a browser, for the tests that are about something else.

How one signs in by the form, with pointer and keyboard, is asked by tests/browser/test_staff.py, test_previews.py,
test_two_editors.py and test_release.py; each time it costs two pages more.
"""

from django.contrib.auth import get_user_model
from django.test import Client


def be_signed_in(page, name: str, address: str = "") -> None:
    """The browser of this page gets a session of this account; then it opens the address, if there is one."""
    client = Client()
    client.force_login(get_user_model().objects.get(username=name))
    cookies = [
        {"name": cookie.key, "value": cookie.value, "domain": "localhost", "path": "/", "httpOnly": True}
        for cookie in client.cookies.values()
    ]
    page.context.add_cookies(cookies)
    if address:
        page.goto(address)
