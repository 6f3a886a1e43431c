#!/usr/bin/env bash
# Installs the releases of Python DataFolio that the compatibility tests work with, the programs that the guides hand
# tables to, those that read the HDF5 files written here, and those that speak the language of a store, each in an environment of its
# own outside the checkout. What is there already is left alone.
#
#   scripts/peers.sh [DIRECTORY]     default: ${XDG_CACHE_HOME:-$HOME/.cache}/datafolio/peers
#
# The tests find them there, in $DATAFOLIO_PEERS, or through DATAFOLIO_PYTHON23, DATAFOLIO_PYTHON13, DATAFOLIO_PYTHON_TABLES,
# DATAFOLIO_PYTHON_MOTO and DATAFOLIO_AZURITE.
set -euo pipefail

place=${1:-${DATAFOLIO_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/datafolio/peers}}
python=${PYTHON:-python3}

# The releases do not bound what they use: these versions are known to work with both.
common=(
    "pandas==3.1.1" "numpy==2.4.6" "pyarrow==26.0.1" "scikit-learn==1.9.1" "skops==0.16.0" "joblib==1.6.0"
    "cloud-files==6.4.3" "filelock==4.2.11" "orjson==3.13.0"
)
# What reads tables by their paths. Ibis does not bound sqlglot and DuckDB from above, and works with these.
tables=(
    "ibis-framework[duckdb]==12.0.0" "duckdb==2.0.1" "sqlglot==30.30.0" "polars==2.1.0" "pandas==3.1.1" "numpy==2.4.6"
    "pyarrow==26.0.1"
)
# What the Python package is tested with.
packages=(
    "pytest==9.2.0" "hypothesis==6.170.17" "mypy==2.4.1" "pandas==3.1.1" "numpy==2.4.6" "pyarrow==26.0.1" "polars==2.1.0" "duckdb==2.0.1"
    "scikit-learn==1.9.1" "skops==0.16.0" "joblib==1.6.0" "matplotlib==3.11.2" "ibis-framework[duckdb]==12.0.0" "sqlglot==30.30.0" "narwhals==2.29.0" "tqdm==4.70.1" "h5py==3.16.0"
)
# Engines with workers of their own, which write tables back.
engines=("pytest==9.2.0" "dask[dataframe,distributed]==2026.8.0" "pyspark==4.3.0" "pandas==3.1.1" "numpy==2.4.6" "pyarrow==26.0.1")
# What judges the HDF5 files that are written here.
hdf5=("h5py==3.16.0" "numpy==2.4.6" "pyarrow==26.0.1")
vaex=("vaex-core==4.19.0" "vaex-hdf5==0.15.0" "h5py==3.16.0" "numpy==2.4.6" "pandas==2.3.3" "pyarrow==26.0.1" "setuptools==65.5.0")
# A server of S3. Its extra `server` would bring what it needs for the other services of AWS.
moto=("moto[s3]==5.2.5" "boto3==1.44.8" "flask==3.1.3" "flask-cors==6.0.5" "werkzeug==3.1.9")
# A server of Azure Blob Storage, which runs in Node.
azurite="azurite@3.35.0"

# Python 3.10 has no wheels of some of these: there pip picks the newest that it can have.
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    common=("pandas" "numpy" "pyarrow" "scikit-learn" "skops" "joblib" "cloud-files" "filelock" "orjson")
    tables=("ibis-framework[duckdb]" "polars" "pandas" "numpy" "pyarrow")
    packages=("pytest" "hypothesis" "mypy" "pandas" "numpy" "pyarrow" "polars" "duckdb" "scikit-learn" "skops" "joblib" "matplotlib" "ibis-framework[duckdb]" "narwhals" "tqdm" "h5py")
    engines=("pytest" "dask[dataframe,distributed]" "pyspark" "pandas" "numpy" "pyarrow")
    hdf5=("h5py" "numpy" "pyarrow")
    vaex=("vaex-core==4.19.0" "vaex-hdf5==0.15.0" "setuptools<80")
    moto=("moto[s3]" "flask" "flask-cors")
fi

install() {
    local name=$1 want
    shift
    want="$*"
    if [ "$(cat "$place/$name/installed" 2>/dev/null)" = "$want" ]; then
        return
    fi
    echo "== installing $1 into $place/$name"
    rm -rf "${place:?}/$name"
    "$python" -m venv "$place/$name"
    "$place/$name/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    echo "$want" >"$place/$name/installed"
}

mkdir -p "$place"
install df23 "datafolio==2.3.0" "polars==2.1.0" "${common[@]}"
install df13 "datafolio==1.3.0" "${common[@]}"
install tables "${tables[@]}"
install hdf5 "${hdf5[@]}"
install python "${packages[@]}"
install engines "${engines[@]}"
install moto "${moto[@]}"
# Vaex does not install on later Pythons: the tests say then that they do without.
if "$python" -c 'import sys; sys.exit(sys.version_info >= (3, 13))'; then
    install vaex "${vaex[@]}"
fi
# Without npm the tests say that they do without.
if ! command -v npm >/dev/null; then
    echo "== no npm: Azurite is not installed"
elif [ "$(cat "$place/azurite/installed" 2>/dev/null)" != "$azurite" ]; then
    echo "== installing $azurite into $place/azurite"
    rm -rf "${place:?}/azurite"
    mkdir -p "$place/azurite"
    # Where its packages cannot be had, its tests say so, and all others run.
    if npm install --prefix "$place/azurite" --no-audit --no-fund --no-update-notifier --loglevel error "$azurite"; then
        echo "$azurite" >"$place/azurite/installed"
    else
        echo "== npm cannot install Azurite: its tests are left out"
        rm -rf "${place:?}/azurite/node_modules"
        touch "$place/azurite/left-out"
    fi
fi
