def test_x(postgres_url, tmp_path):
    from capstan.store import Store, load_keys
    with Store.open(postgres_url, load_keys(None, home=tmp_path)) as s:
        assert s.is_current()
