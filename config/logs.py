"""What the log does not keep."""

from __future__ import annotations

import logging
import re

TOKEN = re.compile(r"(/preview/)[^/\s?#\"']+")


class WithoutTokens(logging.Filter):
    """Leaves out the token of a preview link: who reads the log could open the draft with it."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if TOKEN.search(message):
            record.msg, record.args = TOKEN.sub(r"\1…", message), None
        return True
