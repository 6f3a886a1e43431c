#!/usr/bin/env bash
# Type-checks the libraries and the program for systems other than this one. C code is not compiled: a check links nothing, so a
# compiler that does nothing will do. Not so for DuckDB, whose library has to be there for a check: SQL is left out.
set -euo pipefail
cd "$(dirname "$0")/.."

for target in x86_64-pc-windows-gnu aarch64-apple-darwin; do
    echo "== $target"
    rustup target add "$target"
    name=${target//-/_}
    env "CC_$name=true" "CXX_$name=true" "AR_$name=true" cargo check --workspace --exclude datafolio-frames \
        --exclude datafolio-sql --no-default-features --features datafolio/cli --lib --bins --target "$target"
done
