"""What forms and programs send as a delivery address, and what they are answered if it is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.datastructures import FormData

from atelier.domain.delivery import LONGEST, Address, BadDelivery, checked
from atelier.languages import gettext_lazy as _
from atelier.languages import verbatim
from atelier.web.documents import DeliveryAddress
from atelier.web.forms import text
from atelier.web.refusal import Refusal

INCOMPLETE: Final = Refusal(
    422,
    "address-incomplete",
    _("The address is not complete"),
    _("Please correct what is marked below:"),
)


def typed_address(fields: FormData) -> dict[str, str]:
    """What was written into the form, by part. Raises Refusal (400)."""
    return {part: text(fields, part, strip=False) for part in LONGEST}


def sent_address(document: DeliveryAddress, where: str = "address") -> Address:
    """The address that a program has sent as the member `where` of its document.

    Raises Refusal (422), which points at each part that is wrong.
    """
    given = document.model_dump()
    try:
        return checked(**given)
    except BadDelivery as error:
        raise _pointed(error.faults, given, where) from None


def _pointed(faults: Mapping[str, Any], given: Mapping[str, Any], where: str) -> Refusal:
    errors = [
        {
            "where": ".".join(filter(None, (where, part))),
            "code": "address_part_wrong" if given.get(part) else "missing",
            "fault": str(fault),
        }
        for part, fault in faults.items()
    ]
    return Refusal(
        422,
        "invalid-request",
        _("The address is not complete"),
        verbatim(" ".join(f"{each['where']}: {each['fault']}" for each in errors)),
        extra={"errors": errors},
    )
