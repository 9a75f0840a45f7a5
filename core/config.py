"""The only reader of the environment."""

import ipaddress
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import StartError


@dataclass(frozen=True)
class Settings:
    """All settings of the program. Each environment variable has the field's name in capitals."""

    data_dir: Path = Path("data")
    database_url: str = ""
    redis_url: str = ""
    secret_key: str = ""
    base_url: str = ""
    host: str = "127.0.0.1"
    port: int = 8080
    worker: str = "embedded"
    signup: str = ""
    smtp_allow_private: bool = True

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the web server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def sqlalchemy_url(self) -> str:
        """The database as SQLAlchemy wants it: the driver named, SQLite in ``data_dir`` by default."""
        url = self.database_url or f"sqlite:///{self.data_dir / 'campaigns.db'}"
        for prefix in ("postgres://", "postgresql://"):
            if url.startswith(prefix):
                return "postgresql+psycopg2://" + url[len(prefix) :]
        return url


def load(env: Mapping[str, str]) -> Settings:
    """Read ``env`` into Settings. Raises StartError with a sentence for a value that cannot work."""
    host = env.get("HOST", "127.0.0.1")
    loopback = Settings(host=host).on_loopback
    loaded = Settings(
        data_dir=Path(env.get("DATA_DIR") or "data"),
        database_url=env.get("DATABASE_URL", ""),
        redis_url=env.get("REDIS_URL", ""),
        secret_key=env.get("SECRET_KEY", ""),
        base_url=env.get("BASE_URL", "").rstrip("/"),
        host=host,
        port=_port(env.get("PORT") or "8080"),
        worker=_one_of("WORKER", env.get("WORKER") or "embedded", ("embedded", "external")),
        signup=_one_of("SIGNUP", env.get("SIGNUP", ""), ("", "open", "closed")),
        smtp_allow_private=_yes_no("SMTP_ALLOW_PRIVATE", env.get("SMTP_ALLOW_PRIVATE", ""), loopback),
    )
    if loaded.worker == "external" and not loaded.redis_url:
        raise StartError("WORKER=external needs REDIS_URL: without Redis the worker would not hear of new mail.")
    if loaded.base_url and not loaded.base_url.startswith(("http://", "https://")):
        raise StartError(f"BASE_URL must start with http:// or https://, not {loaded.base_url!r}.")
    if loaded.secret_key and len(loaded.secret_key) < 16:
        raise StartError("SECRET_KEY must have at least 16 characters; leave it empty to have one made.")
    return loaded


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise StartError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise StartError(f"{name} must be one of {', '.join(filter(None, allowed))}, not {value!r}.")
    return value


def _yes_no(name: str, value: str, default: bool) -> bool:
    if not value:
        return default
    if value.lower() in ("1", "yes", "true", "on"):
        return True
    if value.lower() in ("0", "no", "false", "off"):
        return False
    raise StartError(f"{name} must be yes or no, not {value!r}.")


try:
    settings = load(os.environ)
except StartError as error:
    sys.exit(str(error))


def use(changed: Settings) -> None:
    """Replace the settings of this process (tests, benches)."""
    global settings
    settings = changed
