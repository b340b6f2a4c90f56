"""The piece on the pages of an order and in the list: a picture at least, in whatever browser, and
no more pictures than somebody looks at."""

from __future__ import annotations

import re
from contextlib import closing
from uuid import uuid4

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from atelier.clock import now
from atelier.data.mes import WorkOrder
from atelier.domain.lifecycle import State
from fixtures import models
from fixtures.abilities import WITHOUT_THREE_DIMENSIONS
from fixtures.accounts import Account
from fixtures.clients.pages import ShopForms
from fixtures.company import Company
from fixtures.model_files import ModelFile, model_file
from fixtures.pages.mes import WorkPage
from fixtures.pages.order import OrderPage
from fixtures.pages.shop import NewPiecePage
from fixtures.prepared_orders import order_in_state
from touchstone.browser.fixtures import Browse
from touchstone.waiting import eventually

PATIENCE = 60_000  # milliseconds: pictures and scenes are drawn without a graphics card here
GET_PARAMETER = "WebGL2RenderingContext.prototype.getParameter"
LIKE_A_CARD = f"""
const asked = {GET_PARAMETER};
{GET_PARAMETER} = function (name) {{ return name === 0x9246 ? "a card" : asked.call(this, name); }};
"""
"""Makes a browser say that it has a graphics card."""


def window_of(account: Account, home: str, browse: Browse) -> Page:
    page = browse(account.name)
    page.set_default_timeout(PATIENCE)
    page.context.add_cookies(
        [{"name": name, "value": value, "url": home} for name, value in account.cookies.items()]
    )
    return page


def is_painted(page: Page) -> bool:
    return bool(OrderPage(page).piece.evaluate("(image) => image.naturalWidth > 0"))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("service", ["crm", "mes"])
def test_colleagues_turn_the_piece_with_the_keyboard(
    company: Company, browse: Browse, service: str
) -> None:
    partner = company.works_with_partner("Meridian")
    number = order_in_state(State.PRICE_CALCULATED, partner, company.systems).number
    accounts, home = company.accounts, company.sandbox.services[service]
    page = window_of(accounts.seller() if service == "crm" else accounts.operator(), home, browse)
    page.add_init_script(LIKE_A_CARD)
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{home}/{'orders' if service == 'crm' else 'work'}/{number}")
    piece = OrderPage(page).piece
    expect(piece).to_have_accessible_name(re.compile(r"^The model ring.stl, \d"), timeout=PATIENCE)
    before = piece.screenshot()

    piece.press("ArrowRight")
    piece.press("ArrowRight")

    eventually(lambda: piece.screenshot() != before, describe="the piece has turned")
    expect(page.get_by_role("region", name="The piece", exact=True)).to_contain_text(
        "Turn it by dragging"
    )


def test_a_chosen_file_that_cannot_be_drawn_is_promised_a_picture(company: Company) -> None:
    anna = company.has_customer("Anna")
    anna.draws_nothing_in_three_dimensions()
    page = anna.shop.visit("/orders/new")

    NewPiecePage(page).model.set_input_files(
        {
            "name": "mine.stl",
            "mimeType": "model/stl",
            "buffer": model_file("the generated ring").data,
        }
    )

    expect(page.get_by_role("region", name="The file you chose")).to_contain_text(
        "You will see a picture of it here once it is uploaded."
    )


def test_a_model_that_nobody_can_draw_is_told_in_words(company: Company) -> None:
    anna = company.has_customer("Anna")
    nowhere = models.ring()
    nowhere.corners[0, 0, 0] = float("nan")
    with closing(ShopForms(anna.shop.home, anna.shop.cookies)) as shop:
        file = ModelFile("nowhere.stl", models.as_binary_stl(nowhere))
        number = shop.begin(file).number
    anna.opens(number)
    page = anna.shop.page

    region = page.get_by_role("region", name="Your model")
    expect(region).to_contain_text("No picture can be drawn of this model.", timeout=PATIENCE)
    expect(OrderPage(page).piece).to_have_count(0)


def test_without_javascript_there_is_a_picture(company: Company, browse: Browse) -> None:
    partner = company.works_with_partner("Meridian")
    number = order_in_state(State.PRICE_CALCULATED, partner, company.systems).number
    home, operator = company.sandbox.services["mes"], company.accounts.operator("Vera")
    page = browse("Vera without JavaScript", java_script_enabled=False)
    page.context.add_cookies(
        [{"name": name, "value": value, "url": home} for name, value in operator.cookies.items()]
    )

    page.goto(f"{home}/work/{number}")

    expect(OrderPage(page).piece).to_have_accessible_name(re.compile("^The piece in .*, ring.stl$"))
    eventually(lambda: is_painted(page), timeout=60, describe="the picture is there")


def test_only_pieces_that_somebody_looks_at_have_their_pictures_asked_for(
    company: Company, browse: Browse
) -> None:
    partner = company.works_with_partner("Meridian")
    number = order_in_state(State.PRICE_CALCULATED, partner, company.systems).number
    _as_many_more(company, number, 400)
    home = company.sandbox.services["mes"]
    page = window_of(company.accounts.operator("Vera"), home, browse)
    page.add_init_script(WITHOUT_THREE_DIMENSIONS)
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url) if "thumbnail" in each.url else None)
    page.goto(f"{home}/work")
    work = WorkPage(page)
    expect(work.live).to_be_visible()
    grid = page.get_by_role("grid", name="Work")
    height = grid.evaluate("(element) => element.scrollHeight")

    # As somebody scrolls who is looking for the end.
    grid.evaluate(
        """async (grid, to) => {
            for (let top = 0; top < to; top += 900) {
                grid.scrollTop = top;
                await new Promise((passed) => setTimeout(passed, 20));
            }
            grid.scrollTop = to;
        }""",
        height,
    )

    expect(work.thumbnail(number)).to_be_visible(timeout=PATIENCE)
    in_sight = grid.evaluate("(element) => Math.ceil(element.clientHeight / 60)")
    assert number in " ".join(asked)
    assert len(asked) <= 3 * in_sight, f"{len(asked)} pictures for {in_sight} rows in sight"


def _as_many_more(company: Company, number: str, count: int) -> None:
    """Work that is newer than this piece, and the same."""
    with company.mes_database.begin() as connection:
        piece = (
            connection.execute(
                sa.select(*WorkOrder.__table__.columns).where(WorkOrder.number == number)
            )
            .mappings()
            .one()
        )
        like = {name: value for name, value in piece.items() if name != "changed_in"}
        connection.execute(
            sa.insert(WorkOrder),
            [
                {**like, "order_id": uuid4(), "number": f"AT-X{each:05}"}
                | {"created_at": now(), "updated_at": now()}
                for each in range(count)
            ],
        )
