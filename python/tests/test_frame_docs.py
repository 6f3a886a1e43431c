"""The examples in the documentation of frames."""

from __future__ import annotations

import doctest
import importlib

import pytest

import datafolio.frame as frames

pytest.importorskip("numpy")

MODULES = (
    "aggregate aggregations columns convert datetimes delayed expression frame functions groupby opening selections strings"
)


@pytest.mark.parametrize("name", MODULES.split())
def test_examples_give_what_they_say(name):
    module = importlib.import_module(f"datafolio.frame.{name}")
    known = {key: getattr(frames, key) for key in ("from_dict", "concat", "register_function")}
    failed, tried = doctest.testmod(module, extraglobs=known)
    assert failed == 0 and tried > 0
