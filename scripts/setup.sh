# Sourced by scripts/run and scripts/test: virtual environment, locked packages, system libraries.
# Usage: setup LOCKFILE

# WeasyPrint draws text with Pango; wheels do not bring it.
SYSTEM_PACKAGES="libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz0b libharfbuzz-subset0 libfontconfig1"

fail() {
    echo "setup: $*" >&2
    exit 1
}

install_system_packages() {
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@" >/dev/null && return
    fi
    fail "these system packages are needed: $*. Install them (as root: apt-get install $*) and try again."
}

find_python() {
    for candidate in python3.11 python3.12 python3.13 python3; do
        if command -v "$candidate" >/dev/null &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            echo "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed."
}

setup() {
    local lock="$root/$1" venv="$root/.venv" python stamp
    python=$(find_python)
    "$python" -c 'import ensurepip' 2>/dev/null || install_system_packages python3-venv
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
    stamp="$venv/$(basename "$lock").installed"
    if ! cmp -s "$lock" "$stamp"; then
        echo "setup: installing the packages of $(basename "$lock") …" >&2
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
            --require-hashes -r "$lock" || fail "the packages could not be installed."
        cp "$lock" "$stamp"
    fi
    "$venv/bin/python" - 2>/dev/null <<'PYTHON' || install_system_packages $SYSTEM_PACKAGES
import ctypes
for name in ("pango-1.0", "pangoft2-1.0", "harfbuzz", "harfbuzz-subset", "fontconfig"):
    ctypes.CDLL(f"lib{name}.so.{1 if name == 'fontconfig' else 0}")
PYTHON
}
