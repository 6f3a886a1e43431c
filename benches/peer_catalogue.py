"""The measurements of catalogue.rs with Python DataFolio: building, opening, adding to a bundle of many items."""

import sys
import time

import datafolio

path, items = sys.argv[1], int(sys.argv[2])


def median(times):
    return sorted(times)[len(times) // 2] * 1e3


folio = datafolio.DataFolio(path)
with folio.batch():
    for n in range(items - 1):
        text = f"value {n} of a bundle with many items, described as people describe them"
        folio.add(f"group{n % 20}/item{n}", n, description=text)
    folio.add("bench", None)

opening, adding = [], []
for n in range(11):
    started = time.perf_counter()
    folio = datafolio.DataFolio(path)
    assert len(folio.list_contents()["json_data"]) == items
    opening.append(time.perf_counter() - started)
    started = time.perf_counter()
    folio.add("bench", n, overwrite=True)
    adding.append(time.perf_counter() - started)

print(
    f"Python DataFolio {datafolio.__version__}, {items} items: open {median(opening):.1f} ms, add {median(adding):.1f} ms"
)
