#!/usr/bin/env bash
# Makes the shared target folder this checkout's own. Cargo goes by the times of files: in a target folder that another
# checkout has built in, crates of this workspace would pass for built although their sources differ. So these crates, and
# not what they depend on, are built anew after a change of checkout.
#
#   scripts/claim-target.sh [--always]
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
mark="$target/checkout"
here=$(pwd -P)

if [ ! -d "$target" ] || { [ "${1:-}" != --always ] && [ "$(cat "$mark" 2>/dev/null)" = "$here" ]; }; then
    mkdir -p "$target"
    echo "$here" >"$mark"
    exit 0
fi
crates=()
for name in $(sed -n 's/^name = "\(datafolio[a-z-]*\)"$/\1/p' Cargo.toml crates/*/Cargo.toml handlers/Cargo.toml python/Cargo.toml | sort -u); do
    crates+=(-p "$name")
done
for profile in dev release; do
    cargo clean --quiet --offline --profile "$profile" "${crates[@]}" 2>/dev/null ||
        cargo clean --quiet --profile "$profile" "${crates[@]}"
done
echo "$here" >"$mark"
