"""Files that readers take, and what our own imports make of them."""

from __future__ import annotations

import csv
import io
from typing import Any

from contributions.resources import TABLES as MONEY_TABLES
from contributions.resources import ContributionResource
from operations.resources import TABLES

RESOURCES = {**TABLES, **MONEY_TABLES, "contributions": ContributionResource}


def body(client: Any, address: str) -> bytes:
    response = client.get(address)
    content = response.getvalue()
    assert response.status_code == 200, (address, content[:300])
    return content


def table(client: Any, address: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body(client, address).decode(), newline="")))


def taken_back(name: str, content: bytes, form: Any, **options: Any) -> Any:
    resource = RESOURCES[name](**options)
    dataset = form().create_dataset(content)
    return resource.import_data(dataset, dry_run=False, raise_errors=True, file_name=f"{name}.csv").plan
