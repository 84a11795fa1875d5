from benchmarks._arguments import DATA, chosen, default_data, parser


def test_defaults_and_choices():
    made = parser("About.", problems=["synthetic-70", "synthetic-30"], seeds=5)
    options = made.parse_args([])
    assert [one.declared.name for one in chosen(options)] == ["synthetic-70", "synthetic-30"]
    assert (options.seeds, options.quick) == (5, False)
    options = made.parse_args(["--problem", "synthetic-85", "--seeds", "2", "--quick"])
    assert [one.declared.name for one in chosen(options)] == ["synthetic-85"]
    assert (options.seeds, options.quick) == (2, True)


def test_where_data_lie(monkeypatch, tmp_path):
    monkeypatch.setenv(DATA, str(tmp_path))
    assert default_data() == tmp_path
    monkeypatch.delenv(DATA)
    assert default_data().parts[-2:] == ("shared", "data")
