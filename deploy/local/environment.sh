#!/bin/sh
# Make the virtual environment .venv from requirements.lock, once for each state of that file. Needs Python 3.11 or newer.
set -eu
cd "$(dirname "$0")/../.."

fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

lock=requirements.lock
[ -f "$lock" ] || fail "$lock is missing: this is no whole clone of the project"
if command -v sha256sum >/dev/null 2>&1; then hash=$(sha256sum "$lock"); else hash=$(shasum -a 256 "$lock"); fi
hash=${hash%% *}
stamp=.venv/made-from
if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$hash" ]; then exit 0; fi

python=
for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python=$name; break; fi
done
[ -n "$python" ] || fail "Python 3.11 or newer is needed, and neither python3 nor python3.11 to 3.14 is one (PYTHON=<path> names another)"
"$python" -c 'import venv, ensurepip' >/dev/null 2>&1 || fail "$("$python" --version) lacks venv: install it (Debian: apt install python3-venv)"
free=$(df -Pk . | awk 'NR == 2 { print int($4 / 1024) }')
[ -x .venv/bin/python ] || [ "$free" -ge 1500 ] || fail "the disk is full: $free MB are free here, 1500 are needed"

echo "making the environment with $("$python" --version); about 250 MB are fetched the first time"
[ -x .venv/bin/python ] && .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || "$python" -m venv --clear .venv
rm -f "$stamp"
pip() { .venv/bin/python -m pip --disable-pip-version-check --quiet install --progress-bar off --require-hashes --only-binary :all: -r "$1"; }
# uv, itself out of the lock, installs in seconds what takes pip minutes; where only pip knows the way to the packages
# (an index of its own in pip's configuration), pip does it all.
awk '/^uv==/ { found = 1 } found { print } found && !/\\$/ { exit }' "$lock" > .venv/uv.txt
{ pip .venv/uv.txt && .venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes --no-build -r "$lock"; } \
    || pip "$lock" || fail "the packages of $lock could not be installed (above says why); nothing was started"
printf '%s' "$hash" > "$stamp"
echo "the environment is ready"
