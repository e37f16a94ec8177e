// Which page shows. Addresses are `#/name/id`: the server serves one page, and a sign-in link has its own form.

import { useEffect, useState } from "../ui.js";

/** "#/playlist/x" -> {page: "playlist", id: "x"}; anything else is the home page. Ids are written without escapes. */
export function routeOf(hash) {
  const [, page, id = ""] = /^#\/([a-z]+)(?:\/([\w.~-]+))?$/.exec(hash) ?? [];
  return { page: page ?? "home", id };
}

export const href = (page, id) => `#/${page === "home" ? "" : page}${id === undefined ? "" : `/${id}`}`;

export const go = (page, id) => {
  location.hash = href(page, id);
};

/** The page that shows now. */
export function useRoute() {
  const [route, follow] = useState(() => routeOf(location.hash));
  useEffect(() => {
    const changed = () => follow(routeOf(location.hash));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}
