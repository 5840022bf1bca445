"""Events and messages as JSON, under wire names that are written by hand.

Old versions are read through upcasters, pure functions from one version's fields to the next; a name that nothing
knows is refused before any `evolve` sees it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

Upcaster = Callable[[dict[str, Any]], tuple[str, dict[str, Any]]]


class UnknownType(Exception):
    """No code here reads this wire name: a newer release wrote it, or it is not ours."""


class Undecodable(Exception):
    """The bytes are not what the wire name promises."""


class Codec:
    """Turns records into (wire name, JSON bytes) and back."""

    def __init__(self, *registries: Mapping[str, type], upcasters: Mapping[str, Upcaster] | None = None) -> None:
        self._encoder = msgspec.json.Encoder()
        self._upcasters = dict(upcasters or {})
        self._names: dict[type, str] = {}
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {}
        self._types: dict[str, type] = {}
        for registry in registries:
            for name, kind in registry.items():
                if self._types.get(name, kind) is not kind:
                    raise ValueError(f"the wire name {name} stands for two types")
                self._types[name] = kind
                self._names[kind] = name
                self._decoders[name] = msgspec.json.Decoder(kind)

    def encode(self, value: object) -> tuple[str, bytes]:
        """Return wire name and JSON of a registered record; raises UnknownType for any other."""
        name = self._names.get(type(value))
        if name is None:
            raise UnknownType(type(value).__name__)
        return name, self._encoder.encode(value)

    def decode(self, name: str, payload: bytes | str) -> Any:
        """Return the record, upcast to the version that the code knows; raises UnknownType, Undecodable."""
        decoder = self._decoders.get(name)
        try:
            if decoder is not None:
                return decoder.decode(payload)
            if name not in self._upcasters:
                raise UnknownType(name)
            fields = msgspec.json.decode(payload)
            while name in self._upcasters:
                name, fields = self._upcasters[name](fields)
            if name not in self._types:
                raise UnknownType(name)
            return msgspec.convert(fields, self._types[name])
        except msgspec.MsgspecError as problem:
            raise Undecodable(f"{name}: {problem}") from problem
