"""A DataFolio release as a partner of the tests: runs lines of Python that come in, answers each with one line of JSON.

    python session.py BUNDLE

`folio` is the open bundle. An expression is answered with {"value": ...}, an exception with {"error": name, "message": ...}.
"""
import ast
import json
import sys
import traceback
import warnings

answers, sys.stdout = sys.stdout, sys.stderr  # what the package prints is no answer
warnings.simplefilter("ignore")

import datafolio
import numpy as np
import pandas as pd

import reading


def run(code, names):
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<test>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<test>", "eval"), names) if last else None


def plain(value):
    """What JSON has no form for is answered with its text."""
    try:
        return json.loads(json.dumps(value))
    except TypeError:
        return str(value)


names = {"datafolio": datafolio, "np": np, "pd": pd, "reading": reading, "path": sys.argv[1]}


def answer(code):
    try:
        result = {"value": plain(run(code, names))}
    except Exception as error:
        traceback.print_exc()
        result = {"error": type(error).__name__, "message": str(error)}
    print(json.dumps(result), file=answers, flush=True)


answer("folio = datafolio.DataFolio(path); datafolio.__version__")
for line in sys.stdin:
    answer(json.loads(line))
