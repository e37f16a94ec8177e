"""Linking and signing out devices over HTTP."""

from __future__ import annotations

import pytest
from api_under_test import Api

from syncd.api import device_routes


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_a_device_links_another_one_of_its_account(api: Api) -> None:
    phone = api.linked()
    answer = api.get("/v1/devices?name=Kitchen%20radio", bearer(phone.token), method="POST")
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    made = answer.json()
    assert (made["name"], made["account"]) == ("Kitchen radio", phone.account)
    assert api.get("/v1/state", bearer(made["token"])).json()["account"] == phone.account


def test_a_device_signs_another_one_out_for_good(api: Api) -> None:
    phone = api.linked()
    made = api.get("/v1/devices?name=Kitchen", bearer(phone.token), method="POST").json()
    for _ in range(2):
        answer = api.get(f"/v1/devices/{made['device']}", bearer(phone.token), method="DELETE")
        assert (answer.status_code, answer.json()) == (200, {"device": made["device"], "revoked": True})
    assert api.get("/v1/state", bearer(made["token"])).json()["error"]["code"] == "login_revoked"
    assert api.get("/v1/state", bearer(phone.token)).status_code == 200


def test_a_device_of_another_account_is_not_there(api: Api) -> None:
    mine, theirs = api.linked("ada"), api.linked("bob")
    answer = api.get(f"/v1/devices/{theirs.device}", bearer(mine.token), method="DELETE")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert api.get("/v1/state", bearer(theirs.token)).status_code == 200


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/devices?name=x"), ("DELETE", "/v1/devices/d1")])
@pytest.mark.parametrize("headers", [{}, bearer("syncd_nobody"), bearer("x" * 513)])
def test_nothing_changes_without_a_login(api: Api, method: str, path: str, headers: dict[str, str]) -> None:
    assert api.get(path, headers, method=method).status_code == 401


@pytest.mark.parametrize(("query", "status"), [("", 400), ("?name=", 400), (f"?name={'x' * 201}", 400)])
def test_a_device_needs_a_name_that_people_can_read(api: Api, query: str, status: int) -> None:
    assert api.get(f"/v1/devices{query}", bearer(api.linked().token), method="POST").status_code == status


def test_an_account_has_a_bounded_number_of_devices(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_routes, "LINKED_DEVICES_MAX", 2)
    phone = api.linked()
    made = api.get("/v1/devices?name=a", bearer(phone.token), method="POST").json()
    refused = api.get("/v1/devices?name=b", bearer(phone.token), method="POST")
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "limit")
    api.get(f"/v1/devices/{made['device']}", bearer(phone.token), method="DELETE")
    assert api.get("/v1/devices?name=b", bearer(phone.token), method="POST").status_code == 201


def test_devices_are_not_listed_here(api: Api) -> None:
    answer = api.get("/v1/devices", bearer(api.linked().token))
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
