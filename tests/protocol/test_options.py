"""The options of a run: described once, checked where they are made, the same everywhere."""

import inspect
import math
import re

import numpy
import pytest
from hypothesis import given, strategies

import azml_magic
from azml_magic import ServiceSettings
from azml_magic.cli.command_line import build_parser as command_line
from azml_magic.contract.profile import PROFILES
from azml_magic.errors import OptionError
from azml_magic.notebook import magic_options as magic
from azml_magic.notebook.magics import AzmlMagics
from azml_magic.protocol.options import DATA, DEFAULTS, Options
from azml_magic.protocol.settings import described

OPTIONS = described(Options)
GIGABYTE = 1 << 30


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"memory": "4GB"}, 4 * GIGABYTE),
        ({"memory": 4 * GIGABYTE}, 4 * GIGABYTE),
        ({"memory": "1.5 gib"}, 3 << 29),
        ({"disk": "64MB"}, 64 << 20),
        ({"timeout": "1.5"}, 1.5),
        ({"timeout": 0}, None),
        ({"timeout": None}, None),
        ({"cpu_seconds": math.inf}, None),
        ({"timeout": 10**400}, None),
        ({"tasks": 2.0}, 2),
        ({"memory": 1e9}, 10**9),
        ({"memory": numpy.int64(1 << 30)}, 1 << 30),
        ({"tasks": numpy.int32(7)}, 7),
        ({"strict": None}, False),
        ({"cpu_seconds": 2}, 2.0),
        ({"tasks": "7"}, 7),
        ({"files": "200,000"}, 200_000),
        ({"allow_network": True}, True),
        ({"strict": "no"}, False),
        ({"profile": "designer"}, "designer"),
        ({"text": "str"}, "str"),
    ],
)
def test_a_value_is_kept_in_one_form(given, kept):
    (name,) = given
    assert getattr(Options.of(**given), name) == kept
    assert getattr(Options(**given), name) == kept


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"memory": "lots"}, ["memory", "lots", "2GB"]),
        ({"memory": "1MB"}, ["memory", "1MB", "64MB"]),
        ({"disk": "12"}, ["disk", "12", "1MB"]),
        ({"timeout": "soon"}, ["timeout", "soon", "seconds"]),
        ({"timeout": -1}, ["timeout", "-1", "0 for none"]),
        ({"timeout": math.nan}, ["timeout", "nan"]),
        ({"tasks": 0}, ["tasks", "1 or more"]),
        ({"tasks": 1.5}, ["tasks", "1.5", "whole"]),
        ({"tasks": "1,5"}, ["tasks", "1,5", "whole"]),
        ({"dates": "iso"}, ["dates", "epoch", "iso"]),
        ({"profile": "clasic"}, ["profile", "clasic", "did you mean 'classic'"]),
        ({"allow_network": "perhaps"}, ["allow_network", "perhaps"]),
        ({"tmeout": 3}, ["tmeout", "timeout"]),
        ({"memory": "9000000TB"}, ["memory", "too large"]),
        ({"memory": "9" * 400 + "GB"}, ["memory", "too large"]),
        ({"memory": 10**400}, ["memory", "too large"]),
        ({"memory": True}, ["memory", "True"]),
        ({"cpu_seconds": "9" * 20}, ["cpu_seconds", "999"]),
        ({"timeout": True}, ["timeout", "True"]),
        ({"tasks": 10**5000}, ["tasks", "or less"]),
        ({"dates": ["epoch"]}, ["dates", "epoch"]),
    ],
)
def test_a_value_that_cannot_be_is_refused_where_it_is_made(given, words):
    with pytest.raises(OptionError) as raised:
        Options.of(**given)
    shown = str(raised.value)
    assert all(word in shown for word in words), shown


@given(
    strategies.one_of(
        strategies.text(),
        strategies.floats(),
        strategies.integers(),
        strategies.none(),
        strategies.lists(strategies.text()),
        strategies.booleans(),
    )
)
def test_no_value_is_anything_but_kept_or_refused(value):
    for kind in (Options, ServiceSettings):
        for name in described(kind):
            try:
                kept = kind.of(**{name: value})
            except OptionError:
                continue
            assert kind.of(**{name: getattr(kept, name)}) == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"memory": "4GB"}, 4 * GIGABYTE),
        ({"max_body": "1MB"}, 1 << 20),
        ({"timeout": "2"}, 2.0),
        ({"port": 0}, 0),
        ({"batch_folder": None}, ""),
        ({"queue_timeout": 0}, 0.0),
    ],
)
def test_settings_of_a_service_are_checked_alike(given, kept):
    (name,) = given
    assert getattr(ServiceSettings(**given), name) == kept


@pytest.mark.parametrize(
    "given",
    [
        {"memory": "much"},
        {"memory": "1kB"},
        {"timeout": 0},
        {"workers": 0},
        {"queue": -1},
        {"port": -1},
        {"isolate": "no"},
        {"max_body": 32},
        {"seconds": 3},
        {"port": 70_000},
        {"host": ""},
        {"host": 5},
        {"keys": "no", "host": "0.0.0.0"},
    ],
)
def test_settings_that_cannot_be_are_refused(given):
    with pytest.raises(OptionError):
        ServiceSettings.of(**given)


def test_the_names_of_profiles_are_those_of_the_rules():
    assert OPTIONS["profile"].choices == tuple(PROFILES)


def test_run_takes_every_option_with_its_default():
    parameters = inspect.signature(azml_magic.run).parameters
    given = {name: parameters[name].default for name in OPTIONS}
    assert Options.of(**given) == DEFAULTS


def test_run_describes_every_option():
    described = inspect.getdoc(azml_magic.run) or ""
    assert set(OPTIONS) <= set(re.findall(r"^(\w+) : ", described, re.M))


def test_the_magic_has_every_option():
    actions = {action.dest: action for action in magic.build_parser()._actions}
    for name, about in OPTIONS.items():
        flags = actions[name].option_strings
        assert f"--{name.replace('_', '-')}" in flags
        assert not about.letter or f"-{about.letter}" in flags


def test_what_can_be_configured_has_a_trait_with_the_same_default():
    traits = AzmlMagics.class_traits(config=True)
    for name, about in OPTIONS.items():
        assert (name in traits) == about.configurable
        if about.configurable:
            assert getattr(Options.of(**{name: traits[name].default_value}), name) == getattr(
                DEFAULTS, name
            )


def test_the_command_line_has_every_option():
    chosen = command_line().parse_args(["run", "module.py"])
    given = {name: getattr(chosen, name) for name in OPTIONS if getattr(chosen, name) is not None}
    assert Options.of(**given) == DEFAULTS


def test_the_service_of_the_command_line_has_every_setting():
    chosen = command_line().parse_args(["serve", "module.py"])
    given = {name: getattr(chosen, name) for name in described(ServiceSettings)}
    given = {name: value for name, value in given.items() if value is not None}
    assert ServiceSettings.of(**given) == ServiceSettings()


def test_options_that_change_data_are_options():
    assert set(DATA) <= set(OPTIONS)
    assert Options(dates="datetime").data() == {"dates": "datetime", "text": "object"}


@pytest.mark.parametrize("value", ["no", "false", "perhaps", 2])
def test_what_does_not_say_yes_never_leaves_the_sandbox(value):
    source = "def azureml_main():\n    pass\n"
    try:
        result = azml_magic.run(source, debug=value)
    except OptionError:
        return
    assert "NONE" not in result.confinement
