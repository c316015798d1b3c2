"""Reversible tokens: deterministic, authenticated, and naming the key that made them.

AES-SIV (RFC 5297): the same value under the same key gives the same token, so that joins and
uniqueness survive; a token altered in one bit is refused. Determinism is the price: equal values
can be seen to be equal.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

from sfctl.errors import SfctlError
from sfctl.runtime.pii.keys import KeyRing

TOKEN = re.compile(r"tok_([0-9a-f]{8})_([A-Za-z0-9_-]{22,})")


class Tokenizer:
    """Turns values into tokens with the active key, and back with whichever key made them."""

    def __init__(self, ring: KeyRing) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        self._ciphers = {key.id: AESSIV(key.secret) for key in ring.keys}
        self._active = self._ciphers[ring.active.id]
        self._prefix = f"tok_{ring.active.id}_"

    def token(self, value: str, kind: str = "") -> str:
        """Return the token of `value`; `kind` is authenticated but not stored."""
        sealed = self._active.encrypt(value.encode(), [kind.encode()])
        return self._prefix + base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def opened(self, token: str, kinds: Sequence[str]) -> tuple[str, str]:
        """Return what `token` stands for and its kind, tried one after the other, as `value`."""
        for kind in kinds[:-1]:
            try:
                return self.value(token, kind), kind
            except SfctlError as error:
                if error.code != "SF453" or error.__cause__ is None:
                    raise
        return self.value(token, kinds[-1]), kinds[-1]

    def value(self, token: str, kind: str = "") -> str:
        """Return what `token` stands for. Raises SfctlError SF452 or SF453."""
        match = TOKEN.fullmatch(token)
        if match is None:
            raise SfctlError("not a token", code="SF453")
        cipher = self._ciphers.get(match[1])
        if cipher is None:
            raise SfctlError(
                f"no key {match[1]} among the PII keys",
                hint="add the old key after the active one in the key file or variable",
                code="SF452",
            )
        text = match[2]
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            return cipher.decrypt(sealed, [kind.encode()]).decode()
        except Exception as error:
            raise SfctlError("the token was altered or is of another kind", code="SF453") from error
