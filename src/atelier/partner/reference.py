"""What the page for partners' programmers says beyond the OpenAPI document: limits in words, and
examples that can be pasted into a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from atelier.web.documents import EXAMPLE_ADDRESS

_CORNERS: Final = ((0, 0, 0), (12, 0, 0), (0, 12, 0), (0, 0, 12))
_FACES: Final = ((0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3))
_FACETS: Final = "".join(
    "facet normal 0 0 0\nouter loop\n"
    + "".join("vertex {} {} {}\n".format(*_CORNERS[corner]) for corner in face)
    + "endloop\nendfacet\n"
    for face in _FACES
)
EXAMPLE_MODEL: Final = f"solid piece\n{_FACETS}endsolid piece\n"
"""A closed surface with four sides, in millimetres: the shortest model that can be priced."""


def examples(address: str, key: str = "ak_…") -> Mapping[str, str]:
    """Commands for a POSIX shell with curl, in the order in which they are used, by what they do.

    `address` is where the API is, without a stroke at its end.
    """
    send = 'curl -sS -H "Authorization: Bearer $ATELIER_KEY"'
    put_json = f'{send} -X PUT -H "Content-Type: application/json"'
    post_json = f'{send} -H "Content-Type: application/json"'
    wait = f'until {send} "$ORDER" | grep -q PRICE_CALCULATED; do sleep 1; done'
    home = json.dumps(EXAMPLE_ADDRESS)
    work = json.dumps({**EXAMPLE_ADDRESS, "line1": "Am Markt 2"})
    return {
        "Keep your key and our address in the shell": f"export ATELIER_KEY='{key}'\n"
        f"export ATELIER='{address}'",
        "List your orders": f'{send} "$ATELIER/api/v1/orders?limit=5"',
        "Order a piece": f"cat > piece.stl <<'STL'\n{EXAMPLE_MODEL}STL\n"
        f"{send} -D answer.txt \\\n"
        f'  -H "Idempotency-Key: $(date +%s)-$$" \\\n'
        "  -F model=@piece.stl -F metal=silver-925 -F finish=satin -F reference=PO-2026-118 \\\n"
        '  "$ATELIER/api/v1/orders"\n'
        """ORDER="$ATELIER$(tr -d '\\r' < answer.txt | sed -n 's/^[Ll]ocation: //p')\"""",
        "Send another model for it, once it has its price": f"{wait}\n"
        "sed 's/12/14/g' piece.stl > larger.stl\n"
        f"{send} -X PUT \\\n"
        f'  -H "Idempotency-Key: $(date +%s)-$$-model" \\\n'
        '  -F model=@larger.stl "$ORDER/model"',
        "Confirm it at its new price": f"{wait}\n"
        f"{post_json} \\\n"
        f"  -d '{{\"address\": {home}}}' \\\n"
        '  "$ORDER/confirm"',
        "Have it sent to another address": f"{put_json} \\\n  -d '{work}' \\\n  \"$ORDER/address\"",
        "Cancel it, if this was an exercise": f'{send} -X POST "$ORDER/cancel"',
    }


def limits_in_words(schema: Mapping[str, Any]) -> str:
    """The default and the limits of a value, by its JSON schema; empty where there are none.

    >>> limits_in_words({"type": "integer", "minimum": 1, "maximum": 100, "default": 50})
    '1 to 100; 50 unless given'
    >>> limits_in_words({"anyOf": [{"type": "string", "maxLength": 200}, {"type": "null"}]})
    'at most 200 characters'
    """
    return "; ".join(_limits(_given(schema)))


def _limits(schema: Mapping[str, Any]) -> Iterator[str]:
    if "enum" in schema:
        yield f"one of {', '.join(map(str, schema['enum']))}"
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        yield f"{least:,} to {most:,}"
    elif least is not None:
        yield f"at least {least:,}"
    elif most is not None:
        yield f"at most {most:,}"
    if "maxLength" in schema:
        yield f"at most {schema['maxLength']:,} characters"
    if schema.get("default") is not None:
        yield f"{schema['default']} unless given"


def _given(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of the value where one is given: what may be left out may be null, too."""
    if "anyOf" not in schema:
        return schema
    (value, *_) = (one for one in schema["anyOf"] if one.get("type") != "null")
    return {**value, **{name: schema[name] for name in ("default",) if name in schema}}
