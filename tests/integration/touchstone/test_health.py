"""Services are asked for their health by the whole address that the project names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from werkzeug import Request, Response

from fixtures.receiving import end, listen
from touchstone.keeper.health import Readiness, all_answer


@pytest.fixture
def service() -> Iterator[str]:
    """It is well where it is asked with its query, and else not."""
    server = listen(lambda request: Response(status=200 if _is_whole(request) else 503))
    yield f"http://127.0.0.1:{server.port}"
    end(server)


def _is_whole(request: Request) -> bool:
    return request.full_path == "/health?deep=1"


def test_a_query_is_a_part_of_the_address(service: str) -> None:
    assert all_answer([f"{service}/health?deep=1"], within=10)
    assert not all_answer([f"{service}/health?deep=1", f"{service}/health"], within=10)

    readiness = Readiness()
    readiness.wait({"desk": f"{service}/health?deep=1"}, runs=lambda: True, logged=str)
    readiness.close()
