"""Makes what only Python can make, for a bundle: fitted models and a Parquet file as pandas writes it.

    python make.py DIRECTORY
"""
import os
import sys

import joblib
import numpy as np
import pandas as pd
import skops.io
from sklearn.linear_model import LinearRegression, LogisticRegression

place = sys.argv[1]
x = np.arange(30.0).reshape(10, 3)
joblib.dump(LogisticRegression().fit(x, np.arange(10) > 4), os.path.join(place, "classifier.joblib"))
skops.io.dump(LinearRegression().fit(x, x.sum(axis=1)), os.path.join(place, "regressor.skops"))
frame = pd.DataFrame({
    "n": [1, 2, 3],
    "text": ["a", None, "ü"],
    "when": pd.to_datetime(["2024-01-01", "2024-06-01", None]).tz_localize("Europe/Berlin"),
    "group": pd.Categorical(["x", "y", "x"]),
})
frame.to_parquet(os.path.join(place, "by_pandas.parquet"), row_group_size=2)
frame[["n", "text"]].to_csv(os.path.join(place, "by_pandas.csv"), index=False)
