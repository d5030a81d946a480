"""References of participants: the same in one store, of use in no other, and never anything like an id."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from capstan.store import Store, load_keys
from tasks.references import REFERENCE, reference_of

PROJECT = ("redcap.example.org", 14)


def open_store(folder: Path, key: str) -> Store:
    return Store.open(f"sqlite:///{folder / 'store.sqlite'}", load_keys(SecretStr(key), home=folder))


@pytest.fixture
def key() -> str:
    return Fernet.generate_key().decode()


def test_a_record_has_the_same_reference_whenever_the_store_is_opened(tmp_path: Path, key: str) -> None:
    newer = f"{Fernet.generate_key().decode()},{key}"

    with open_store(tmp_path, key) as store:
        first = reference_of(store, project=PROJECT, record="7")
    with open_store(tmp_path, newer) as store:
        second = reference_of(store, project=PROJECT, record="7")

    assert first == second
    assert re.fullmatch(REFERENCE, first)


def test_other_records_projects_and_stores_give_other_references(tmp_path: Path, key: str) -> None:
    (tmp_path / "other").mkdir()
    with open_store(tmp_path, key) as store, open_store(tmp_path / "other", key) as other:
        found = [
            reference_of(store, project=PROJECT, record="7"),
            reference_of(store, project=PROJECT, record="8"),
            reference_of(store, project=("redcap.example.org", 15), record="7"),
            reference_of(store, project=("other.example.org", 14), record="7"),
            reference_of(other, project=PROJECT, record="7"),
        ]

    assert len(set(found)) == len(found)


def test_ids_that_redcap_takes_for_one_have_one_reference(tmp_path: Path, key: str) -> None:
    with open_store(tmp_path, key) as store:
        found = {reference_of(store, project=PROJECT, record=one) for one in ("ab-7", "AB-7", " Ab-7 ")}

    assert len(found) == 1


def test_many_records_have_each_a_reference_of_their_own(tmp_path: Path, key: str) -> None:
    with open_store(tmp_path, key) as store:
        found = {reference_of(store, project=PROJECT, record=str(one)) for one in range(20_000)}

    assert len(found) == 20_000
    assert len({letter for one in found for letter in one}) == 20  # all letters, and the hyphen


@pytest.mark.parametrize(
    "text", ["7", "TFT-0007", "annesmith", "Ann Lee", "anne-mary-smit", "AAAA-BBBB-CCCC"]
)
def test_neither_an_id_nor_a_name_looks_like_a_reference(text: str) -> None:
    assert not re.search(REFERENCE, text)
