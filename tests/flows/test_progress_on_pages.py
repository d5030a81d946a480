"""Progress on Prefect's pages, where its server does not answer."""

from __future__ import annotations

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from capstan import progress
from capstan.progress import listening, working
from tasks.progress import PREFECT


# No run is open here, which is another reason for a page to be missing.
@pytest.mark.filterwarnings("ignore:Artifact creation outside of a flow")
def test_a_server_that_does_not_answer_stops_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0.0)
    nobody = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    done = 0

    with temporary_settings(nobody), listening(PREFECT), working("write cells", 2) as advance:
        for _ in range(2):
            advance(1)
            done += 1

    assert done == 2
