"""Which streams are an account's."""

from __future__ import annotations

from syncd.accounts import Accounts
from syncd.model.ids import AccountId, account_stream
from syncd.store.port import WriterRegistry


async def streams_of(accounts: Accounts, store: WriterRegistry, account: str) -> list[str]:
    """The account's stream, then the playlists that it owns. `account`: its id or name.

    Raises:
        NotFound: there is no such account.
        StoreUnavailable: no answer.
    """
    found = AccountId((await accounts.find(account)).account)
    return [account_stream(found), *await store.streams_owned(found)]
