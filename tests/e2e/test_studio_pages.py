"""The catalogue and the constructor in a browser: usable by everybody, with three dimensions, with
pictures only, and without JavaScript."""

from __future__ import annotations

import re
from contextlib import closing

import pytest
from playwright.sync_api import expect

from fixtures.accessibility import LONG_NAME, barriers
from fixtures.clients.pages import ShopForms
from fixtures.company import Company
from fixtures.model_files import model_file
from fixtures.pages.shop import NewPiecePage
from fixtures.pages.studio import StudioPage
from touchstone.browser.fixtures import Browse

PATIENCE = 60_000  # milliseconds: pictures and scenes are drawn without a graphics card here
GET_PARAMETER = "WebGL2RenderingContext.prototype.getParameter"
LIKE_A_CARD = f"""
const asked = {GET_PARAMETER};
{GET_PARAMETER} = function (name) {{ return name === 0x9246 ? "a card" : asked.call(this, name); }};
"""
"""Makes a browser say that it has a graphics card."""


@pytest.mark.timeout(400)
def test_no_page_of_the_studio_keeps_anybody_out(company: Company) -> None:
    anna = company.has_customer(LONG_NAME)
    page = anna.shop.page
    page.set_default_timeout(PATIENCE)
    with closing(ShopForms(anna.shop.home, anna.shop.cookies)) as shop:
        number = shop.begin(model_file("the generated ring")).number
    addresses = {
        "start": "/",
        "designs": "/designs",
        "design": "/designs/aurora",
        "studio": "/studio?design=harbour&engraving=Anna",
        "studio, wrong": "/studio?width=20&seat=bezel&stone=9",
        "uploaded": f"/orders/{number}",
    }
    found = []
    for name, path in addresses.items():
        page.goto(anna.shop.home + path)
        found += barriers(page, name)
    assert not found, "\n".join(found)


def test_without_javascript_the_form_shows_the_changes(company: Company, browse: Browse) -> None:
    page = browse("Anna without JavaScript", java_script_enabled=False)
    page.set_default_timeout(PATIENCE)
    page.goto(company.sandbox.services["shop"] + "/studio?design=linden")
    studio = StudioPage(page)

    studio.size.select_option("60")
    studio.engraving.fill("Навсегда")
    page.get_by_role("button", name="Show the changes").click()

    expect(studio.piece).to_have_accessible_name(re.compile("size 60.*“Навсегда”"))
    assert "engraving=%D0%9D" in (studio.piece.get_attribute("src") or "")


@pytest.mark.timeout(400)
def test_the_ring_is_shown_in_three_dimensions(company: Company, browse: Browse) -> None:
    page = browse("Anna with a card", reduced_motion="reduce")
    page.set_default_timeout(2 * PATIENCE)
    page.set_viewport_size({"width": 360, "height": 640})
    page.add_init_script(LIKE_A_CARD)
    problems: list[str] = []
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    page.goto(company.sandbox.services["shop"] + "/studio?design=linden", wait_until="commit")
    stage = page.locator("canvas")
    expect(stage).to_have_accessible_name(re.compile("court band, size 54"), timeout=2 * PATIENCE)
    expect(page.locator("#stage img")).to_be_hidden()
    before = stage.screenshot()

    stage.press("ArrowRight")
    stage.press("ArrowRight")
    turned = stage.screenshot()
    StudioPage(page).six_prongs.check()
    expect(stage).to_have_accessible_name(re.compile("six prongs"), timeout=2 * PATIENCE)

    assert before != turned
    assert problems == []


def test_a_chosen_file_is_measured_before_it_is_sent(company: Company) -> None:
    anna = company.has_customer("Anna")
    page = anna.shop.visit("/orders/new")
    model = model_file("the generated ring")
    expect(page.get_by_role("heading", name="The file you chose")).to_be_hidden()

    NewPiecePage(page).model.set_input_files(
        {"name": "mine.stl", "mimeType": "model/stl", "buffer": model.data}
    )

    expect(page.get_by_role("region", name="The file you chose")).to_contain_text("mine.stl")
    expect(page.locator("#model-size")).to_have_text(re.compile(r"^\d+\.\d × \d+\.\d × \d+\.\d mm"))


def test_scripts_speak_the_language_of_the_page(company: Company) -> None:
    page = company.visited_by("Анна").shop.page
    page.set_default_timeout(PATIENCE)
    page.goto(f"{company.sandbox.services['shop']}/studio")

    page.get_by_role("button", name="Русский").click()

    expect(page.get_by_role("slider").first).to_have_accessible_name("Ширина, ползунок")
