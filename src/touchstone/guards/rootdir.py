"""The root of the project, when a path follows one of our options.

pytest looks for the root before it knows the options of plugins, so it takes what follows one of
them, in `--browser-path /usr/bin/chromium`, for tests to be run, and the folder above all of these
for the root: without the project's configuration. Here, where our options are known, it is looked
for again.
"""

from __future__ import annotations

import copy

import pytest
from _pytest.config.findpaths import determine_setup


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> None:
    known = parser.parse_known_args(args, namespace=copy.copy(early_config.option))
    found = determine_setup(
        inifile=known.inifilename,
        override_ini=known.override_ini,
        args=known.file_or_dir,
        rootdir_cmd_arg=known.rootdir or None,
        invocation_dir=early_config.invocation_params.dir,
    )
    if found[:2] == (early_config.rootpath, early_config.inipath):
        return
    try:
        _move(early_config, parser, args, found)
    except AttributeError:
        # Not the pytest that this was written for.
        raise pytest.UsageError(
            f"pytest has taken a path after an option for the root of the project, "
            f"{early_config.rootpath}, which is {found[0]}. Write the option and its path as one "
            "word, with an equals sign between them."
        ) from None


def _move(config: pytest.Config, parser: pytest.Parser, args: list[str], found: object) -> None:
    """What `Config.parse` does with what it has found, once more."""
    wrong = config._validate_args(config.getini("addopts"), "via addopts config")
    if args[: len(wrong)] == wrong:
        del args[: len(wrong)]
    config._rootpath, config._inipath, config._inicfg, config._ignored_config_files = found  # type: ignore[misc]
    config._inicache.clear()
    parser.extra_info["rootdir"] = str(config.rootpath)
    parser.extra_info["inifile"] = str(config.inipath)
    args[:] = config._validate_args(config.getini("addopts"), "via addopts config") + args
    config._configure_python_path()
    config.pluginmanager.consider_preparse(args, exclude_only=False)
    known = parser.parse_known_args(args, namespace=copy.copy(config.option))
    if known.confcutdir is None:
        known.confcutdir = str(config.inipath.parent if config.inipath else config.rootpath)
    config.known_args_namespace = known
