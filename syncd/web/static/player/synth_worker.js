// Renders tracks beside the page, which stays smooth meanwhile: a score in, {id, file} out.

import { samples, wav } from "./synth.js";

self.addEventListener("message", ({ data: score }) => {
  const file = wav(samples(score));
  self.postMessage({ id: score.id, file }, { transfer: [file] });
});
