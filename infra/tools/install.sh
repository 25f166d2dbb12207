#!/bin/sh
# install.sh <environment> <lock>: a virtual environment with exactly the locked wheels.
# Any Python from 3.11 will do (KOPRU_PYTHON names one); uv is faster, pip is enough.
set -eu
environment=$1
lock=$2

works() {
    "$1" -c 'import sys, venv, ensurepip; raise SystemExit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if ! works "$environment/bin/python"; then
    python=
    for candidate in ${KOPRU_PYTHON:-} python3.13 python3.12 python3.11 python3 python; do
        if works "$candidate"; then
            python=$candidate
            break
        fi
    done
    if [ -z "$python" ]; then
        echo "Köprü needs Python 3.11 or newer; none was found (KOPRU_PYTHON=… names one)." >&2
        exit 1
    fi
    echo "Creating $environment with $("$python" --version)"
    "$python" -m venv --clear "$environment"
fi

echo "Installing $lock into $environment"
installed=
if command -v uv >/dev/null 2>&1; then
    # uv does not read pip's configuration (a mirror, say); where it cannot install, pip can.
    if uv pip install --quiet --python "$environment/bin/python" \
        --no-deps --require-hashes --requirement "$lock"; then
        installed=yes
    else
        echo "uv could not; trying pip" >&2
    fi
fi
if [ -z "$installed" ]; then
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check \
        --no-deps --require-hashes --requirement "$lock"
fi
touch "$environment/.installed"
