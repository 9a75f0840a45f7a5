"""A worker process for the scaled-out way to run: needs DATABASE_URL and REDIS_URL (see README)."""

import sys

from core.errors import StartError
from jobs import runner


def main() -> None:
    """Run until SIGTERM."""
    try:
        runner.run_worker()
    except StartError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
