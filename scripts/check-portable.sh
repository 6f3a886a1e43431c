#!/usr/bin/env bash
# Type-checks the libraries, the program, tests, benches and examples for systems other than this one. C code is not compiled: a
# check links nothing, so a compiler that does nothing will do. Not so for DuckDB, whose library has to be there for a check: SQL
# is left out. Warnings fail: what a test has and only Unix uses would be one.
set -euo pipefail
cd "$(dirname "$0")/.."

for target in x86_64-pc-windows-gnu aarch64-apple-darwin; do
    echo "== $target"
    rustup target add "$target"
    name=${target//-/_}
    env "CC_$name=true" "CXX_$name=true" "AR_$name=true" cargo clippy --workspace --exclude datafolio-frames \
        --exclude datafolio-delta --exclude datafolio-sql --exclude datafolio-stores --no-default-features --features datafolio/cli --all-targets --target "$target" -- --deny warnings
done
