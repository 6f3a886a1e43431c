#!/usr/bin/env bash
# Checks who depends on whom: core <- storage, columns, delta <- handlers <- datafolio, core <- sql <- datafolio, core <- frames <- datafolio, storage <- stores <- datafolio, and
# never the other way. What a crate may use is written down here; everything else is refused.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0

# Normal dependencies of a crate that are crates of this workspace.
uses() {
    cargo tree --package "$1" --edges normal --prefix none --depth 1 --all-features |
        tail -n +2 | sed -E 's/ .*//' | { grep -E '^datafolio' || true; } | sort -u | tr '\n' ' '
}

allow() {
    local crate=$1 allowed=$2 found
    found=$(uses "$crate")
    for used in $found; do
        case " $allowed " in
        *" $used "*) ;;
        *)
            echo "$crate uses $used, which is not one of: ${allowed:-nothing}"
            status=1
            ;;
        esac
    done
    echo "ok: $crate uses ${found:-no crate of this workspace}"
}

allow datafolio-core ""
allow datafolio-columns "datafolio-core"
allow datafolio-delta ""
allow datafolio-storage "datafolio-core"
allow datafolio-handlers "datafolio-core datafolio-columns datafolio-storage datafolio-delta"
allow datafolio-sql "datafolio-core"
allow datafolio-frames "datafolio-core"
allow datafolio-stores "datafolio-core datafolio-storage"
allow datafolio "datafolio-core datafolio-columns datafolio-storage datafolio-handlers datafolio-sql datafolio-frames datafolio-stores"
allow datafolio-python "datafolio"

# The model does no I/O and knows no file format.
for heavy in arrow parquet rustix tempfile; do
    if cargo tree --package datafolio-core --edges normal --prefix none | grep -qE "^$heavy v"; then
        echo "datafolio-core must not depend on $heavy"
        status=1
    fi
done

# Storage knows bytes, not tables.
for heavy in arrow parquet; do
    if cargo tree --package datafolio-storage --edges normal --prefix none | grep -qE "^$heavy v"; then
        echo "datafolio-storage must not depend on $heavy"
        status=1
    fi
done

# What Delta tables need of the kernel is read by an engine of our own: the kernel's brings a C library for cryptography.
if cargo tree --package datafolio --edges normal,build --prefix none | grep -qE "^aws-lc-(rs|sys) v"; then
    echo "datafolio must not depend on aws-lc-rs"
    status=1
fi

# Heavy engines are named by one leaf crate each, which does not exist without being asked for.
for heavy in libduckdb-sys polars-core object_store delta_kernel; do
    if cargo tree --package datafolio --no-default-features --features cli --edges normal --prefix none | grep -qE "^$heavy v"; then
        echo "the light build must not depend on $heavy"
        status=1
    fi
done

# What users get without asking for it does without Polars.
if cargo tree --package datafolio --edges normal --prefix none | grep -qE "^polars-core v"; then
    echo "the default features must not depend on polars-core"
    status=1
fi

# What DuckDB is built with, in a build of these packages. Where it differs between two builds, DuckDB is compiled twice, which
# takes longer than all the rest.
duckdb_build() {
    cargo tree --workspace "$@" --edges normal,build --no-dedupe --prefix depth --format ' {p} {f}' |
        awk '/ libduckdb-sys v/ { depth = $1 + 0; inside = 1; next }
             inside && $1 + 0 <= depth { inside = 0 }
             inside { print }'
}
if ! diff <(duckdb_build --exclude datafolio-frames) <(duckdb_build --features datafolio/polars); then
    echo "DuckDB would be compiled anew with Polars (>): Cargo.lock holds async-trait at a release that shares no syn with serde"
    status=1
fi

exit $status
