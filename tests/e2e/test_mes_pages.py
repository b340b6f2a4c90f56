"""The operators' pages can be used by everybody: axe finds nothing serious on them, and the list is
gone through with the keyboard alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from atelier import company_time
from atelier.domain.lifecycle import State
from atelier.languages import speaking
from atelier.settings import Settings
from fixtures.accessibility import LONG_NAME, WIDTHS, barriers
from fixtures.company import Company
from fixtures.pages.mes import WorkPage
from fixtures.prepared_orders import order_in_state
from fixtures.read_model import LostReadModel
from touchstone.browser.fixtures import Browse


@pytest.fixture
def page(company: Company, browse: Browse) -> Page:
    """An operator's window."""
    operator = company.accounts.operator(LONG_NAME)
    window = browse("Vera")
    home = company.sandbox.services["mes"]
    window.context.add_cookies(
        [{"name": name, "value": value, "url": home} for name, value in operator.cookies.items()]
    )
    return window


def test_no_page_of_the_workshop_keeps_anybody_out(
    company: Company, page: Page, read_model: LostReadModel
) -> None:
    home = company.sandbox.services["mes"]
    found = []
    page.goto(f"{home}/work")
    expect(page.get_by_text("Nothing to make right now")).to_be_visible()
    found += barriers(page, "empty list")
    partner = company.works_with_partner("Meridian")
    order_in_state(State.PRICE_CALCULATED, partner, company.systems)
    number = order_in_state(State.MANUFACTURING_APPROVED, partner, company.systems).number
    expect(WorkPage(page).take(number)).to_be_visible()
    found += barriers(page, "list")
    mes = company.systems.mes_client
    mes.take(number)
    mes.complete(number)
    mes.pack(number)
    page.get_by_role("button", name=f"Ship {number}").click()
    found += barriers(page, "list with parcel")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    read_model.lose()
    expect(WorkPage(page).from_the_database).to_be_visible()
    found += barriers(page, "list from the database")
    page.goto(f"{home}/work/{number}")
    found += barriers(page, "piece")
    assert not found, "\n".join(found)


def test_the_list_is_gone_through_with_the_keyboard(company: Company, page: Page) -> None:
    partner = company.works_with_partner("Meridian")
    numbers = [
        order_in_state(State.PRICE_CALCULATED, partner, company.systems).number for _ in range(3)
    ][::-1]
    page.goto(f"{company.sandbox.services['mes']}/work")
    work = WorkPage(page)
    expect(work.live).to_be_visible()
    expect(work.rows).to_have_count(4)
    grid = page.get_by_role("grid", name="Work")
    expect(grid).to_have_attribute("aria-rowcount", "4")

    work.row(numbers[0]).focus()
    page.keyboard.press("ArrowDown")
    expect(work.row(numbers[1])).to_be_focused()
    page.keyboard.press("End")
    expect(work.row(numbers[2])).to_be_focused()
    expect(work.row(numbers[2])).to_have_attribute("aria-rowindex", "4")
    page.keyboard.press("Home")
    expect(work.row(numbers[0])).to_be_focused()

    # What comes in on top does not take the focus away.
    newest = order_in_state(State.PRICE_CALCULATED, partner, company.systems).number
    expect(work.row(newest)).to_have_attribute("aria-rowindex", "2")
    expect(work.row(numbers[0])).to_be_focused()
    expect(page.get_by_role("status").filter(has_text=f"{newest}")).to_have_count(1)

    # A key that can do nothing says why; another key takes the words away.
    page.keyboard.press("s")
    expect(work.said_of_a_key).to_contain_text(f"{numbers[0]} is “Price ready”")
    page.keyboard.press("Home")
    expect(work.said_of_a_key).to_have_count(0)

    page.get_by_label("Go to order number").fill(numbers[2].removeprefix("AT-").lower())
    page.keyboard.press("Enter")
    expect(work.row(numbers[2])).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Order {numbers[2]}")).to_be_visible()


def test_times_are_those_of_the_company(company: Company, page: Page) -> None:
    """Also in rows that the page's script draws, in a browser that is somewhere else."""
    partner = company.works_with_partner("Meridian")
    home = company.sandbox.services["mes"]
    page.goto(f"{home}/work")
    work = WorkPage(page)
    expect(work.live).to_be_visible()
    number = order_in_state(State.CONFIRMED, partner, company.systems).number
    drawn = work.row(number).locator("time")
    expect(drawn).to_have_count(2)
    zone = Settings.model_fields["time_zone"].default

    for each in drawn.all():
        at = datetime.fromisoformat(each.get_attribute("datetime") or "")
        expect(each).to_have_text(company_time.short_moment(at, zone))
    page.goto(f"{home}/work/{number}")
    promised = page.locator("dl time").first
    at = datetime.fromisoformat(promised.get_attribute("datetime") or "")
    expect(promised).to_have_text(company_time.moment(at, zone))
    expect(
        page.get_by_text(f"All times are those of {company_time.zone_name(zone)}.")
    ).to_be_visible()


