"""The only reader of the environment."""

import ipaddress
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from core.errors import StartError, end

_REDIS = ("redis://", "rediss://", "unix://")
_DATABASES = ("postgresql://", "postgres://", "postgresql+psycopg2://", "sqlite:///")


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
    metrics_token: str = ""
    smtp_allow_private: bool = True
    forwarded_allow_ips: str = "127.0.0.1,::1"

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
    def is_public(self) -> bool:
        """Whether people reach the program by another address than one of this machine: then a proxy may stand here."""
        name = urlsplit(self.base_url).hostname
        return name is not None and not Settings(host=name).on_loopback

    @property
    def is_local(self) -> bool:
        """Whether only people at this machine reach the program."""
        return self.on_loopback and not self.is_public

    @property
    def address(self) -> str:
        """Where the web server listens."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def address_here(self) -> str:
        """The same as programs on this machine reach it."""
        return replace(self, host="127.0.0.1").address if self.host in ("", "0.0.0.0", "::") else self.address

    @property
    def sqlalchemy_url(self) -> str:
        """The database as SQLAlchemy wants it: the driver named, SQLite in ``data_dir`` by default."""
        url = self.database_url or f"sqlite:///{self.data_dir / 'campaigns.db'}"
        for prefix in ("postgres://", "postgresql://"):
            if url.startswith(prefix):
                return "postgresql+psycopg2://" + url[len(prefix) :]
        return url

    @property
    def sqlite_path(self) -> Path | None:
        """The file of the database; None where that is PostgreSQL."""
        url = make_url(self.sqlalchemy_url)
        return Path(url.database) if url.drivername == "sqlite" and url.database else None


def load(env: Mapping[str, str]) -> Settings:
    """Read ``env`` into Settings. Raises StartError with a sentence for a value that cannot work."""
    host, base_url = env.get("HOST", "127.0.0.1"), env.get("BASE_URL", "").rstrip("/")
    _check_base_url(base_url)
    local = Settings(host=host, base_url=base_url).is_local
    loaded = Settings(
        data_dir=Path(env.get("DATA_DIR") or "data"),
        database_url=env.get("DATABASE_URL", ""),
        redis_url=env.get("REDIS_URL", ""),
        secret_key=env.get("SECRET_KEY", ""),
        base_url=base_url,
        host=host,
        port=_port(env.get("PORT") or "8080"),
        worker=_one_of("WORKER", env.get("WORKER") or "embedded", ("embedded", "external")),
        signup=_one_of("SIGNUP", env.get("SIGNUP", ""), ("", "open", "closed")),
        metrics_token=env.get("METRICS_TOKEN", ""),
        smtp_allow_private=_yes_no("SMTP_ALLOW_PRIVATE", env.get("SMTP_ALLOW_PRIVATE", ""), local),
        forwarded_allow_ips=env.get("FORWARDED_ALLOW_IPS") or Settings.forwarded_allow_ips,
    )
    _check_proxies(loaded.forwarded_allow_ips)
    _check_database(loaded.database_url)
    if loaded.worker == "external" and not loaded.redis_url:
        raise StartError("WORKER=external needs REDIS_URL: without Redis the worker would not hear of new mail.")
    _check_redis(loaded.redis_url)
    if loaded.secret_key and len(loaded.secret_key) < 16:
        raise StartError("SECRET_KEY must have at least 16 characters; leave it empty to have one made.")
    if loaded.metrics_token and len(loaded.metrics_token) < 16:
        raise StartError("METRICS_TOKEN must have at least 16 characters; leave it empty for this machine only.")
    return loaded


def make_data_dir() -> None:
    """The folder DATA_DIR. Raises StartError where it cannot be made or written to."""
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        wrong = (error.strerror or str(error)).lower()
        raise StartError(
            f"DATA_DIR {folder} cannot be used: {wrong}. Set it to a folder that can be written."
        ) from None


def _check_database(url: str) -> None:
    """The URL itself is never said again: it may hold a password."""
    if url and not url.startswith(_DATABASES):
        kind = url.partition(":")[0] if "://" in url else ""
        given = f", not {kind[:40]}://" if kind else ""
        raise StartError(f"DATABASE_URL must start with postgresql:// (or be empty for SQLite in DATA_DIR){given}.")
    try:
        make_url(Settings(database_url=url).sqlalchemy_url)
    except (ArgumentError, ValueError):
        raise StartError("DATABASE_URL cannot be read: it is postgresql://user:password@host:port/database.") from None


def _check_redis(url: str) -> None:
    """Nor is this one said again."""
    if url and not url.startswith(_REDIS):
        raise StartError("REDIS_URL must start with redis://, rediss:// or unix://, as redis://host:6379/0.")


def _check_base_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_address = url.startswith(("http://", "https://")) and bool(parts.hostname)
    except ValueError:
        is_address = False
    if url and not is_address:
        raise StartError(f"BASE_URL must be an address that starts with http:// or https://, not {url!r}.")
    if url and (parts.path or parts.query or parts.fragment):
        raise StartError(
            f"BASE_URL must be a host of its own, as https://mail.example.com: the program cannot run below {url!r}."
        )


def _check_proxies(addresses: str) -> None:
    try:
        for address in addresses.split(",") if addresses != "*" else ():
            ipaddress.ip_network(address.strip())
    except ValueError as error:
        raise StartError(f"FORWARDED_ALLOW_IPS must be addresses or networks with commas between: {error}.") from None


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
    end(error)


def use(changed: Settings) -> None:
    """Replace the settings of this process (tests, benches)."""
    global settings
    settings = changed
