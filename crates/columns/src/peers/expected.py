"""What every function and every aggregation is to give, over the columns of DIR/data.arrow.

expected.py DIR START:END...    writes DIR/functions.arrow, and DIR/aggregations-N.arrow for each slice of the rows
"""
import sys

import pyarrow as pa

import aggregated
import asked
import instants
import numeric
import operators
import texts

schema = pa.schema(asked.fields)
with pa.ipc.new_file(f"{asked.DIR}/functions.arrow", schema) as file:
    file.write_batch(pa.record_batch(asked.arrays, schema=schema))
for number, rows in enumerate(sys.argv[2:]):
    aggregated.write(f"{asked.DIR}/aggregations-{number}.arrow", asked.TABLE.slice(*aggregated.stretch(rows)))
