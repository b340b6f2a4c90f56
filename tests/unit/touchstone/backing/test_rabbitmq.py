from __future__ import annotations

from touchstone.backing.rabbitmq import needed_applications

DESCRIPTIONS = {
    "rabbit": "{application, 'rabbit', [\n\t{modules, ['a','b']},\n\t{applications, "
    "[kernel,stdlib,\n  'rabbit_common',ranch]},\n\t{mod, {rabbit, []}}]}.",
    "rabbit_common": "{application, rabbit_common, [{applications, [ranch, rabbit]}]}.",
    "ranch": "{application,ranch,[{applications,[ssl]}]}.",
    "rabbitmq_stomp": "{application, rabbitmq_stomp, [{applications, [rabbit]}]}.",
    "lonely": "{application, lonely, []}.",
}


def test_what_an_application_needs_is_found_through_others_and_round_in_circles() -> None:
    assert needed_applications(["rabbit"], DESCRIPTIONS) == {"rabbit", "rabbit_common", "ranch"}


def test_an_application_may_need_nothing() -> None:
    assert needed_applications(["lonely"], DESCRIPTIONS) == {"lonely"}


def test_what_nobody_describes_comes_with_erlang() -> None:
    assert needed_applications(["ranch", "crypto"], DESCRIPTIONS) == {"ranch"}
