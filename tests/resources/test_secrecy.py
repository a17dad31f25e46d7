import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.secrecy import hide, secrets_of, without_secrets

secrets = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8).map(
    "s3cr3t{}".format
)
PLAIN = [
    "s3://bucket/events/2025-0?-*.json",
    "abfss://c@account.dfs.core.windows.net/a",
    "/a;b?c=d",
]


@pytest.mark.parametrize("address", [*PLAIN, "sc://host:15002", "local[*]", "https://host:8/a@b"])
def test_an_address_without_secrets_stays_as_it_is(address: str) -> None:
    assert without_secrets(address) == address
    assert secrets_of(address, {"spark.sql.shuffle.partitions": "64000"}) == frozenset()


@given(secrets)
def test_no_parameter_of_an_address_is_shown(secret: str) -> None:
    for address in (f"sc://host/;use_ssl=true;token={secret}", f"https://host/a?sig={secret}"):
        assert secret not in without_secrets(address)


@given(secrets)
def test_no_text_repeats_a_secret(secret: str) -> None:
    known = secrets_of("local[*]", {"spark.hadoop.fs.s3a.secret.key": secret})
    assert secret not in hide(f"The value '{secret}' is not allowed", known)


def test_passwords_in_addresses_among_the_settings_are_secret() -> None:
    known = secrets_of(
        "sc://a:pass-1@host/;token=pass/4=", {"spark.x": "https://b:pass-2@host/?sig=pass%203"}
    )
    told = "pass-1, pass-2, pass%203, pass 3, pass/4="
    assert hide(told, known) == "***, ***, ***, ***, ***"
