#!/usr/bin/env bash
# Packages every crate that is published, unpacks the packages and checks them side by side: whether their manifests are whole,
# and whether they hold the files that they are compiled from. `cargo package` by itself checks each alone, with other
# features of the same dependencies, and would compile DuckDB and Polars once more.
set -euo pipefail
cd "$(dirname "$0")/.."

target=$(cargo metadata --format-version 1 --no-deps --offline 2>/dev/null | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
[ -n "$target" ] || target=${CARGO_TARGET_DIR:-target}
packages="$target/package"
unpacked="$packages/unpacked"

rm -rf "$packages"
cargo package --workspace --exclude datafolio-testkit --allow-dirty --no-verify --quiet
mkdir -p "$unpacked"
for package in "$packages"/*.crate; do
    tar -xzf "$package" -C "$unpacked"
done

# A workspace of what was unpacked, with the profiles and the locked versions of this one.
{
    echo '[workspace]'
    echo 'resolver = "3"'
    echo 'members = ["datafolio*"]'
    echo '[patch.crates-io]'
    for crate in "$unpacked"/*/; do
        directory=$(basename "$crate")
        echo "${directory%-[0-9]*} = { path = \"$directory\" }"
    done
    sed -n '/^\[profile/,$p' Cargo.toml
} >"$unpacked/Cargo.toml"
cp Cargo.lock "$unpacked/Cargo.lock"
# With other flags DuckDB would be compiled once more.
mkdir "$unpacked/.cargo"
cp .cargo/config.toml "$unpacked/.cargo/config.toml"

cd "$unpacked"
CARGO_TARGET_DIR="$target" cargo check --quiet --workspace --features datafolio/polars
echo "$(ls -d ./*/ | wc -l) packages hold what they are compiled from"
