// The listener's own audio files: chosen or dropped here, kept in this browser, played like anything else.

import { html, useEffect, useState } from "../ui.js";
import { PLAYBACK, useAccount } from "./account.js";
import { entryOf } from "./catalog.js";
import { Icon } from "./icons.js";
import { dropFile, keepFiles, keptTracks } from "./own_files.js";
import { playTracks } from "./playing.js";
import { TrackList } from "./track_list.js";

export function OwnFiles() {
  const account = useAccount(...PLAYBACK);
  const [tracks, show] = useState([]);
  const read = async () => show(await keptTracks());
  useEffect(() => void read(), []);
  const keep = async (event) => {
    const { refused } = await keepFiles(event.currentTarget.files);
    if (refused.length > 0) account.notify(`This browser cannot play ${refused.join(", ")}`);
    await read();
  };
  const drop = async (entry) => {
    await dropFile(entry.item.track);
    await read();
  };
  const view = account.device.playback;
  return html`<section aria-labelledby="own"><h2 id="own" class="shelf-title">Your own files</h2>
    <label class="button quiet"><${Icon} name="file" size=${18} /> Add audio files<input type="file" class="unseen" accept="audio/*" multiple onChange=${keep} /></label>
    ${tracks.length > 0 && html`<${TrackList} entries=${tracks.map((track) => ({ id: track.id, item: entryOf(track) }))} label="Your own files" onRemove=${drop}
      onPlay=${(entry) => playTracks(account, tracks, tracks.findIndex(({ id }) => id === entry.id), { title: "Your own files" })}
      isPlaying=${view?.playing} isSounding=${(entry) => view?.item.track === entry.item.track} />`}
  </section>`;
}
