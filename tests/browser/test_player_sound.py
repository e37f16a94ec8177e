"""The player is heard: sound comes from the device that plays, and from no other."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import pytest
from playwright.async_api import expect
from stage import Stage, on_stage, on_stage_with
from tabs import until

from syncd.testing.patience import eventually

pytestmark = pytest.mark.e2e

# Audio elements that are in no document are found by what they play.
LISTEN = """(() => {
  window.heard = [];
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    if (!heard.includes(this)) heard.push(this);
    return play.call(this);
  };
})();"""
_RENDERED = """async () => {
  const { ALBUMS, SHOWS } = await import("/static/player/catalog.js");
  const { samples, wav } = await import("/static/player/synth.js");
  return [...ALBUMS, ...SHOWS].map(({ style, tracks: [first] }) => {
    const track = { ...first, duration_ms: 20_000 };
    const [mix, again] = [samples(track), samples(track)];
    const loudness = Math.sqrt(mix.reduce((sum, each) => sum + each * each, 0) / mix.length);
    const peak = mix.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
    const isSame = mix.every((each, i) => each === again[i]);
    return { style, seconds: 20, bytes: wav(mix).byteLength, loudness, peak, again: isSame };
  });
}"""
SOUNDS = "heard.some((audio) => !audio.paused && audio.currentTime > 0.3)"
SILENT = "heard.every((audio) => audio.paused)"


@on_stage
async def test_sound_moves_with_the_session(stage: Stage) -> None:
    laptop, phone, kitchen = await stage.account("Laptop", "Phone", "Kitchen")
    radio = await stage.device(kitchen)
    ann = await stage.opened(laptop, script=LISTEN)
    ben = await stage.opened(phone, script=LISTEN)
    await ann.visits("/album/green-room")
    await ann.presses("Play House Lights by Marguerite Sol")
    await until(ann.tab, SOUNDS)
    await radio.until(lambda: radio.playback is not None and radio.playback.position_ms > 500)
    assert await ben.tab.evaluate(SILENT)

    await ben.presses("Where it plays")
    await ben.presses("Phone (here) Online")
    await until(ben.tab, SOUNDS)
    await until(ann.tab, SILENT)
    assert await ben.tab.evaluate("heard[0].currentTime") > 0.5, "it goes on where it was"
    assert await ben.tab.evaluate("navigator.mediaSession.metadata.title") == "House Lights"

    radio.pause()
    await until(ben.tab, SILENT)
    radio.seek(103_500)
    radio.resume()
    await until(ben.tab, SOUNDS)
    await ann.sees_playing("Curtain", where="Phone")  # it ended, and the next began

    second = await ben.another_tab()
    await second.tab.goto(stage.url)
    await second.sees_playing("Curtain")
    assert await second.tab.evaluate(SILENT), "one tab of a device sounds"
    await ben.tab.close()
    await until(second.tab, SOUNDS)


@on_stage_with(sounds_at_once=False)
async def test_a_page_on_which_nobody_has_pressed_anything_asks_for_it(stage: Stage) -> None:
    laptop, kitchen = await stage.account("Laptop", "Kitchen")
    radio = await stage.device(kitchen)
    ann = await stage.blank(script=LISTEN)
    # Playwright evaluates as if somebody had pressed something.
    devtools = await ann.tab.context.new_cdp_session(ann.tab)
    tries = {"expression": "heard.length", "userGesture": False}

    async def has_tried() -> bool:
        return bool((await devtools.send("Runtime.evaluate", tries))["result"].get("value"))

    await ann.tab.goto(f"{stage.url}/#token={laptop.token}")
    await radio.until(lambda: laptop.device in radio.presence)
    radio.play("green-room.curtain", device=laptop.device)
    await eventually(has_tried)
    await expect(ann.tab.locator(".bar-where")).to_contain_text("Press anywhere to hear it")
    assert await ann.tab.evaluate(SILENT)
    await ann.tab.locator("main h1").click()
    await until(ann.tab, SOUNDS)
    await expect(ann.tab.locator(".bar-where")).to_have_count(0)
    await radio.until(lambda: radio.playback is not None and not radio.playback.buffering)


@on_stage
async def test_every_bundled_score_renders_to_the_same_sound_each_time(stage: Stage) -> None:
    tab = await stage.browser.profile()
    await tab.goto(stage.url)
    rendered = await tab.evaluate(_RENDERED)
    assert {each["style"] for each in rendered} == {"tide", "pluck", "beat", "keys", "place"}
    for each in rendered:
        assert each["bytes"] == 44 + 2 * each["seconds"] * 22_050
        assert 0.02 < each["loudness"] < each["peak"] < 1, each["style"]
        assert each["again"], f"{each['style']} sounds different the second time"


@on_stage
async def test_what_was_heard_is_remembered_and_nothing_that_was_only_opened(stage: Stage) -> None:
    laptop, kitchen = await stage.account("Laptop", "Kitchen")
    radio = await stage.device(kitchen)
    rain = "field-notes.rain-on-a-tin-roof"
    radio.progress.listened(rain, 300_000, duration_ms=600_000)
    await radio.settled()
    ann = await stage.opened(laptop, script=LISTEN)
    await ann.presses("Continue 5:00 Rain on a Tin Roof")
    await until(ann.tab, SOUNDS)
    assert radio.progress.all[rain].resume_ms == 300_000, "opening an episode moves nothing"
    await radio.until(lambda: len(radio.history.entries) == 1)
    await ann.presses("Pause")
    await radio.until(lambda: radio.progress.all[rain].resume_ms > 303_000)
    await ann.visits("/history")
    await expect(ann.tab.locator(".heard li")).to_have_count(1)
    await ann.presses("Remove Rain on a Tin Roof from the history")
    await radio.until(lambda: not radio.history.entries)


@on_stage
async def test_a_file_of_ones_own_plays_and_is_named_on_other_devices(stage: Stage, tmp_path: Path) -> None:
    song = tmp_path / "Für Elise.wav"
    samples = b"".join(struct.pack("<h", (n % 100) * 200) for n in range(8_000))
    with wave.open(str(song), "wb") as file:
        file.setparams((1, 2, 4_000, 0, "NONE", ""))
        file.writeframes(samples)
    text = tmp_path / "notes.wav"
    text.write_text("no sound at all")

    laptop, phone = await stage.account("Laptop", "Phone")
    ann = await stage.opened(laptop, script=LISTEN)
    ben = await stage.opened(phone, script=LISTEN)
    await ann.tab.get_by_label("Add audio files").set_input_files([song, text])
    await expect(ann.tab.get_by_role("status").first).to_have_text("This browser cannot play notes.wav")
    await ann.presses("Play Für Elise by Your own file")
    await until(ann.tab, "heard.length > 0")
    await ben.sees_playing("Für Elise", where="Laptop")
    await ann.tab.reload()
    await ann.sees(["Für Elise"], within=ann.list)
    await ben.presses("Where it plays")
    await ben.presses("Phone (here) Online")
    await expect(ben.tab.get_by_role("status").first).to_have_text("That file is on another device")
