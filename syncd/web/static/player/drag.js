// Dragging a row of a list to another place, by mouse, pen or finger. The rows between make room while it moves.

import { useEffect, useRef, useState } from "../ui.js";
import { ROW_PX, scrollerOf } from "./long_list.js";

const THRESHOLD_PX = 5; // a press that moves less is a click
const EDGE_PX = 56; // so close to the edge of what scrolls, it scrolls
const SCROLL_PX = 14; // a frame, at the very edge

/**
 * @param list - ref of the element around the rows; a row carries `data-index`.
 * @param count - rows there are.
 * @param onDrop - `(from, to)`: indexes; `to` in the list without the row.
 * @returns `drag`: `{from, to}` while one is dragged, else null; `press`: handler of `pointerdown` on a row.
 */
export function useRowDrag(list, count, onDrop) {
  const [drag, show] = useState(null);
  const held = useRef(null);
  const end = useRef(() => {});
  useEffect(() => () => end.current(), []);

  const press = (event) => {
    const row = event.target.closest("[data-index]");
    const isGrip = event.target.closest(".grip") !== null;
    // Fingers scroll, unless they are on the grip; buttons other than a row's own are pressed, not dragged.
    if (event.button !== 0 || (event.pointerType !== "mouse" && !isGrip)) return;
    if (!isGrip && event.target.closest("button, a, input") && !event.target.closest(".row-main")) return;
    const scroller = scrollerOf(list.current);
    const from = Number(row.dataset.index);
    held.current = { row, from, to: from, startY: event.clientY, y: event.clientY, top: scroller.scrollTop, moves: false, frame: 0 };

    const follow = () => {
      const { row: moved, startY, y, top } = held.current;
      const shift = y - startY + scroller.scrollTop - top;
      moved.style.transform = `translateY(${Math.min(Math.max(shift, -from * ROW_PX), (count - 1 - from) * ROW_PX)}px)`;
      const to = Math.min(Math.max(Math.round(from + shift / ROW_PX), 0), count - 1);
      if (to !== held.current.to || !held.current.moves) {
        held.current.moves = true;
        held.current.to = to;
        show({ from, to });
      }
    };
    const scroll = () => {
      const box = scroller.getBoundingClientRect();
      const { y } = held.current;
      const over = Math.max(0, y - (box.bottom - EDGE_PX)) - Math.max(0, box.top + EDGE_PX - y);
      if (over !== 0) {
        scroller.scrollTop += Math.sign(over) * Math.ceil((Math.min(Math.abs(over), EDGE_PX) / EDGE_PX) * SCROLL_PX);
        follow();
      }
      held.current.frame = requestAnimationFrame(scroll);
    };
    const move = (moved) => {
      held.current.y = moved.clientY;
      if (!held.current.moves) {
        if (Math.abs(moved.clientY - event.clientY) < THRESHOLD_PX) return;
        held.current.frame = requestAnimationFrame(scroll);
      }
      follow();
    };
    const finish = (drops) => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", drop);
      removeEventListener("pointercancel", cancel);
      removeEventListener("keydown", escape, true);
      end.current = () => {};
      const { to, moves, frame } = held.current;
      cancelAnimationFrame(frame);
      row.style.transform = "";
      if (!moves) return;
      // The press that ends a drag is no click on what lies below it.
      const swallow = (click) => {
        click.stopPropagation();
        click.preventDefault();
      };
      addEventListener("click", swallow, { capture: true });
      setTimeout(() => removeEventListener("click", swallow, { capture: true }));
      if (drops && to !== from) onDrop(from, to);
      show(null);
    };
    const drop = () => finish(true);
    const cancel = () => finish(false);
    const escape = (key) => key.key === "Escape" && finish(false);
    end.current = cancel;
    if (isGrip) event.preventDefault();
    addEventListener("pointermove", move);
    addEventListener("pointerup", drop);
    addEventListener("pointercancel", cancel);
    addEventListener("keydown", escape, true);
  };
  return { drag, press };
}

/** How many rows a row at `index` makes way while another is dragged: -1, 0 or 1. */
export function wayOf(drag, index) {
  if (drag === null || index === drag.from) return 0;
  if (index > drag.from && index <= drag.to) return -1;
  return index < drag.from && index >= drag.to ? 1 : 0;
}
