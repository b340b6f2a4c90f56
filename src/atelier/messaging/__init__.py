"""How events get from one service's database to other services, and take effect there once."""
