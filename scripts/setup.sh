# Sourced by scripts/run and scripts/test: system packages, virtual environment, locked packages.
# Usage: setup LOCKFILE

export PYTHONUTF8=1 # what is printed has signs that a plain terminal's encoding may lack

fail() {
    echo "setup: $*" >&2
    exit 1
}

find_python() {
    for candidate in python3.11 python3.12 python3.13 python3; do
        if command -v "$candidate" >/dev/null &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            echo "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed (as root: apt-get install python3)."
}

# The Debian packages that this machine lacks. No wheel brings the libraries that WeasyPrint draws
# text with; without ensurepip no virtual environment can be made.
missing_packages() {
    "$1" - <<'PYTHON'
import ctypes
import importlib.util

LIBRARIES = {
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz.so.0": "libharfbuzz0b",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
    "libfontconfig.so.1": "libfontconfig1",
}
if importlib.util.find_spec("ensurepip") is None:
    print("python3-venv")
for library, package in LIBRARIES.items():
    try:
        ctypes.CDLL(library)
    except OSError:
        print(package)
PYTHON
}

install_packages() {
    local log
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        echo "setup: installing the system packages $* …" >&2
        export DEBIAN_FRONTEND=noninteractive
        if log=$(apt-get update -qq 2>&1 &&
            apt-get install -y -qq --no-install-recommends "$@" 2>&1); then
            return
        fi
        echo "$log" >&2
    fi
    fail "system packages are missing; as root: apt-get install $*"
}

setup() {
    local lock="$root/$1" venv="$root/.venv" python packages stamp path
    python=$(find_python)
    packages=$(missing_packages "$python")
    [ -z "$packages" ] || install_packages $packages
    "$venv/bin/python" -c 'import pip' 2>/dev/null || "$python" -m venv "$venv"
    stamp="$venv/$(basename "$lock").installed"
    if ! cmp -s "$lock" "$stamp"; then
        echo "setup: installing the packages of $(basename "$lock"), a minute or so …" >&2
        "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input \
            --require-hashes -r "$lock" || fail "the packages could not be installed."
        cp "$lock" "$stamp"
    fi
    # The package is imported from this folder, wherever a command is started.
    path="$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
    echo "$root" | cmp -s - "$path/governance.pth" || echo "$root" >"$path/governance.pth"
}
