pytest_plugins = ["fixtures.readers", "fixtures.steps"]
