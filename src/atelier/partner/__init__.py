"""The API for partner companies."""
