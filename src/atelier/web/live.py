"""What the part of an order's page that follows the order is answered when it looks for news."""

from __future__ import annotations

from starlette.responses import Response


def without_news(seen: str, version: str) -> Response | None:
    """The answer to a page that shows the version `seen`; None where the part is to be sent anew.

    A version begins with the number of the submission. Where that is another one, the whole page
    is loaded again: the piece stands outside of the part that follows.
    """
    if seen == version:
        return Response(status_code=204)
    if seen and seen.partition(".")[0] != version.partition(".")[0]:
        return Response(status_code=204, headers={"HX-Refresh": "true"})
    return None
