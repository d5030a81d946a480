"""The context: Great Expectations' own files, made from code for each judgement, and its checkpoint."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import great_expectations
from great_expectations.checkpoint import Checkpoint, UpdateDataDocsAction
from great_expectations.core import ExpectationSuiteValidationResult, ValidationDefinition
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context import FileDataContext
from great_expectations.datasource.fluent import PandasDatasource

from capstan.errors import CapstanError
from capstan.expectations.assets import ROW, Asset
from capstan.expectations.suites import suite_of
from capstan.quality.outcome import Outcome

# Counts only. COMPLETE would list the place of each row besides: five times the time, and if the answer
# names a row, the gate has said so already.
SAFE: Mapping[str, Any] = MappingProxyType(
    {
        "result_format": "SUMMARY",
        "partial_unexpected_count": 0,
        "exclude_unexpected_values": True,
        "return_unexpected_index_query": False,
    }
)
OPEN: Mapping[str, Any] = MappingProxyType(
    {
        "result_format": "COMPLETE",
        "unexpected_index_column_names": [ROW],
        "partial_unexpected_count": 20,
        "return_unexpected_index_query": False,
    }
)

_SITE = "pages"


@dataclass(frozen=True, eq=False)
class Judged:
    """An asset with the results of its suite, what could not be asked, and the raw pages of both."""

    asset: Asset
    unmade: list[Outcome]
    result: ExpectationSuiteValidationResult
    result_page: Path
    suite_page: Path


def judge_assets(
    assets: Iterable[Asset], *, folder: Path, at: datetime, result_format: Mapping[str, Any] = SAFE
) -> tuple[list[Judged], list[Outcome]]:
    """Judge each asset by its suite, in a new context in a folder that exists and is empty.

    A question that breaks the whole judgement of its asset is found by halves, so that the others are judged;
    the outcomes are of those.
    """
    # Its log quotes exceptions, and exceptions quote values.
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)
    (folder / "great_expectations.yml").write_text(json.dumps(_configuration()), encoding="utf-8")
    context = great_expectations.get_context(mode="file", context_root_dir=str(folder))
    source = context.data_sources.add_pandas("frames")
    left = list(assets)[::-1]
    judged: list[Judged] = []
    broken: list[Outcome] = []
    while left:
        asset = left.pop()
        try:
            judged.append(_judge(context, asset, source=source, at=at, result_format=result_format))
        except (CapstanError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever escapes from metrics; its text may quote values
            left += asset.halves()[::-1]
            if len(asset.questions) == 1:
                name = asset.questions[0].expected.id
                broken.append(Outcome(name, "raised", why=type(error).__name__))
    return judged, broken


def _judge(
    context: FileDataContext,
    asset: Asset,
    *,
    source: PandasDatasource,
    at: datetime,
    result_format: Mapping[str, Any],
) -> Judged:
    suite, unmade = suite_of(asset)
    batch = source.add_dataframe_asset(asset.name).add_batch_definition_whole_dataframe("whole")
    definition = context.validation_definitions.add(
        ValidationDefinition(name=asset.name, data=batch, suite=context.suites.add(suite))
    )
    checkpoint = context.checkpoints.add(
        Checkpoint(
            name=asset.name,
            validation_definitions=[definition],
            actions=[UpdateDataDocsAction(name="pages", site_names=[_SITE])],
            result_format=dict(result_format),
        )
    )
    ran = checkpoint.run(
        batch_parameters={"dataframe": asset.frame},
        run_id=RunIdentifier(run_name=asset.name, run_time=at),
    )
    (result,) = ran.run_results.values()
    pages = Path(context.root_directory) / _SITE
    (page,) = (pages / "validations" / asset.name).rglob("*.html")
    return Judged(asset, unmade, result, page, pages / "expectations" / f"{asset.name}.html")


def _configuration() -> dict[str, Any]:
    """The context's configuration: files beside it, nothing told to anybody, no progress bars."""
    stores = {
        "expectations_store": ("ExpectationsStore", "expectations"),
        "validation_results_store": ("ValidationResultsStore", "validations"),
        "checkpoint_store": ("CheckpointStore", "checkpoints"),
        "validation_definition_store": ("ValidationDefinitionStore", "validation_definitions"),
    }
    return {
        "config_version": 4.0,
        "analytics_enabled": False,
        "progress_bars": {"globally": False},
        "stores": {
            name: {"class_name": kind, "store_backend": _files(base)} for name, (kind, base) in stores.items()
        },
        "expectations_store_name": "expectations_store",
        "validation_results_store_name": "validation_results_store",
        "checkpoint_store_name": "checkpoint_store",
        "data_docs_sites": {
            _SITE: {
                "class_name": "SiteBuilder",
                "show_how_to_buttons": False,
                "store_backend": _files(_SITE),
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            }
        },
    }


def _files(base: str) -> dict[str, str]:
    return {"class_name": "TupleFilesystemStoreBackend", "base_directory": f"{base}/"}
