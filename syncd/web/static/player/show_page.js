// A show and its episodes: where each can be gone on with.

import { html } from "../ui.js";
import { PLAYBACK, useAccount } from "./account.js";
import { clock, count } from "./format.js";
import { Hero } from "./hero.js";
import { Icon } from "./icons.js";
import { openMenu } from "./menu.js";
import { placesOf, playEpisode } from "./playing.js";
import { trackActions } from "./track_actions.js";

export function ShowPage({ show }) {
  const account = useAccount("progress", "library", ...PLAYBACK);
  const { progress } = account.device;
  const next = show.tracks.find(({ id }) => !progress.of(id)?.played) ?? show.tracks[0];
  return html`<article class="page">
    <${Hero} of=${{ id: show.id, hue: show.hue, style: show.style }} kind="Show" title=${show.title} words=${`${show.about} ${count(show.tracks.length, "episode")}.`}
      onPlay=${() => playEpisode(account, next, placesOf(progress.of(next.id))[0])} />
    <ul class="episodes">${show.tracks.map((episode) => html`<${Episode} key=${episode.id} episode=${episode} account=${account} />`)}</ul>
  </article>`;
}

/** One episode. Two places that are far apart are both offered: nobody's listening is overwritten in silence. */
export function Episode({ episode, account }) {
  const seen = account.device.progress.of(episode.id);
  const places = placesOf(seen);
  const part = seen ? (seen.played ? 1 : seen.resume_ms / episode.duration_ms) : 0;
  const mark = (played) => account.act(played ? `${episode.title} is played` : `${episode.title} is new again`, ({ progress }) => progress.markPlayed(episode.id, { played }));
  const menu = (event) =>
    openMenu(event.currentTarget, episode.title, [
      ...trackActions(account, episode),
      seen?.played !== true && { label: "Mark as played", icon: "check", act: () => mark(true) },
      seen && { label: "Mark as new", icon: "close", act: () => mark(false) },
    ]);
  return html`<li class="episode card">
    <div class="episode-words"><h3>${episode.title}</h3><p class="faint">${episode.about}</p></div>
    ${places.length === 2 && html`<p class="two-places"><${Icon} name="devices" size=${18} /> Your devices left it at two places.</p>`}
    <div class="episode-foot">
      ${places.map((place, index) => html`<button type="button" key=${index} class=${`button${index || !place ? " quiet" : ""}`} onClick=${() => playEpisode(account, episode, place)}><${Icon} name="play" size=${16} />
        ${place === 0 ? (seen?.played ? "Play again" : "Play") : `${places.length === 2 ? (index ? "Furthest" : "Latest") : "Continue"} ${clock(place)}`}<span class="unseen"> ${episode.title}</span></button>`)}
      <span class="faint numeric">${seen?.played ? "Played" : part > 0 ? `${clock(episode.duration_ms - seen.resume_ms)} left` : clock(episode.duration_ms)}</span>
      <button type="button" class="icon-button" aria-label=${`More about ${episode.title}`} aria-haspopup="menu" onClick=${menu}><${Icon} name="more" /></button>
    </div>
    <div class="part" aria-hidden="true"><div style=${{ transform: `scaleX(${part})` }} /></div>
  </li>`;
}
