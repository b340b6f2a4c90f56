"""Each service's API against its own OpenAPI document, asked with what schemathesis thinks up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.checks import positive_data_acceptance
from schemathesis.core.result import Ok, Result
from schemathesis.schemas import APIOperation

from fixtures.company import Company
from fixtures.model_files import model_file

EXAMPLES = 12  # of good requests, and as many of bad ones, for each operation

Operation: TypeAlias = "APIOperation[Any, Any, Any, Any]"
Prepare = Callable[[Company], tuple[dict[str, str], dict[str, str]]]
"""Makes what the operations are about; returns headers to send and path parameters that exist."""


def partner(company: Company) -> tuple[dict[str, str], dict[str, str]]:
    sender = company.works_with_partner("Meridian")
    headers = {"Authorization": f"Bearer {sender.client.key}"}
    seen = sender.orders_a_piece(model_file("the generated ring"), "silver-925")
    with httpx.Client(base_url=company.sandbox.services["partner"], headers=headers) as http:
        url = "http://127.0.0.1:9/closed"
        webhook = http.post("/api/v1/webhooks", json={"url": url}).raise_for_status().json()
    return headers, {"order_id": str(seen.id), "webhook_id": webhook["id"]}


def crm(company: Company) -> tuple[dict[str, str], dict[str, str]]:
    return _signed_in(company.accounts.seller().cookies), _placed_order(company)


def mes(company: Company) -> tuple[dict[str, str], dict[str, str]]:
    return _signed_in(company.accounts.operator().cookies), _placed_order(company)


def pricing(company: Company) -> tuple[dict[str, str], dict[str, str]]:
    return {}, {}


@pytest.mark.timeout(600)  # hundreds of requests, on a machine that may be busy
@pytest.mark.parametrize("prepare", [partner, crm, mes, pricing])
def test_no_answer_is_undocumented_or_a_fault_of_ours(company: Company, prepare: Prepare) -> None:
    service = prepare.__name__
    address = company.sandbox.services[service]
    headers, there = prepare(company)
    document = httpx.get(f"{address}/openapi.json").raise_for_status().json()
    api = schemathesis.openapi.from_dict(_open_to_all(document))

    asked = [
        _ask(operation, address, headers, there) for operation in map(_ok, api.get_all_operations())
    ]

    assert asked, f"{service} documents no operation"


@pytest.mark.parametrize("service", ["partner", "crm", "mes"])
def test_who_is_not_known_is_told_nothing(company: Company, service: str) -> None:
    with httpx.Client(base_url=company.sandbox.services[service]) as http:
        document = http.get("/openapi.json").raise_for_status().json()
        answers = [
            http.request(method, path.replace("{", "").replace("}", ""))
            for path, item in document["paths"].items()
            for method in item
        ]

    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}


@pytest.mark.parametrize(
    ("prepare", "path"),
    [
        (partner, "/api/v1/orders?cursor=%00"),
        (crm, "/api/orders?q=%00"),
        (crm, "/api/orders/%00"),
        (mes, "/api/work/%00"),
    ],
)
def test_a_nul_is_a_bad_request(company: Company, prepare: Prepare, path: str) -> None:
    headers, _ = prepare(company)

    answer = httpx.get(company.sandbox.services[prepare.__name__] + path, headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:atelier:problem:bad-request")


def _ask(
    operation: Operation, address: str, headers: Mapping[str, str], there: Mapping[str, str]
) -> str:
    """Ask for what cannot be there, for what is there, and for what the document forbids."""
    _ask_like(operation.as_strategy(GenerationMode.POSITIVE), address, headers)
    in_path = {each.name for each in operation.path_parameters}
    if known := {name: value for name, value in there.items() if name in in_path}:
        cases = operation.as_strategy(GenerationMode.POSITIVE, path_parameters=known)
        _ask_like(cases, address, headers)
    if any(each.media_type == "multipart/form-data" for each in operation.body):
        content = {"model": model_file("the generated ring").data, "metal": "gold-585"}
        cases = operation.as_strategy(
            GenerationMode.POSITIVE, body=content, media_type="multipart/form-data"
        )
        _ask_like(cases, address, headers)
    if operation.path_parameters or operation.query or operation.headers or operation.body:
        # Where all that can be sent is allowed, as a text in a path, there is nothing to try.
        with suppress(Unsatisfiable):
            _ask_like(operation.as_strategy(GenerationMode.NEGATIVE), address, headers)
    return operation.label


def _ask_like(
    cases: SearchStrategy[schemathesis.Case[Any]],
    address: str,
    headers: Mapping[str, str],
) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def ask(case: schemathesis.Case[Any]) -> None:
        # No schema says which bytes are a 3D model, which cursors we gave out, which ports there
        # are or what a note must say: what it allows may still be refused, in a documented way.
        case.call_and_validate(
            base_url=address, headers=dict(headers), excluded_checks=[positive_data_acceptance]
        )

    ask()


def _open_to_all(document: dict[str, Any]) -> dict[str, Any]:
    """Without its security schemes: every request of this test carries credentials."""
    document.pop("security", None)
    for item in document["paths"].values():
        for operation in item.values():
            operation.pop("security", None)
    return document


def _ok(result: Result[Operation, Any]) -> Operation:
    assert isinstance(result, Ok), result
    return result.ok()


def _signed_in(cookies: Mapping[str, str]) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}


def _placed_order(company: Company) -> dict[str, str]:
    sender = company.works_with_partner("Meridian")
    seen = sender.orders_a_piece(model_file("the generated ring"), "silver-925")
    company.systems.has_arrived(seen)
    return {"number": seen.number}
