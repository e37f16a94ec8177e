// Lists of any length: only the rows in sight, and some around them, are in the page.

import { useCallback, useLayoutEffect, useRef, useState } from "../ui.js";

export const ROW_PX = 56; // as in list.css
const AROUND = 10; // rows kept ready above and below, so that a quick scroll shows no gaps
const STEP = 5; // rows scrolled before the window is drawn anew

/** What scrolls around an element. */
export const scrollerOf = (element) => element.closest("[data-scroller]");

/**
 * The rows to draw.
 *
 * @param count - of all rows.
 * @returns `list`: a ref for the element that is as tall as all rows; `first`, `end`: half-open range of indexes.
 */
export function useRowsInSight(count) {
  const list = useRef(null);
  const [[first, end], show] = useState([0, 24]);
  const measure = useCallback(() => {
    const scroller = scrollerOf(list.current);
    const above = scroller.getBoundingClientRect().top - list.current.getBoundingClientRect().top;
    const from = Math.max(0, Math.floor(above / ROW_PX / STEP) * STEP - AROUND);
    const until = Math.ceil((above + scroller.clientHeight) / ROW_PX / STEP) * STEP + AROUND;
    show((was) => (was[0] === from && was[1] === until ? was : [from, until]));
  }, []);
  useLayoutEffect(() => {
    const scroller = scrollerOf(list.current);
    const resized = new ResizeObserver(measure);
    resized.observe(scroller);
    scroller.addEventListener("scroll", measure, { passive: true });
    return () => {
      resized.disconnect();
      scroller.removeEventListener("scroll", measure);
    };
  }, []);
  useLayoutEffect(measure, [count]);
  return { list, first: Math.min(first, count), end: Math.min(end, count) };
}

/** Scroll so far that a row can be seen. */
export function reveal(list, index) {
  const scroller = scrollerOf(list);
  const top = list.getBoundingClientRect().top - scroller.getBoundingClientRect().top + index * ROW_PX;
  if (top < 0) scroller.scrollTop += top;
  else if (top + ROW_PX > scroller.clientHeight) scroller.scrollTop += top + ROW_PX - scroller.clientHeight;
}
