from golden.dump import DUMP, dump_of_definitions


def test_what_exists_is_what_the_golden_dump_says() -> None:
    assert dump_of_definitions() == DUMP.read_text("utf-8"), "renew it: python tests/golden/dump.py"
