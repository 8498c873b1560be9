#!/usr/bin/env bash
# Installs a build to a folder of its own, then builds and runs the examples against it as a stranger would, and runs
# the installed program. Usage: install_package.sh BUILD_DIR SOURCE_DIR CAF_DIR COMPILER
set -euo pipefail
build=$1 source=$2 caf_dir=$3 compiler=$4

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { printf '%s\n' "$*" >&2; exit 1; }
expect() { # what, expected, found
  [ "$2" = "$3" ] || fail "$1: expected '$2', found '$3'"
}

cmake --install "$build" --prefix "$work/prefix" >"$work/install.log" || { cat "$work/install.log" >&2; fail "cmake --install failed"; }

for example in read_update edit_together embed; do
  cmake -S "$source/examples/$example" -B "$work/$example" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DCAF_DIR="$caf_dir" -DCMAKE_CXX_COMPILER="$compiler" >"$work/$example.log" 2>&1 &&
    cmake --build "$work/$example" >>"$work/$example.log" 2>&1 || { cat "$work/$example.log" >&2; fail "$example cannot be built"; }
done

# The text "hi" in the root `text`, by client 5.
printf '\1\1\5\0\4\1\4text\2hi\0' >"$work/hi.yjs"
expect "read_update, all roots" '{"text":"hi"}' "$("$work/read_update/read_update" "$work/hi.yjs")"
expect "read_update, one root" hi "$("$work/read_update/read_update" "$work/hi.yjs" text)"
printf '\1\1\5' >"$work/torn.yjs"
"$work/read_update/read_update" "$work/torn.yjs" 2>/dev/null && fail "read_update took half an update"

expect "edit_together" '> Dear all,
> Dear all,
11
[{"insert":"Re: > Dear "},{"insert":"all,","attributes":{"bold":true}}]
{"body":"Re: > Dear all,","settings":{"lang":"en"}}
<p>Re: &gt; Dear <strong>all,</strong></p>
Dear all
Re: > Dear dear all,
108 bytes, 92 in encoding 2' "$("$work/edit_together/edit_together")"

octavo=$work/prefix/bin/octavo
"$octavo" doc import greeting "$work/hi.yjs" --data "$work/data" >/dev/null || fail "the installed octavo cannot import"
expect "the installed octavo" hi "$("$octavo" doc export greeting --format text --data "$work/data")"
expect "host" '1: hi
2: oh hi
3: ah oh hi
{"text":"ah oh hi"}' "$(printf 'oh \nah \n' | "$work/embed/host" "$work/data" greeting)"
OCTAVO_BIN=$octavo node "$source/tests/install/cluster_member.mjs" "$work/embed/member" || fail "the member of a cluster failed"
if [ -e "$source/web/dist/index.html" ]; then
  [ -e "$work/prefix/share/octavo/web/index.html" ] || fail "the page is not installed"
fi
echo "installed, built and ran"