_DRAWN = """
async ({ rows }) => {
  const { Drawing } = await import("/static/work/drawing.js");
  const { fetchWhole } = await import("/static/work/rows.js");
  const named = (name) => document.getElementById(`work-${name}`);
  const templates = ["states", "acts", "metals", "finishes", "sources"];
  const { zone, noDate } = document.getElementById("work").dataset;
  const drawing = new Drawing(
    Object.fromEntries(templates.map((name) => [name, named(name)])), zone, noDate,
  );
  const told = (row) => [
    ...[...row.children].map((cell) => cell.textContent.trim().replace(/\\s+/g, " ")),
    row.querySelector("button")?.ariaLabel ?? "",
  ];
  const page = await (await fetch("/work")).text();
  const served = new DOMParser().parseFromString(page, "text/html");
  const whole = (await fetchWhole()).rows;
  const times = rows.map((at) => drawing.draw({ ...whole[0], number: "AT-0", created: at * 1e6 }));
  return {
    byServer: [...served.querySelectorAll("#work-rows > *")].map(told),
    byScript: whole.map((row) => told(drawing.draw(row))),
    times: times.map((row) => row.querySelector(".since").textContent),
  };
}
"""


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_row_is_told_alike_by_server_and_script(
    company: Company, page: Page, language: str
) -> None:
    """To the letter, and so are the times of each month."""
    partner = company.works_with_partner("Meridian")
    for state in (State.PRICE_CALCULATED, State.CONFIRMED, State.MANUFACTURING_APPROVED):
        order_in_state(state, partner, company.systems)
    home = company.sandbox.services["mes"]
    page.context.add_cookies([{"name": "atelier_language", "value": language, "url": home}])
    page.goto(f"{home}/work")
    months = [datetime(2026, month, 7, 21, 5, tzinfo=UTC) for month in range(1, 13)]

    drawn = page.evaluate(_DRAWN, {"rows": [at.timestamp() for at in months]})

    assert len(drawn["byServer"]) == 3
    assert drawn["byScript"] == drawn["byServer"]
    zone = Settings.model_fields["time_zone"].default
    with speaking(language):
        assert drawn["times"] == [company_time.short_moment(at, zone) for at in months]


def test_no_page_of_the_workshop_keeps_anybody_out_in_russian(
    company: Company, browse: Browse
) -> None:
    home = company.sandbox.services["mes"]
    page = browse("Oleg", locale="ru-RU")
    for name, value in company.accounts.operator(LONG_NAME).cookies.items():
        page.context.add_cookies([{"name": name, "value": value, "url": home}])
    partner = company.works_with_partner("Meridian")
    for state in (State.PRICE_CALCULATED, State.CONFIRMED):
        order_in_state(state, partner, company.systems)
    numbers = [
        order_in_state(State.MANUFACTURING_APPROVED, partner, company.systems).number
        for _ in range(2)
    ]
    mes = company.systems.mes_client
    mes.take(numbers[0])
    mes.complete(numbers[0])
    page.goto(f"{home}/work")
    expect(page.get_by_text("На связи", exact=True)).to_be_visible()
    expect(page.get_by_text("4 изделия, новые сверху")).to_be_visible()
    found = barriers(page, "mes list ru")

    # By where the key lies: a Russian keyboard has another letter there.
    row = page.locator(f"#work-{numbers[0]}")
    row.dispatch_event("keydown", {"key": "е", "code": "KeyT"})
    expect(page.locator("#work-refused")).to_have_text(
        f"{numbers[0]}: статус «{_told(State.MANUFACTURING_COMPLETED)}». Сейчас нельзя взять "
        "изделие. Нажмите P, чтобы упаковать изделие."
    )
    mes.pack(numbers[0])
    page.get_by_role("button", name=f"Отправить {numbers[0]}").click()
    expect(page.get_by_role("heading", name=f"Отправить {numbers[0]}")).to_be_visible()
    found += barriers(page, "mes parcel ru")
    page.get_by_role("dialog").get_by_role("button", name="Отмена").click()
    for each in numbers:
        page.goto(f"{home}/work/{each}")
        found += barriers(page, f"mes order {numbers.index(each)} ru")
    assert not found, "\n".join(found)


def _told(state: State) -> str:
    with speaking("ru"):
        return str(state.label)


def test_every_piece_shows_its_promise_or_that_it_has_none(company: Company, page: Page) -> None:
    partner = company.works_with_partner("Meridian")
    waiting = order_in_state(State.PRICE_CALCULATED, partner, company.systems).number
    promised = order_in_state(State.CONFIRMED, partner, company.systems).number
    work = WorkPage(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{company.sandbox.services['mes']}/work")
        expect(work.live).to_be_visible()
        expect(work.promised(promised).get_by_role("time")).to_be_visible()
        expect(work.promised(waiting)).to_be_visible()
        expect(work.promised(waiting)).to_have_text("No date yet")
    # It is sent back, and there the promise ends.
    company.systems.crm_client.send_back(promised, "The band would bend.")
    expect(work.promised(promised)).to_have_text("No date yet")
