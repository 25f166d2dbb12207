"""``python -m infra.local``, which is what ``./kopru`` runs."""

import sys

from infra.local.cli import main

if __name__ == "__main__":
    sys.exit(main())
