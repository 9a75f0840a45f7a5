"""Who is locked out: ``make reset-password EMAIL=anna@example.com`` prints a link that sets a new password, once."""

import sys

from core import config, db, errors, members, migrate
from core.errors import RuleError, StartError


def main() -> None:
    """Raises RuleError where there is no such account, or none was named; StartError without a database."""
    if len(sys.argv) != 2 or not sys.argv[1].strip():
        raise StartError("Name the account: make reset-password EMAIL=anna@example.com")
    file = config.settings.sqlite_path
    if file is not None and not file.exists():
        raise StartError(f"There is no database {file}. Set DATA_DIR as the program has it.")
    migrate.upgrade()
    with db.session() as session:
        token = members.reset_by_hand(session, sys.argv[1])
    print(f"Open this within {members.LINK_DAYS} days to set a new password; it works once:")
    print(f"{config.settings.base_url or config.settings.address_here}/welcome/{token}")
    if not config.settings.redis_url:  # nobody tells the program, where it runs
        print("Restart the program to close pages of this account that are open.")
    db.close()


if __name__ == "__main__":
    try:
        main()
    except RuleError as error:
        errors.end(error)
