"""A worker process for the scaled-out way to run: needs DATABASE_URL and REDIS_URL (see README)."""

from core import config, errors
from core.errors import StartError
from jobs import runner


def main() -> None:
    """Run until SIGTERM."""
    try:
        config.make_data_dir()
        runner.run_worker()
    except StartError as error:
        errors.end(error)
    except KeyboardInterrupt:
        errors.interrupted()


if __name__ == "__main__":
    main()
