"""The tables are made from nothing, brought up to date, and fit PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable
from store_cases import NOW, begin, make_cells, make_outcomes, open_store, store_url

from capstan.errors import StoreError
from capstan.store import (
    RunState,
    Store,
    end_run,
    finish_batch,
    journal,
    list_runs,
    load_keys,
    migrate,
    read_images,
)
from capstan.store.tables import BATCH, METADATA, RUN


def test_the_migrations_make_exactly_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    with open_store(tmp_path) as store, store.read() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), METADATA)
        indexes = {index["name"]: index for index in inspect(connection).get_indexes("run")}

    assert differences == []
    assert "NOT dry_run" in str(indexes["uq_run_open"]["dialect_options"]["sqlite_where"])


def test_the_newest_migration_is_the_one_that_the_code_expects() -> None:
    folder = Path(migrate.__file__).parent / "migrations"

    assert ScriptDirectory(str(folder)).get_current_head() == migrate.HEAD


def test_a_store_opens_again_with_what_it_held(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        run = begin(store)

    with open_store(tmp_path) as store:
        assert list_runs(store) == (run,)


def test_a_store_that_is_up_to_date_opens_without_alembic(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    code = (
        "import sys; from pathlib import Path; from capstan.store import Store, load_keys;"
        "Store.open(sys.argv[1], load_keys(None, home=Path(sys.argv[2]))).close();"
        "print('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", code, store_url(tmp_path), str(tmp_path)]
    root = Path(__file__).parents[2]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)

    assert result.stdout == "False\n"


def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    with open_store(tmp_path) as store, store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StoreError, match="A newer Capstan made this store"):
        open_store(tmp_path)


def test_the_guard_against_two_open_runs_is_written_for_postgresql_too() -> None:
    guard = next(index for index in RUN.indexes if index.name == "uq_run_open")
    statements = [CreateTable(table) for table in METADATA.sorted_tables] + [CreateIndex(guard)]
    compiled = [str(statement.compile(dialect=postgresql.dialect())) for statement in statements]

    assert compiled[-1].endswith("WHERE state IN ('open', 'writing') AND NOT dry_run")
    assert not any("TIMESTAMP WITHOUT TIME ZONE" in statement for statement in compiled)
    assert any("TIMESTAMP WITH TIME ZONE" in statement for statement in compiled)


def test_a_store_of_the_first_version_is_brought_up_to_date_with_all_that_it_holds(
    tmp_path: Path,
) -> None:
    make_first_version(tmp_path)

    with open_store(tmp_path) as store:
        (run,) = list_runs(store)
        images = read_images(store, run)
        with store.read() as connection:
            differences = compare_metadata(MigrationContext.configure(connection), METADATA)

    assert (run.state, run.basis, run.expires_at) == ("done", None, None)
    assert images[["before", "action"]].to_numpy().tolist() == [["71", "import"], ["82", "import"]]
    assert images["form_saved"].all()
    assert differences == []


def make_first_version(folder: Path) -> None:
    """A store as the first version left it: one finished run, and none of the later columns and tables."""
    cells = make_cells("71", "82")
    with open_store(folder) as store:
        run = begin(store)
        number = journal(store, run, cells=cells, overwrite=False, now=NOW)
        finish_batch(store, run, batch=number, outcomes=make_outcomes(cells, "written", "written"), now=NOW)
        end_run(store, run, state=RunState.DONE, now=NOW)
        with store.write() as connection:
            old_image = store.seal(cells.drop(columns="form_saved"))
            connection.execute(update(BATCH).values(image=old_image))
        migrate.migrate_to(store.engine, "0001")


def test_tables_go_back_and_forward_through_all_versions_without_losing_a_run(
    url: str, tmp_path: Path
) -> None:
    cells = make_cells("71", "82")
    with Store.open(url, load_keys(None, home=tmp_path)) as store:
        run = begin(store)
        number = journal(store, run, cells=cells, overwrite=False, now=NOW)
        finish_batch(store, run, batch=number, outcomes=make_outcomes(cells, "written", "written"), now=NOW)
        run = end_run(store, run, state=RunState.DONE, now=NOW)
        seen = []
        for version in (*reversed(migrate.known_versions()), *migrate.known_versions()):
            migrate.migrate_to(store.engine, version)
            with store.read() as connection:
                seen.append(migrate.version_of(connection))
        with store.read() as connection:
            differences = compare_metadata(MigrationContext.configure(connection), METADATA)
        images = read_images(store, run)

        assert seen == [*reversed(migrate.known_versions()), *migrate.known_versions()]
        assert differences == []
        assert list_runs(store) == (run,)
        assert images["before"].tolist() == ["71", "82"]
