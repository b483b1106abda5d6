#!/usr/bin/env bash
# Install Debian packages and a virtual environment: setup.sh PYTHON VENV REQUIREMENTS
# Says exactly what is missing where it cannot install it (not root, no apt).
set -euo pipefail
python=$1 venv=$2 requirements=$3
here=$(cd "$(dirname "$0")" && pwd)

declare -A program=([lilypond]=lilypond [timidity]=timidity [ghostscript]=gs)
missing=()
while read -r package; do
    [[ -z $package || $package == \#* ]] && continue
    command -v "${program[$package]}" >/dev/null || missing+=("$package")
done <"$here/apt.txt"

command -v "$python" >/dev/null || { echo "setup: $python not found; install Python 3.11 or newer, or: make PYTHON=/path/to/python3" >&2; exit 1; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    { echo "setup: $("$python" --version) is too old; Python 3.11 or newer is needed: make PYTHON=python3.11" >&2; exit 1; }
if [[ ! -x $venv/bin/python ]] && ! "$python" -c 'import ensurepip' 2>/dev/null; then
    missing+=("python3-venv")
fi

if ((${#missing[@]})); then
    if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
        echo "setup: installing ${missing[*]}"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    elif command -v apt-get >/dev/null; then
        echo "setup: missing programs; run: sudo apt-get install ${missing[*]}" >&2
        exit 1
    else
        echo "setup: missing programs and no apt here; install with your package manager: ${missing[*]}" >&2
        exit 1
    fi
fi

[[ -x $venv/bin/python ]] || "$python" -m venv "$venv"
echo "setup: installing Python packages from $(basename "$requirements")"
# torch first and alone: other packages must find exactly the pinned build already there.
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$(grep '^torch==' "$here/requirements.txt")"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --editable "$here/.."
