#!/usr/bin/env bash
# Puts the Python package together from its sources and the compiled module of a development build, for its tests and for everyday
# work: PYTHONPATH is the directory that is printed. `make wheel` makes what is installed.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
profile=${1:-debug}
place="$target/python"
case "$(uname -s)" in
Darwin) module="$target/$profile/lib_native.dylib" ;;
MINGW* | MSYS*) module="$target/$profile/_native.dll" ;;
*) module="$target/$profile/lib_native.so" ;;
esac
if [ ! -f "$module" ]; then
    echo "$module is not there: build it first (make test does)" >&2
    exit 1
fi
mkdir -p "$place"
rm -rf "$place/datafolio"
cp -R python/datafolio "$place/datafolio"
find "$place/datafolio" -name __pycache__ -type d -prune -exec rm -rf {} +
# A hard link costs nothing; where the file systems differ, it is copied.
extension=_native.abi3.so
case "$module" in *.dll) extension=_native.pyd ;; esac
ln -f "$module" "$place/datafolio/$extension" 2>/dev/null || cp "$module" "$place/datafolio/$extension"
echo "$place"
