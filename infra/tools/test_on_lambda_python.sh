#!/bin/sh
# test_on_lambda_python.sh <python> <environment>: unit and packaging tests on Python 3.13, the version
# of Lambda, where one is installed. Elsewhere it says so and nothing fails. The local stack stays
# out: it never runs there.
set -eu
python=$1
environment=$2

if "$python" -c 'import sys; raise SystemExit(sys.version_info[:2] != (3, 13))'; then
    exit 0 # the main run is already on it
fi
found=$("$python" -m infra.tools.interpreters) || {
    echo "No Python 3.13 on this machine: the tests on the version of Lambda are skipped."
    exit 0
}
if [ ! "$environment/.installed" -nt requirements/dev.txt ]; then
    KOPRU_PYTHON=$found sh infra/tools/install.sh "$environment" requirements/dev.txt
fi
echo "Unit and packaging tests on $("$environment/bin/python" --version):"
PYTHONHASHSEED=0 "$environment/bin/python" -m pytest tests/unit tests/infra/test_packaging.py -q -n auto \
    --ignore=tests/unit/local -m "not slow and not browser and not deep and not e2e" -p no:cacheprovider
