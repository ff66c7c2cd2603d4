"""Reading what a server tells Prometheus, with Prometheus' own reader."""

import httpx
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families


async def scrape(client: httpx.AsyncClient) -> dict[str, Metric]:
    """Return the families by name."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def value(families: dict[str, Metric], name: str, **labels: str) -> float:
    """Return one sample's value; 0 for a counter of which there is none yet."""
    family = next(family for family in families.values() if name.startswith(family.name))
    found = [sample.value for sample in family.samples if sample.name == name and sample.labels == labels]
    return found[0] if found else 0.0
