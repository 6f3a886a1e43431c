"""The questions of stores.rs to Python DataFolio 2.3, which reaches stores by cloud-files: one in each process, its time without the import."""

import json
import os
import pathlib
import sys
import time

endpoint, home, question = sys.argv[1:]
# cloud-files looks for keys there.
secrets = pathlib.Path(home, ".cloudfiles", "secrets", "aws-secret.json")
secrets.parent.mkdir(parents=True, exist_ok=True)
secrets.write_text(json.dumps({"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}))
os.environ["HOME"] = home
os.environ["AWS_DEFAULT_REGION"] = "here"

import datafolio
import numpy
import pandas

path = f"s3://{endpoint}/bucket/peer"
ROWS = 2_000_000


def build(folio):
    random = numpy.random.default_rng(1)
    columns = {"id": numpy.arange(ROWS)} | {name: random.random(ROWS) for name in "abcdefg"}
    with folio.batch():
        folio.add("t", pandas.DataFrame(columns))
        for item in range(200):
            folio.add(f"item-{item}", item)


def several(folio):
    with folio.batch():
        for item in range(20):
            folio.add(f"more-{item}", item, overwrite=True)


QUESTIONS = {
    "build": build,
    "open": lambda folio: None,
    "ls": lambda folio: folio.list_contents(),
    "describe": lambda folio: folio.describe(return_string=True),
    "table_info": lambda folio: folio.inspect_table("t"),
    "preview of 10 rows": lambda folio: folio.get("t").head(10),
    "one column of 8, walked through": lambda folio: folio.get("t")["c"].sum(),
    "a filter of 1 %, two columns of 8": lambda folio: folio.get("t").query("c < 0.01")[["id", "c"]],
    "a frame's mean": lambda folio: folio.get("t")["c"].mean(),
    "add a small item": lambda folio: folio.add("new", 1, overwrite=True),
    "20 items in a batch": several,
}

started = time.perf_counter()
QUESTIONS[question](datafolio.DataFolio(path))
print(f"{(time.perf_counter() - started) * 1e3:.0f}")
