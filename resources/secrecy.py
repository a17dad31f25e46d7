"""Addresses and settings as they may be shown: without passwords, tokens and signatures."""

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

HIDDEN = "***"
_USER = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)")
# A `?` without a value behind it belongs to a glob.
_PARAMETERS = re.compile(r"/?;.*|\?[^?=]*=.*", re.DOTALL)
_SECRET_SETTING = re.compile(r"secret|password|token|key|credential", re.IGNORECASE)
_SHORTEST_SECRET = 4


def without_secrets(address: str) -> str:
    """An address without user, password and parameters.

    >>> without_secrets("sc://host:443/;token=abc")
    'sc://host:443'
    >>> without_secrets("https://me:pass@host/a?sig=abc")
    'https://***@host/a'
    """
    if "://" not in address:
        return address
    return _PARAMETERS.sub("", _USER.sub(HIDDEN, address), count=1)


def secrets_of(address: str, settings: Mapping[str, str]) -> frozenset[str]:
    """What no text may repeat of an address and of settings, by whose name they are secret."""
    found = {*_parts(address), *(v for k, v in settings.items() if _SECRET_SETTING.search(k))}
    found |= {part for value in settings.values() for part in _parts(value)}
    return frozenset(secret for secret in found if len(secret) >= _SHORTEST_SECRET)


def hide(text: str, secrets: Iterable[str]) -> str:
    """The text with each secret replaced, the longest first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _parts(address: str) -> Iterator[str]:
    if without_secrets(address) == address:
        return
    user, parameters = _USER.search(address), _PARAMETERS.search(address)
    if user:
        yield from (user[0], *user[0].split(":", 1))
    for parameter in re.split(r"[;&]", parameters[0].lstrip("/;?")) if parameters else ():
        value = parameter.partition("=")[2]
        yield from (parameter, value, unquote(value))
