"""Before-images, outcomes, watermarks and retention."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from store_cases import (
    NASTY,
    NOW,
    begin,
    bytes_on_disk,
    make_cells,
    make_outcomes,
    make_verdicts,
    open_store,
)

from capstan.errors import Refused, StoreError
from capstan.store import (
    IMAGE_COLUMNS,
    BatchState,
    Run,
    RunState,
    Store,
    end_run,
    find_run,
    finish_batch,
    hold_run,
    journal,
    list_batches,
    mark_sent,
    purge,
    read_held_plan,
    read_images,
    read_verdicts,
    read_watermark,
    record_gate,
    write_watermark,
)

CELLS = make_cells("71", "82")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def write(store: Store, cells: pd.DataFrame = CELLS, **changes: object) -> Run:
    """A whole run: gate, journal, import, read-back, end."""
    run = begin(store, **changes)
    now = run.started_at
    gate = {"decision": "APPLY", "plan_digest": "d1", "counts": {"cells_planned": len(cells)}}
    record_gate(store, run, verdicts=make_verdicts("planted-verdict"), now=now, **gate)
    batch = journal(store, run, cells=cells, overwrite=True, now=now)
    mark_sent(store, run, batch=batch, now=now)
    finish_batch(store, run, batch=batch, outcomes=make_outcomes(cells, *["written"] * len(cells)), now=now)
    return end_run(store, run, state=RunState.DONE, now=now)


def test_images_come_back_exactly_whatever_they_hold(store: Store) -> None:
    cells = make_cells(*NASTY)
    run = begin(store)
    journal(store, run, cells=cells, overwrite=True, now=NOW)

    images = read_images(store, run)
    assert list(images.columns) == list(IMAGE_COLUMNS)
    assert images["before"].tolist() == list(NASTY)
    assert images["row_existed"].tolist() == cells["row_existed"].tolist()
    assert images["form_saved"].tolist() == cells["form_saved"].tolist()
    assert images.dtypes[["before", "row_existed", "form_saved"]].astype("str").tolist() == [
        "str",
        "bool",
        "bool",
    ]
    assert images[["batch", "overwrite", "outcome"]].drop_duplicates().values.tolist() == [[1, True, ""]]


def test_categories_come_back_as_text(store: Store) -> None:
    run = begin(store)
    journal(store, run, cells=CELLS.astype({"event": "category"}), overwrite=False, now=NOW)

    assert str(read_images(store, run)["event"].dtype) == "str"


def test_a_run_without_batches_has_images_of_the_same_shape(store: Store) -> None:
    empty = read_images(store, begin(store, study="other"))
    full = read_images(store, write(store))

    assert empty.empty
    assert empty.dtypes.equals(full.dtypes)


def test_batches_are_numbered_and_counted(store: Store) -> None:
    run = begin(store)
    wide = pd.concat([CELLS, CELLS.assign(field="height")])
    numbers = [journal(store, run, cells=cells, overwrite=False, now=NOW) for cells in (CELLS, wide)]

    batches = list_batches(store, run)
    assert numbers == [batch.number for batch in batches] == [1, 2]
    assert [(batch.cells, batch.rows) for batch in batches] == [(2, 2), (4, 2)]
    assert find_run(store, run.id).state is RunState.WRITING


def test_a_batch_goes_from_journaled_to_sent_to_verified(store: Store) -> None:
    run = begin(store)
    number = journal(store, run, cells=CELLS, overwrite=False, now=NOW)
    seen = [list_batches(store, run)[0]]
    mark_sent(store, run, batch=number, now=NOW + timedelta(seconds=1))
    seen.append(list_batches(store, run)[0])
    outcomes = make_outcomes(CELLS, "written", "written")
    finish_batch(store, run, batch=number, outcomes=outcomes, now=NOW + timedelta(seconds=2))
    seen.append(list_batches(store, run)[0])

    assert [batch.state for batch in seen] == [BatchState.JOURNALED, BatchState.SENT, BatchState.VERIFIED]
    assert [(seen[2].sent_at - NOW).seconds, (seen[2].finished_at - NOW).seconds] == [1, 2]


def test_a_batch_is_sent_once(store: Store) -> None:
    run = begin(store)
    number = journal(store, run, cells=CELLS, overwrite=False, now=NOW)
    mark_sent(store, run, batch=number, now=NOW)

    with pytest.raises(StoreError, match=r"Batch 1 of run .* is sent, so it cannot become sent"):
        mark_sent(store, run, batch=number, now=NOW)


def test_outcomes_find_their_cells_in_any_order(store: Store) -> None:
    run = begin(store)
    number = journal(store, run, cells=CELLS, overwrite=False, now=NOW)
    outcomes = make_outcomes(CELLS, "moved_on", "written").iloc[::-1]
    finish_batch(store, run, batch=number, outcomes=outcomes, now=NOW)

    images = read_images(store, run)
    assert dict(zip(images["before"], images["outcome"], strict=True)) == {"71": "moved_on", "82": "written"}


@pytest.mark.parametrize(
    "outcomes",
    [
        make_outcomes(CELLS, "written", "written").head(1),
        make_outcomes(CELLS, "written", "perhaps"),
        make_outcomes(CELLS, "written", "written").assign(record="elsewhere"),
        pd.concat([make_outcomes(CELLS, "written", "written")] * 2),
    ],
    ids=["too few", "of no known kind", "of other cells", "twice"],
)
def test_outcomes_that_do_not_fit_their_batch_change_nothing(store: Store, outcomes: pd.DataFrame) -> None:
    run = begin(store)
    number = journal(store, run, cells=CELLS, overwrite=False, now=NOW)

    with pytest.raises(StoreError, match="do not fit batch 1"):
        finish_batch(store, run, batch=number, outcomes=outcomes, now=NOW)
    assert list_batches(store, run)[0].state is BatchState.JOURNALED


def test_an_unresolved_batch_can_be_settled_after_its_run_has_ended(store: Store) -> None:
    run = begin(store)
    number = journal(store, run, cells=CELLS, overwrite=False, now=NOW)
    finish_batch(store, run, batch=number, outcomes=None, now=NOW)
    ended = end_run(store, run, state=RunState.PARTLY, now=NOW)
    outcomes = make_outcomes(CELLS, "written", "not_written")
    finish_batch(store, ended, batch=number, outcomes=outcomes, now=NOW)

    assert list_batches(store, run)[0].state is BatchState.VERIFIED
    assert read_images(store, run)["outcome"].tolist() == ["written", "not_written"]


def test_an_unknown_batch_is_an_error(store: Store) -> None:
    run = begin(store)
    journal(store, run, cells=CELLS, overwrite=False, now=NOW)

    with pytest.raises(StoreError, match=r"Batch 7 of run .* is not in this store"):
        mark_sent(store, run, batch=7, now=NOW)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (CELLS.drop(columns="before"), "lack the columns before"),
        (CELLS.drop(columns="row_existed"), "lack the columns row_existed"),
        (CELLS.assign(before=[71, 82]), "else than text .* in before"),
        (CELLS.assign(before=["71", None]), "else than text .* in before"),
        (CELLS.assign(row_existed="1"), "else than text .* in row_existed"),
        (CELLS.drop(columns="form_saved"), "lack the columns form_saved"),
        (pd.concat([CELLS, CELLS.head(1)]), "this one has 3, 1 of them repeated"),
        (CELLS.head(0), "this one has 0"),
        (CELLS.assign(before=pd.Series(["71", "\ud800"], dtype=object)), "not valid Unicode"),
    ],
    ids=[
        "no before",
        "no flag",
        "numbers",
        "missing value",
        "flag of text",
        "no other flag",
        "repeated",
        "empty",
        "surrogate",
    ],
)
def test_cells_that_could_not_be_put_back_are_not_journaled(store: Store, cells, reason: str) -> None:
    run = begin(store)

    with pytest.raises(StoreError, match=reason) as caught:
        journal(store, run, cells=cells, overwrite=False, now=NOW)
    assert "71" not in str(caught.value)
    assert find_run(store, run.id).state is RunState.OPEN


def test_a_watermark_is_what_was_written_last_for_its_study_and_name(store: Store) -> None:
    for study, value in (("demo", "2026-11-01"), ("demo", "2026-11-02"), ("other", "2026-10-01")):
        write_watermark(store, study, name="export", value=value, now=NOW)

    assert read_watermark(store, "demo", name="export") == "2026-11-02"
    assert read_watermark(store, "demo", name="messages") is None


def test_purging_deletes_data_and_keeps_counts(store: Store) -> None:
    old, young = write(store), write(store, now=NOW + timedelta(days=30))
    count = purge(store, before=NOW + timedelta(days=1), now=NOW + timedelta(days=31))

    kept = find_run(store, old.id)
    assert count == 1
    assert (kept.counts, kept.purged_at) == (old.counts, NOW + timedelta(days=31))
    assert list_batches(store, old)[0].cells == 2
    for read in (read_images, read_verdicts):
        with pytest.raises(Refused, match="retention"):
            read(store, old)
        assert len(read(store, young)) > 0


def test_purging_spares_open_runs_and_other_studies(store: Store) -> None:
    writing = begin(store)
    journal(store, writing, cells=CELLS, overwrite=False, now=NOW)
    other = write(store, study="other")
    count = purge(store, before=NOW + timedelta(days=1), now=NOW, study="demo")

    assert count == 0
    assert len(read_images(store, writing)) == len(read_images(store, other)) == 2


def test_a_purged_plan_is_no_longer_there_to_approve(store: Store) -> None:
    run = begin(store)
    record_gate(store, run, decision="HOLD", plan_digest="d1", counts={}, verdicts=make_verdicts(), now=NOW)
    hold_run(store, run, plan=CELLS[["record"]], basis={}, expires_at=NOW, note="", now=NOW)
    purge(store, before=NOW + timedelta(days=1), now=NOW)

    with pytest.raises(Refused, match="Run the flow again"):
        read_held_plan(store, "d1")


def test_purged_bytes_are_gone_from_the_disk(store: Store, tmp_path: Path) -> None:
    write(store, cells=make_cells(*(str(number) for number in range(2000))))
    with store.read() as connection:
        image = connection.exec_driver_sql("SELECT image FROM batch").scalar_one()
    # From pages of its own, which a deletion frees; sealed bytes are chance, so no other row holds them.
    piece = image[-300:-200]
    seen_before = piece in bytes_on_disk(tmp_path)
    purge(store, before=NOW + timedelta(days=1), now=NOW)

    assert seen_before
    assert piece not in bytes_on_disk(tmp_path)
