# Shared by the scripts in this folder: where things are kept, and how a script speaks.
cache=${OCTAVO_CACHE:-$HOME/.cache/octavo}
# Scripts and tools run in other folders use it too: a relative one is meant from the project's folder.
case "$cache" in /*) ;; *) cache=$PWD/$cache ;; esac

step_started=
step() { step_started=$(date +%s); printf '==> %s\n' "$*" >&2; }
done_step() { printf '    done in %d s\n' $(($(date +%s) - step_started)) >&2; }
fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# Runs a command as root: directly, or through sudo.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else fail "root is needed for: $* (run this as root, or install sudo)"
  fi
}

# The folder that holds the built CAF, keyed by its version and by the compiler; "tsan": the one with ThreadSanitizer.
caf_prefix() { printf '%s/caf-0.18.7-gcc%s%s' "$cache" "$(c++ -dumpfullversion)" "${1:+-$1}"; }
# There once it is built with all that setup changes in it; another number, and it is built anew.
caf_marker=.complete-2

# Builds the page into web/dist, unless that is newer than everything it is made of.
build_page() {
  [ -e web/package.json ] || return 0
  [ -e web/dist/index.html ] &&
    [ -z "$(find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -newer web/dist/index.html -print | head -1)" ] &&
    return 0
  step "building the page"
  (cd web && npm run --silent build >"$cache/page.log" 2>&1) ||
    { tail -30 "$cache/page.log" >&2; fail "building the page failed; see $cache/page.log"; }
  touch web/dist/index.html
  done_step
}
