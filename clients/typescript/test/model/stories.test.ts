import assert from "node:assert/strict";
import { test } from "node:test";
import { digest, fold, merge, type Cells } from "../../src/model/cells.js";
import * as edits from "../../src/model/edits.js";
import type { Event, ListName } from "../../src/model/events.js";
import { lower } from "../../src/model/lowering/lowering.js";
import { runOf, Tree } from "../../src/model/order/tree.js";
import { accessOf } from "../../src/model/views/access.js";
import { devicesView } from "../../src/model/views/devices.js";
import { historyView } from "../../src/model/views/history.js";
import { libraryView } from "../../src/model/views/library.js";
import { listView, seen, sidebarView } from "../../src/model/views/lists.js";
import { ListView } from "../../src/model/views/live_list.js";
import { modesView } from "../../src/model/views/modes.js";
import { playbackView } from "../../src/model/views/playback.js";
import { playlistView } from "../../src/model/views/playlist.js";
import { consumed, Plays, shownHead } from "../../src/model/views/plays.js";
import { progressView, through } from "../../src/model/views/progress.js";
import { settingsView } from "../../src/model/views/settings.js";
import { answersTo, commandsOf } from "../../src/model/views/sounding.js";
import { under } from "../../src/model/views/under.js";
import { casesOf, plain } from "../vectors.js";

type Asked = {
  readonly view: string;
  readonly list: ListName;
  readonly device?: string | null;
  readonly at_ms: number;
  readonly left: string | null;
  readonly index: number;
  readonly ids: readonly string[];
  readonly hidden: readonly string[];
  readonly episode: string;
  readonly account: string;
  readonly owner: string;
  readonly kind: string;
};
type Story = {
  readonly events: readonly Event[];
  readonly permutations: readonly (readonly number[])[];
  readonly views: readonly Asked[];
};
type Told = { readonly digest: string; readonly views: readonly unknown[] };

function answer(cells: Cells, asked: Asked): unknown {
  const live = (): ListView => new ListView(asked.list, cells);
  switch (asked.view) {
    case "playback":
      return playbackView(cells, asked.at_ms, asked.device);
    case "answers":
      return answers(cells, asked.device ?? null);
    case "modes":
      return modesView(cells);
    case "queue":
      return queue(cells, asked.device ?? null);
    case "items":
      return listView(cells, "items");
    case "slots":
      return new Tree(under(cells, `${asked.list}/run/`).map(([id, cell]) => runOf(id, cell.value))).order();
    case "place_at_end":
      return live().placeAtEnd();
    case "place_after":
      return live().place(asked.left === null ? null : live().slotOf(asked.left));
    case "insert_at":
      return placeOf(edits.insertAt(live(), asked.index, [{ track: "new" }]));
    case "move_to":
      return placeOf(edits.moveTo(live(), asked.ids, asked.index));
    case "seen":
      return seen(cells, asked.list);
    case "sidebar":
      return sidebarView(cells, new Set(asked.hidden));
    case "library":
      return new Map(Array.from(libraryView(cells), ([set, ids]) => [set, [...ids]]));
    case "settings":
      return settingsView(cells);
    case "progress":
      return progressView(cells);
    case "through":
      return through(cells, asked.episode);
    case "history":
      return historyView(cells);
    case "devices":
      return devicesView(cells);
    case "playlist":
      return playlistView(cells);
    case "access": {
      const access = accessOf(cells, asked.account, asked.owner);
      return { role: access.role, may_subscribe: access.maySubscribe(), may_write: access.mayWrite(asked.kind) };
    }
    default:
      throw new Error(`unknown view ${asked.view}`);
  }
}

const placeOf = ({ parent, side }: { parent?: string | null; side: string }): unknown => ({ parent, side });

function answers(cells: Cells, device: string | null): unknown {
  const head = shownHead(new Plays(cells), device);
  const start = head === null ? null : new Plays(cells).startOf(head);
  return head === null || start === null ? null : answersTo(commandsOf(cells, head, start.device ?? ""));
}

function queue(cells: Cells, device: string | null): unknown {
  const heard = consumed(cells, device);
  const live = new ListView("queue", cells);
  live.consume(heard);
  assert.deepEqual(live.items(), listView(cells, "queue", heard));
  assert.equal(live.length, live.items().length);
  return live.items();
}

for (const file of ["views_listener", "views_lists", "views_playback"]) {
  for (const { name, input, expected } of casesOf<Story, Told>(file)) {
    test(`${file}, in every order: ${name}`, () => {
      for (const order of input.permutations) {
        const cells: Cells = new Map();
        const lists = (["queue", "items", "sidebar"] as const).map((list) => new ListView(list));
        for (const index of order) {
          const changed = fold(cells, lower(input.events[index]!));
          for (const list of lists) list.apply(changed);
        }
        assert.equal(digest(cells), expected.digest);
        for (const list of lists) assert.deepEqual(list.items(), listView(cells, list.name), "kept up to date is read anew");
        for (const [index, asked] of input.views.entries()) {
          assert.deepEqual(plain(answer(cells, asked)), expected.views[index], JSON.stringify(asked));
        }
      }
    });

    test(`${file}, told in two halves: ${name}`, () => {
      const halves = [new Map(), new Map()] as const;
      for (const [index, event] of input.events.entries()) {
        // Every third event reached both.
        for (const half of halves) if (index % 3 === 0 || half === halves[index % 2]) fold(half, lower(event));
      }
      assert.equal(digest(merge(...halves)), expected.digest);
      assert.equal(digest(merge(halves[1], halves[0])), expected.digest);
    });
  }
}
