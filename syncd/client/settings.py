"""What a listener has chosen: one value a key, on all devices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from syncd.client.done import Done
from syncd.client.draft import Draft
from syncd.client.json_like import JsonLike
from syncd.client.local_state import LocalState
from syncd.client.own_event import OwnEvent
from syncd.model.canonical import Json
from syncd.model.ids import key_part
from syncd.model.views.settings import settings_view
from syncd.protocol.client_session import OWN_STREAM


class Settings:
    """See the module's first line. A setting of one device alone has the key `<device>/<key>`."""

    def __init__(self, state: LocalState) -> None:
        self._state = state

    @property
    def all(self) -> dict[str, Json]:
        """Every setting by key."""
        with self._state.lock:
            return settings_view(self._state.replicas.get(OWN_STREAM).shown.of("settings"))

    def get(self, key: str, default: Json = None) -> Json:
        """One setting; `default` where it was never set, or is null."""
        with self._state.lock:
            cell = self._state.replicas.get(OWN_STREAM).shown.get(_key(key))
        return default if cell is None or cell.value is None else cell.value

    def set(self, key: str, value: JsonLike) -> Done:
        """Choose one thing. Use a key per thing chosen: two devices that change two keys both keep theirs."""
        return self.update({key: value})

    def update(self, settings: Mapping[str, JsonLike]) -> Done:
        """Choose several things at once."""
        with self._state.lock:
            before = {key: self.get(key) for key in settings}
            event = self._state.make(Draft("settings.changed", dict(settings)))

        def restore(event: OwnEvent, mine: AbstractSet[str]) -> Iterable[Draft]:
            back = {key: value for key, value in before.items() if _key(key) in mine}
            return [Draft("settings.changed", back)] if back else []

        return Done(self._state, [event], restore)


def _key(key: str) -> str:
    return f"settings/{key_part(key)}"
