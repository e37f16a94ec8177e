/**
 * What a playlist says about itself, and who belongs to it. Its entries are its `items` list (`lists.ts`); who may do
 * what is in `access.ts`. Source: merge.md section 3.3.
 */
import type { ReadonlyCells } from "../cells.js";
import { fromKeyPart } from "../ids.js";
import { sortedByKey, under } from "./under.js";

export type MemberRole = "editor" | "viewer";

/** One playlist, without its entries. */
export type PlaylistView = {
  readonly name: string | null;
  readonly description: string | null;
  readonly image: string | null;
  /** Anybody may read it. */
  readonly public: boolean;
  /** Whoever may read it as a member may edit its entries; with `public`, anybody. */
  readonly collaborative: boolean;
  /** It is hidden; its owner can bring it back. */
  readonly deleted: boolean;
  /** Account -> role; the owner is not among them. */
  readonly members: ReadonlyMap<string, MemberRole>;
};

/** What a playlist's stream says; what was never said is null or false. */
export function playlistView(cells: ReadonlyCells): PlaylistView {
  const text = (field: string): string | null => (cells.get(`playlist/${field}`)?.value ?? null) as string | null;
  const members = under(cells, "member/").filter(([, cell]) => cell.value !== null);
  return {
    name: text("name"),
    description: text("description"),
    image: text("image"),
    public: flag(cells, "public"),
    collaborative: flag(cells, "collaborative"),
    deleted: flag(cells, "deleted"),
    members: sortedByKey(members.map(([part, cell]) => [fromKeyPart(part), cell.value as MemberRole])),
  };
}

/** One of `public`, `collaborative`, `deleted`. */
export function flag(cells: ReadonlyCells, field: "public" | "collaborative" | "deleted"): boolean {
  return cells.get(`playlist/${field}`)?.value === true;
}
