"""Settings: where they come from, which source wins, and what is said about a wrong one."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from pathlib import Path

import pytest

from syncd.config import SETTINGS, Config, load, nearest_variable, resolve
from syncd.config.page import reference
from syncd.errors import ConfigError

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"


@pytest.fixture(autouse=True)
def _empty_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def toml(text: str, path: str = "syncd.toml") -> Path:
    file = Path(path).absolute()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def refusal(**given: object) -> str:
    with pytest.raises(ConfigError) as caught:
        load(**{"environ": {}, **given})  # type: ignore[arg-type]
    return str(caught.value)


# --- where a value comes from ---


def test_without_anything_given_the_defaults_hold(tmp_path: Path) -> None:
    resolved = resolve(environ={})
    assert resolved.config == Config(data_dir=tmp_path / "syncd-data")
    assert set(resolved.sources.values()) == {"default"}
    assert resolved.file is None


def test_both_listeners_are_private_by_default() -> None:
    config = load(environ={})
    assert (config.host, config.port, config.ws_port) == ("127.0.0.1", 8080, 8081)


def test_flags_win_over_environment_over_file_over_default() -> None:
    file = toml('host = "10.0.0.1"\nport = 1\nws_port = 2\n')
    resolved = resolve(flags={"host": "10.0.0.3"}, environ={"SYNCD_HOST": "10.0.0.2", "SYNCD_PORT": "3"})
    assert (resolved.config.host, resolved.config.port, resolved.config.ws_port) == ("10.0.0.3", 3, 2)
    assert resolved.sources["host"] == "--host"
    assert resolved.sources["port"] == "SYNCD_PORT"
    assert resolved.sources["ws_port"] == str(file)
    assert resolved.sources["region"] == "default"


def test_a_flag_that_was_not_given_hides_nothing() -> None:
    assert load(flags={"port": None}, environ={"SYNCD_PORT": "3"}).port == 3


def test_an_empty_variable_counts_as_not_set() -> None:
    toml("port = 1")
    assert load(environ={"SYNCD_PORT": "", "SYNCD_DATABASE_URL_FILE": "", "SYNCD_CONFIG": ""}).port == 1


def test_the_process_environment_is_read_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SYNCD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SYNCD_REGION", "eu-1")
    assert load().region == "eu-1"


def test_the_file_is_the_flag_s_then_the_variable_s_then_the_folder_s() -> None:
    by_flag, by_env = toml("port = 1", "a.toml"), toml("port = 2", "b.toml")
    toml("port = 3")
    environ = {"SYNCD_CONFIG": str(by_env)}
    assert load(file=by_flag, environ=environ).port == 1
    assert load(environ=environ).port == 2
    assert load(environ={}).port == 3


def test_a_data_folder_in_the_file_is_relative_to_the_file_and_elsewhere_to_the_working_folder(tmp_path: Path) -> None:
    file = toml('data_dir = "data"', "etc/syncd.toml")
    assert load(file=file, environ={}).data_dir == tmp_path / "etc" / "data"
    assert load(file=file, environ={"SYNCD_DATA_DIR": "data"}).data_dir == tmp_path / "data"
    assert load(environ={"SYNCD_DATA_DIR": "/var/lib/syncd"}).data_dir == Path("/var/lib/syncd")


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("postgresql://me:pass@db/syncd\n")
    resolved = resolve(environ={"SYNCD_DATABASE_URL_FILE": str(secret)})
    assert resolved.config.database_url == "postgresql://me:pass@db/syncd"
    assert resolved.sources["database_url"] == "SYNCD_DATABASE_URL_FILE"


def test_every_setting_can_be_given_by_file_and_by_environment(tmp_path: Path) -> None:
    pem = tmp_path / "kafka.pem"
    pem.touch()
    texts = {
        "host": "::1",
        "port": "0",
        "ws_port": "65535",
        "public_ws_url": "wss://sync.example/v1/sync",
        "data_dir": "/data",
        "database_url": "postgres:///syncd?host=/run/postgresql",
        "log": "kafka://a:9092,[::1]:9093/events.v1",
        "log_partitions": "12",
        "kafka_security_protocol": "SASL_SSL",
        "kafka_sasl_mechanism": "SCRAM-SHA-512",
        "kafka_sasl_username": "syncd",
        "kafka_sasl_password": "between us",
        "kafka_ca_file": str(pem),
        "kafka_certificate_file": str(pem),
        "kafka_key_file": str(pem),
        "kafka_key_password": "between two",
        "origins": "https://Player.Example:443, http://localhost:5173/",
        "region": "eu-1",
        "list_items_max": "30000",
        "projector_nice": "0",
        "metrics_port": "9100",
        "metrics": "off",
        "traces_url": "http://collector:4318/v1/traces",
        "console": "open",
        "traces_permille": "1000",
        "log_level": "debug",
        "log_format": "json",
    }
    wanted = Config(
        host="::1",
        port=0,
        ws_port=65535,
        public_ws_url="wss://sync.example/v1/sync",
        data_dir=Path("/data"),
        database_url="postgres:///syncd?host=/run/postgresql",
        log="kafka://a:9092,[::1]:9093/events.v1",
        log_partitions=12,
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_sasl_username="syncd",
        kafka_sasl_password="between us",
        kafka_ca_file=pem,
        kafka_certificate_file=pem,
        kafka_key_file=pem,
        kafka_key_password="between two",
        origins=("https://player.example", "http://localhost:5173"),
        region="eu-1",
        list_items_max=30_000,
        projector_nice=0,
        metrics_port=9100,
        metrics=False,
        traces_url="http://collector:4318/v1/traces",
        console="open",
        traces_permille=1_000,
        log_level="debug",
        log_format="json",
    )
    by_environment = resolve(environ={setting.env: texts[setting.name] for setting in SETTINGS})
    assert by_environment.config == wanted
    assert by_environment.unknown_variables == ()

    numbers = {
        "port": 0,
        "ws_port": 65535,
        "metrics_port": 9100,
        "console": "open",
        "traces_permille": 1_000,
        "list_items_max": 30_000,
        "projector_nice": 0,
        "log_partitions": 12,
    }
    values = texts | numbers | {"metrics": False, "origins": texts["origins"].split(", ")}
    text = "".join(
        f"{name} = {str(value).lower() if value is False else repr(value)}\n" for name, value in values.items()
    )
    assert tomllib.loads(text) == values
    assert load(file=toml(text, str(tmp_path / "all.toml")), environ={}) == wanted


# --- what is said about a wrong one ---


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SYNCD_HOST", "localhost:8080"),
        ("SYNCD_HOST", "300.1.1.1"),
        ("SYNCD_HOST", "-x.example"),
        ("SYNCD_PORT", "65536"),
        ("SYNCD_PORT", "-1"),
        ("SYNCD_PORT", "80 80"),
        ("SYNCD_PORT", "٣"),
        ("SYNCD_WS_PORT", "9" * 5000),
        ("SYNCD_PUBLIC_WS_URL", "https://sync.example"),
        ("SYNCD_PUBLIC_WS_URL", "wss://sync.example/v1/sync?token=x"),
        ("SYNCD_PUBLIC_WS_URL", "wss://sync.example:99999"),
        ("SYNCD_TRACES_URL", "collector:4318"),
        ("SYNCD_TRACES_URL", "http://me:secret@collector:4318/v1/traces"),
        ("SYNCD_TRACES_PERMILLE", "1001"),
        ("SYNCD_DATA_DIR", "  "),
        ("SYNCD_LOG", "kafka://broker/topic"),
        ("SYNCD_LOG", "kafka://broker:9092"),
        ("SYNCD_LOG", "kafka://broker:9092/a/b"),
        ("SYNCD_LOG", "sqlite"),
        ("SYNCD_LOG_PARTITIONS", "0"),
        ("SYNCD_LOG_PARTITIONS", "1025"),
        ("SYNCD_LOG_PARTITIONS", "٣"),
        ("SYNCD_KAFKA_SECURITY_PROTOCOL", "TLS"),
        ("SYNCD_KAFKA_SASL_MECHANISM", "GSSAPI"),
        ("SYNCD_KAFKA_SASL_USERNAME", "\x07"),
        ("SYNCD_KAFKA_CA_FILE", "/nowhere/ca.pem"),
        ("SYNCD_ORIGINS", "*"),
        ("SYNCD_ORIGINS", "https://a.example,b.example"),
        ("SYNCD_ORIGINS", "https://a.example/player"),
        ("SYNCD_REGION", "EU"),
        ("SYNCD_LIST_ITEMS_MAX", "0"),
        ("SYNCD_LIST_ITEMS_MAX", "50001"),
        ("SYNCD_LIST_ITEMS_MAX", "20_000"),
        ("SYNCD_PROJECTOR_NICE", "-1"),
        ("SYNCD_PROJECTOR_NICE", "20"),
        ("SYNCD_METRICS", "maybe"),
        ("SYNCD_LOG_LEVEL", "loud"),
        ("SYNCD_LOG_FORMAT", "xml"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place_itself_and_what_is_allowed(variable: str, value: str) -> None:
    said = refusal(environ={variable: value})
    allowed = next(setting.kind.allowed for setting in SETTINGS if setting.env == variable)
    assert said.startswith(f"{variable} is {value!r}")
    assert said.endswith(f"allowed: {allowed}")


@pytest.mark.parametrize(
    "line", ['port = "http"', "port = true", "port = 80.5", "list_items_max = true", "host = 1", 'origins = {a = "b"}']
)
def test_a_wrong_type_in_the_file_is_refused_with_key_and_file(line: str) -> None:
    file = toml(line)
    assert refusal().startswith(f"{line.split()[0]} in {file} is ")


def test_the_value_of_a_wrong_secret_is_not_repeated(tmp_path: Path) -> None:
    said = refusal(environ={"SYNCD_DATABASE_URL": "mysql://me:hunter2@db:x/syncd"})
    assert "hunter2" not in said
    assert said.startswith("SYNCD_DATABASE_URL holds a value which cannot be used")


def test_a_setting_of_kubernetes_is_recognised() -> None:
    assert "enableServiceLinks" in refusal(environ={"SYNCD_PORT": "tcp://10.0.0.1:8080"})


def test_two_listeners_need_two_ports() -> None:
    assert "both 8080" in refusal(environ={"SYNCD_WS_PORT": "8080"})
    assert load(environ={"SYNCD_PORT": "0", "SYNCD_WS_PORT": "0"}).ws_port == 0


def test_an_unknown_key_is_refused_with_the_nearest_that_exists() -> None:
    file = toml('data-dir = "x"')
    said = refusal()
    assert said.startswith(f"{file}: no setting 'data-dir', did you mean 'data_dir'?")
    assert "ws_port" in said


def test_an_unknown_variable_is_told_but_not_refused() -> None:
    resolved = resolve(environ={"SYNCD_WSPORT": "1", "SYNCD_SERVICE_HOST": "10.0.0.1", "HOME": "/"})
    assert resolved.unknown_variables == ("SYNCD_SERVICE_HOST", "SYNCD_WSPORT")
    assert nearest_variable("SYNCD_WSPORT") == ", did you mean 'SYNCD_WS_PORT'?"
    assert nearest_variable("SYNCD_QQQQQQQQQQQQQQQQ") == ""


def test_a_file_that_somebody_named_must_be_there(tmp_path: Path) -> None:
    assert refusal(file=Path("gone.toml")) == f"there is no configuration file {tmp_path / 'gone.toml'}"
    assert refusal(environ={"SYNCD_CONFIG": "gone.toml"}) == f"there is no configuration file {tmp_path / 'gone.toml'}"


def test_a_broken_file_is_named_with_the_line() -> None:
    toml("port = 1\nhost = \n")
    assert "line 2" in refusal()


def test_a_configuration_file_that_is_a_folder_is_refused() -> None:
    Path("syncd.toml").mkdir()
    assert "Is a directory" in refusal()


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    given = {"SYNCD_DATABASE_URL": "postgresql:///a", "SYNCD_DATABASE_URL_FILE": "x"}
    assert refusal(environ=given) == "SYNCD_DATABASE_URL and SYNCD_DATABASE_URL_FILE are both set; keep one"


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file"), (b" \n", "is empty"), (b"\xff", "is not UTF-8"), (b"x" * 70_000, "more than 65536 bytes")],
)
def test_a_secret_s_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content)
    text = refusal(environ={"SYNCD_DATABASE_URL_FILE": str(secret)})
    assert text.startswith("SYNCD_DATABASE_URL_FILE: ")
    assert str(secret) in text
    assert said in text


# --- the table ---


def test_names_of_settings_and_variables_are_durable() -> None:
    """Operators' files and units hold these names: a change here breaks them."""
    assert {setting.name: setting.env for setting in SETTINGS} == {
        "host": "SYNCD_HOST",
        "port": "SYNCD_PORT",
        "ws_port": "SYNCD_WS_PORT",
        "public_ws_url": "SYNCD_PUBLIC_WS_URL",
        "data_dir": "SYNCD_DATA_DIR",
        "database_url": "SYNCD_DATABASE_URL",
        "log": "SYNCD_LOG",
        "log_partitions": "SYNCD_LOG_PARTITIONS",
        "kafka_security_protocol": "SYNCD_KAFKA_SECURITY_PROTOCOL",
        "kafka_sasl_mechanism": "SYNCD_KAFKA_SASL_MECHANISM",
        "kafka_sasl_username": "SYNCD_KAFKA_SASL_USERNAME",
        "kafka_sasl_password": "SYNCD_KAFKA_SASL_PASSWORD",
        "kafka_ca_file": "SYNCD_KAFKA_CA_FILE",
        "kafka_certificate_file": "SYNCD_KAFKA_CERTIFICATE_FILE",
        "kafka_key_file": "SYNCD_KAFKA_KEY_FILE",
        "kafka_key_password": "SYNCD_KAFKA_KEY_PASSWORD",
        "origins": "SYNCD_ORIGINS",
        "region": "SYNCD_REGION",
        "list_items_max": "SYNCD_LIST_ITEMS_MAX",
        "projector_nice": "SYNCD_PROJECTOR_NICE",
        "metrics_port": "SYNCD_METRICS_PORT",
        "metrics": "SYNCD_METRICS",
        "traces_url": "SYNCD_TRACES_URL",
        "console": "SYNCD_CONSOLE",
        "traces_permille": "SYNCD_TRACES_PERMILLE",
        "log_level": "SYNCD_LOG_LEVEL",
        "log_format": "SYNCD_LOG_FORMAT",
    }


def test_every_default_is_a_value_that_its_kind_allows() -> None:
    for setting in SETTINGS:
        if setting.default is not None:
            assert setting.kind.read(setting.default) == setting.default, setting.name


def test_settings_cannot_be_changed_after_the_start() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().port = 1  # type: ignore[misc]


def test_the_reference_page_is_made_from_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run `python -m syncd.config.page` again"
