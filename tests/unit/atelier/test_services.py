"""What the services say of themselves, and that everything else asks them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest

import atelier
from atelier.running import Running
from atelier.service import Service
from atelier.services import SERVICES, SUBSCRIPTIONS
from atelier.settings import BadSettings, Settings, ports
from atelier.web.application import create_app

SOURCES = Path(atelier.__file__).parent


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    given: dict[str, Any] = {
        "shop_database": "postgresql://nowhere/shop",
        "mes_database": "postgresql://nowhere/mes",
        "broker": "amqp://nowhere",
        "cache": "redis://nowhere",
        "files": str(tmp_path),
        "secret_key": "a key that signs nothing outside this test",
    }
    return Settings(**given)


def test_they_are_listed_by_their_ports() -> None:
    ports = [service.port for service in SERVICES.values()]
    assert ports == sorted(set(ports))
    known = {"shop": 8001, "partner": 8002, "crm": 8003, "mes": 8004, "pricing": 8005}
    assert {name: SERVICES[name].port for name in known} == known


@pytest.mark.parametrize("service", SERVICES.values(), ids=lambda service: service.name)
def test_a_service_is_called_as_its_package_is(service: Service) -> None:
    assert (SOURCES / service.name / "app.py").is_file()
    for each in service.subscriptions:
        assert each.queue.startswith(f"{service.name}.")
        assert each.database in service.databases


@pytest.mark.parametrize("service", SERVICES.values(), ids=lambda service: service.name)
def test_a_service_that_forks_says_how(service: Service) -> None:
    assert hasattr(import_module(f"atelier.{service.name}.app"), "fork") is service.forks


def test_a_queue_belongs_to_one_service() -> None:
    assert len(SUBSCRIPTIONS) == sum(len(each.subscriptions) for each in SERVICES.values())


@pytest.mark.parametrize("name", SERVICES)
def test_each_queue_has_its_handler(name: str, settings: Settings) -> None:
    running = Running(settings, {name})

    queues = {each.queue for each in SERVICES[name].subscriptions}
    assert set(running.parts[name].handlers) == queues
    assert set(running.consumers) == queues


def test_a_process_relays_what_its_services_write_to(settings: Settings) -> None:
    assert set(Running(settings, {"partner", "crm"}).relays) == {"shop"}
    assert set(Running(settings, SERVICES).relays) == {"shop", "mes"}


def test_where_they_listen_is_a_setting_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_PORT_HELLO", "0")
    assert ports({"hello": 8006, "shop": 8001}) == {"hello": 0, "shop": 8001}


def test_a_port_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_PORT_HELLO", "front")
    with pytest.raises(BadSettings, match=r"ATELIER_PORT_HELLO: .* integer"):
        ports({"hello": 8006})


@pytest.mark.anyio
async def test_a_service_without_pages_refuses_with_documents(settings: Settings) -> None:
    hello = Service("hello", title="Hello", port=8006)
    app = create_app(hello, Running(settings, ()).connections)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hello")
    async with client:
        answer = await client.get("/nothing", headers={"accept": "text/html"})

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def lists_services(tree: ast.Module) -> Iterator[set[str]]:
    """The names of services that stand together: in a tuple, list or set, or as keys."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict):
            given = node.keys if isinstance(node, ast.Dict) else node.elts
            constants = {each.value for each in given if isinstance(each, ast.Constant)}
            if len(names := set(SERVICES) & constants) > 1:
                yield names


def test_nothing_else_lists_services() -> None:
    """Some other things have names of services: databases, lanes of pricing, who tells a price, who
    acts in a history."""
    others = ({"shop", "mes"}, {"shop", "partner"}, {"shop", "pricing"}, {"partner", "pricing"})
    found = {
        f"{path.relative_to(SOURCES)}: {', '.join(sorted(names))}"
        for path in SOURCES.rglob("*.py")
        for names in lists_services(ast.parse(path.read_text("utf-8")))
        if names not in others
    }
    assert found == set()
