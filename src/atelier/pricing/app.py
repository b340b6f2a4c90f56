"""Pricing's application. Its work arrives by message; see `atelier.calculations`."""

from __future__ import annotations

from fastapi import FastAPI

from atelier.resources import Resources
from atelier.web.application import create_app


def create(resources: Resources) -> FastAPI:
    return create_app("pricing", resources)
