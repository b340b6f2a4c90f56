"""What is wrong with a sign-up is told field by field."""

from __future__ import annotations

import pytest

from atelier.shop.accounts import Registration


class TestRegistration:
    def test_a_complete_one(self) -> None:
        assert Registration("Anna", "anna@example.com", "0123456789").faults() == {}

    @pytest.mark.parametrize(
        ("name", "email", "password", "faulty"),
        [
            ("", "anna@example.com", "0123456789", {"name"}),
            ("a" * 101, "anna@example.com", "0123456789", {"name"}),
            ("Anna", "anna", "0123456789", {"email"}),
            ("Anna", "anna@@example.com", "0123456789", {"email"}),
            ("Anna", "anna@example.com", "012345678", {"password"}),
            ("Anna", "anna@example.com", "x" * 201, {"password"}),
            ("", "", "", {"name", "email", "password"}),
        ],
    )
    def test_what_is_wrong_is_told_by_field(
        self, name: str, email: str, password: str, faulty: set[str]
    ) -> None:
        assert set(Registration(name, email, password).faults()) == faulty
