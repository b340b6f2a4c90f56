"""The catalogue, the constructor and the models of orders, by HTTP."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from atelier import security
from atelier.data.shop import Order, OrderHistory
from atelier.domain import ring_design
from atelier.domain.designs import DESIGNS
from atelier.domain.lifecycle import State
from atelier.domain.models3d import measure
from atelier.domain.ring_design import RingDesign
from fixtures import models
from fixtures.addresses import LEIPZIG
from fixtures.clients.pages import register
from fixtures.company import Company
from fixtures.factories import CustomerFactory
from touchstone.waiting import eventually

PNG = b"\x89PNG\r\n\x1a\n"
ENGRAVED = {"size": "57", "seat": "four-prongs", "stone": "4,5", "engraving": "Анне & всегда"}


class Door:
    """Ways into the shop of one company."""

    def __init__(self, company: Company, leaving: ExitStack) -> None:
        self.company = company
        self.address = company.sandbox.services["shop"]
        self._leaving = leaving

    def visitor(self, cookies: httpx.Cookies | dict[str, str] | None = None) -> httpx.Client:
        return self._leaving.enter_context(
            httpx.Client(base_url=self.address, cookies=cookies, timeout=60)
        )

    def customer(self) -> httpx.Client:
        with Session(self.company.shop_database) as session:
            customer = CustomerFactory.create(session=session).id
        secret = self.company.sandbox.environment["ATELIER_SECRET_KEY"]
        return self.visitor({"atelier_shop": security.sign_session("shop", customer, secret)})

    def orders(self) -> list[Order]:
        with Session(self.company.shop_database) as session:
            return list(session.scalars(sa.select(Order)))


@pytest.fixture
def door(company: Company) -> Iterator[Door]:
    with ExitStack() as leaving:
        yield Door(company, leaving)


class TestCatalogue:
    def test_every_design_is_there_with_a_price_that_holds(self, door: Door) -> None:
        visitor = door.visitor()

        page = visitor.get("/designs").text

        assert len(DESIGNS) >= 12
        for code, design in DESIGNS.items():
            assert f'href="/designs/{code}"' in page
            assert design.name in page
        one = visitor.get("/designs/linden").text
        assert 'href="/studio?design=linden"' in one

    def test_pictures_may_be_kept_for_good_under_an_address_that_changes(self, door: Door) -> None:
        visitor = door.visitor()
        page = visitor.get("/designs/aurora").text
        address = page.split('src="/designs/aurora.png')[1].split('"')[0]

        answer = visitor.get(f"/designs/aurora.png{address}")

        assert address.startswith("?v=")
        assert answer.headers["content-type"] == "image/png"
        assert "immutable" in answer.headers["cache-control"]
        assert answer.content.startswith(PNG)

    @pytest.mark.parametrize("path", ["/designs/none", "/designs/none.png"])
    def test_an_unknown_design_is_not_found(self, door: Door, path: str) -> None:
        answer = door.visitor().get(path)

        assert answer.status_code == 404
        assert "not in our catalogue" in answer.text


class TestConstructor:
    def test_shows_the_ring_of_the_address(self, door: Door) -> None:
        visitor = door.visitor()

        page = visitor.get("/studio", params={"design": "aurora", **ENGRAVED}).text

        assert "Анне &amp; всегда" in page
        assert 'value="four-prongs" checked' in page
        assert 'aria-label="Estimate"' in page
        assert visitor.get("/studio/picture.png", params=ENGRAVED).content.startswith(PNG)
        assert len(visitor.get("/studio/shape", params=ENGRAVED).content) > 100_000

    def test_the_estimate_is_the_price(self, door: Door) -> None:
        customer = door.customer()
        ring = {"size": "52", "width": "3.4", "metal": "silver-925", "finish": "hammered"}
        shown = customer.get("/studio/estimate", params=ring).text
        estimate = Decimal(shown.split("€</span> ")[1].split("<")[0])
        number = customer.post("/studio/order", data=ring).headers["location"].rsplit("/", 1)[1]
        answer = customer.post(f"/orders/{number}/submit")
        assert answer.status_code == 303

        found = eventually(
            lambda: next(iter(door.company.systems.crm_client.find(q=number)), None),
            until=lambda each: each is not None and each.price is not None,
        )
        assert found is not None
        assert found.price == estimate

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"width": "20"}, "1.5 to 12.0 mm wide"),
            ({"size": "12"}, "sizes 44 to 70"),
            ({"engraving": "永遠"}, "We cannot engrave 永 遠"),
            ({"metal": "tin"}, "one of our metals"),
        ],
    )
    def test_what_cannot_be_made_is_said_and_not_ordered(
        self, door: Door, fields: dict[str, str], words: str
    ) -> None:
        customer = door.customer()

        ordered = customer.post("/studio/order", data=fields)

        assert ordered.status_code == 422
        assert 'role="alert"' in ordered.text
        assert words in ordered.text
        assert next(iter(fields.values())) in ordered.text  # to be corrected where it is
        assert words in customer.get("/studio/estimate", params=fields).text
        assert customer.get("/studio/shape", params=fields).status_code == 422
        assert customer.get("/studio/picture.png", params=fields).status_code == 422
        assert door.orders() == []

    def test_a_finish_that_we_do_not_offer_is_not_ordered(self, door: Door) -> None:
        customer = door.customer()

        ordered = customer.post("/studio/order", data={"finish": "mirror"})

        assert ordered.status_code == 422
        assert "Choose one of our finishes." in ordered.text
        assert door.orders() == []

    def test_nonsense_in_the_address_breaks_nothing(self, door: Door) -> None:
        visitor = door.visitor()
        nonsense = {"design": "../..", "view": "?", "width": "<b>", "stone": "1e999", "x": "y"}

        page = visitor.get("/studio", params=nonsense)

        assert page.status_code == 200
        assert "<b>" not in page.text


class TestOrdering:
    def test_makes_an_order_with_the_model_of_that_ring(self, door: Door) -> None:
        customer = door.customer()

        answer = customer.post("/studio/order", data={"design": "aurora", **ENGRAVED})

        (order,) = door.orders()
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/orders/{order.number}"
        assert (order.state, order.model_name) == ("FILE_UPLOADED", "Aurora-57.stl")
        with Session(door.company.shop_database) as session:
            steps = sa.select(OrderHistory.to_state).order_by(OrderHistory.sequence)
            assert list(session.scalars(steps)) == ["INITIATED", "FILE_UPLOADED"]
        model = customer.get(f"/orders/{order.number}/model")
        assert model.headers["content-type"] == "model/stl"
        assert measure(model.content).volume_mm3 > 100

    def test_what_was_chosen_there_is_not_asked_again(self, door: Door) -> None:
        customer = door.customer()
        chosen = {"metal": "platinum-950", "finish": "satin"}

        path = customer.post("/studio/order", data=chosen).headers["location"]

        page = customer.get(path).text
        assert "In Platinum 950, satin, as you chose it" in page
        assert 'type="radio"' not in page
        assert customer.post(f"{path}/submit").status_code == 303
        (order,) = door.orders()
        assert (order.state, order.metal, order.finish) == ("SUBMITTED", *chosen.values())

    def test_the_way_from_the_order_leads_back_to_the_same_ring(self, door: Door) -> None:
        customer = door.customer()
        ring = {**ENGRAVED, "stone": "4.5", "place": "outside", "width": "5.0", "finish": "satin"}
        path = customer.post("/studio/order", data=ring).headers["location"]

        (link,) = re.findall(r'href="(/studio[^"]+)"', customer.get(path).text)

        leads_to = dict(parse_qsl(urlsplit(html.unescape(link)).query))
        assert leads_to.items() >= ring.items()
        (order,) = door.orders()
        assert order.design == ring_design.from_fields(leads_to, RingDesign())[0]
        again = customer.post("/studio/order", data=leads_to).headers["location"]
        assert {each.model_checksum for each in door.orders()} == {order.model_checksum}
        assert again != path

    def test_a_stranger_signs_in_first_and_finds_the_ring_as_it_was(self, door: Door) -> None:
        register(door.address, "Anna", "anna@example.com", "correct horse")
        stranger = door.visitor()
        led = stranger.post("/studio/order", data={"design": "aurora", **ENGRAVED})
        assert door.orders() == []

        sign_in_page = led.headers["location"]
        back = stranger.post(
            sign_in_page, data={"email": "anna@example.com", "password": "correct horse"}
        )

        place = urlsplit(back.headers["location"])
        assert urlsplit(sign_in_page).path == "/sign-in"
        assert place.path == "/studio"
        kept = {name: value for name, (value,) in parse_qs(place.query).items()}
        assert kept["engraving"] == ENGRAVED["engraving"]
        assert (kept["size"], kept["stone"]) == ("57", "4.5")
        assert "Анне" in stranger.get(back.headers["location"]).text

    def test_the_way_back_is_kept_by_who_registers_instead(self, door: Door) -> None:
        stranger = door.visitor()
        sign_in_page = stranger.post("/studio/order", data=ENGRAVED).headers["location"]
        page = stranger.get(sign_in_page).text
        address = page.split('href="/register')[-1].split('"')[0].replace("&amp;", "&")
        new = {"name": "Anna", "email": "a@example.com", "password": "correct horse"}

        begun = stranger.post(f"/register{address}", data=new)

        assert begun.headers["location"].startswith("/studio?")

    def test_another_sites_page_cannot_order(self, door: Door) -> None:
        elsewhere = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}

        answer = door.customer().post("/studio/order", data=ENGRAVED, headers=elsewhere)

        assert answer.status_code == 403
        assert door.orders() == []


class TestChangingAnOrder:
    @pytest.fixture
    def customer(self, door: Door) -> httpx.Client:
        return door.customer()

    @pytest.fixture
    def priced(self, door: Door, customer: httpx.Client) -> str:
        """The path of an order whose price is ready."""
        path = customer.post("/studio/order", data=ENGRAVED).headers["location"]
        self.submit(door, customer, path)
        return path

    def submit(self, door: Door, customer: httpx.Client, path: str) -> None:
        assert customer.post(f"{path}/submit").status_code == 303
        eventually(lambda: door.orders()[0].state, until=lambda it: it is State.PRICE_CALCULATED)

    def way_back(self, customer: httpx.Client, path: str) -> dict[str, str]:
        """What the address of the constructor says to which the order leads."""
        link = customer.get(path).text.split('id="change-design" href="')[1].split('"')[0]
        return dict(parse_qsl(urlsplit(html.unescape(link)).query))

    def test_its_ring_is_drawn_anew_and_it_stays_the_same_order(
        self, door: Door, customer: httpx.Client, priced: str
    ) -> None:
        ring = {**self.way_back(customer, priced), "engraving": "Анне"}
        page = customer.get("/studio", params=ring).text
        assert f"Change order {ring['order']}" in page

        assert customer.post("/studio/order", data=ring).headers["location"] == priced

        (order,) = door.orders()
        assert (order.state, order.submission) == (State.FILE_UPLOADED, 2)
        assert order.design is not None
        assert order.design.engraving == "Анне"
        # What was seen in another window is not what is confirmed.
        self.submit(door, customer, priced)
        seen_before = customer.post(f"{priced}/confirm", data={**LEIPZIG, "submission": "1"})
        assert seen_before.status_code == 409
        assert "The piece has been changed" in seen_before.text
        assert door.orders()[0].state is State.PRICE_CALCULATED
        seen = {**LEIPZIG, "submission": "2"}
        assert customer.post(f"{priced}/confirm", data=seen).status_code == 303
        too_late = customer.post("/studio/order", data=ring)
        assert (too_late.status_code, len(door.orders())) == (409, 1)

    def test_nobody_changes_somebody_elses(
        self, door: Door, customer: httpx.Client, priced: str
    ) -> None:
        ring = self.way_back(customer, priced)

        answer = door.customer().post("/studio/order", data=ring)

        assert answer.status_code == 404
        assert [order.state for order in door.orders()] == [State.PRICE_CALCULATED]

    def test_another_file_takes_the_place_of_the_ring(
        self, door: Door, customer: httpx.Client, priced: str
    ) -> None:
        another = models.as_binary_stl(models.ring())

        customer.post(f"{priced}/model", files={"model": ("another.stl", another)})

        (order,) = door.orders()
        assert (order.state, order.design, order.price) == (State.FILE_UPLOADED, None, None)
        assert customer.get(f"{priced}/model").content == another
        # Metal and finish can be chosen anew, and are as they were until then.
        assert re.search('value="gold-750" required checked', customer.get(priced).text)


class TestTheModelOfAnOrder:
    @pytest.mark.parametrize("part", ["model", "picture.png"])
    def test_is_for_its_owner_only(self, door: Door, part: str) -> None:
        owner = door.customer()
        order = owner.post("/studio/order", data={}).headers["location"]

        assert owner.get(f"{order}/{part}").status_code == 200
        assert door.customer().get(f"{order}/{part}").status_code == 404
        stranger = door.visitor().get(f"{order}/{part}")
        assert stranger.status_code == 303
        assert stranger.headers["location"].startswith("/sign-in?next=/orders/")

    @pytest.mark.parametrize("part", ["model", "picture.png"])
    def test_that_we_have_lost_is_our_fault(self, door: Door, part: str) -> None:
        owner = door.customer()
        address = owner.post("/studio/order", data={}).headers["location"]
        (order,) = door.orders()
        folder = Path(door.company.sandbox.environment["ATELIER_FILES"])
        next(folder.rglob(f"{order.model_checksum}.stl")).unlink()

        answer = owner.get(f"{address}/{part}")

        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "immutable" not in answer.headers["Cache-Control"]
        assert "It is our fault, not yours" in answer.text
        assert owner.get(address).status_code == 200

    def test_that_was_uploaded_has_no_design(self, door: Door) -> None:
        customer, ring = door.customer(), models.as_binary_stl(models.ring())
        order = customer.post("/orders", files={"model": ("my ring.stl", ring)}).headers["location"]

        page = customer.get(order).text

        assert 'id="ring"' not in page
        assert 'href="/studio?' not in page
        assert 'name="metal"' in page
        assert customer.post(f"{order}/submit").status_code == 422

    def test_is_the_file_that_was_uploaded(self, door: Door) -> None:
        customer, ring = door.customer(), models.as_binary_stl(models.ring())

        order = customer.post("/orders", files={"model": ("my ring.stl", ring)}).headers["location"]

        assert customer.get(f"{order}/model").content == ring
        assert customer.get(f"{order}/picture.png").content.startswith(PNG)
        assert f'data-model="{order}/model?v=' in customer.get(order).text

    def test_that_nobody_could_paint_has_no_picture(self, door: Door) -> None:
        customer = door.customer()
        nowhere = models.ring()
        nowhere.corners[0, 0, 0] = float("nan")
        content = models.as_binary_stl(nowhere)

        answer = customer.post("/orders", files={"model": ("ring.stl", content)})

        assert answer.status_code == 303
        assert customer.get(f"{answer.headers['location']}/picture.png").status_code == 404
