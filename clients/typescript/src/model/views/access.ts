/**
 * Who may read and write a playlist. Enforced at admission only: what was admitted stays. Source: merge.md section 3.3.
 *
 * | | reads | list.* | playlist.* |
 * |---|---|---|---|
 * | owner | yes | yes | yes |
 * | editor | yes | yes | |
 * | viewer | yes | if collaborative | |
 * | any account | if public | if public and collaborative | |
 */
import type { ReadonlyCells } from "../cells.js";
import { keyPart } from "../ids.js";
import { flag, type MemberRole } from "./playlist.js";

export type Role = "owner" | MemberRole;

/** What one account may do with one playlist. */
export class Access {
  /** `role`: null for an account that is no member. */
  constructor(
    readonly role: Role | null,
    readonly isPublic: boolean,
    readonly isCollaborative: boolean,
  ) {}

  /** Whether it may read. */
  maySubscribe(): boolean {
    return this.role !== null || this.isPublic;
  }

  /** Whether it may emit events of this kind into the playlist's stream. */
  mayWrite(kind: string): boolean {
    if (this.role === "owner") return true;
    if (!kind.startsWith("list.")) return false;
    return this.role === "editor" || (this.isCollaborative && this.maySubscribe());
  }
}

/**
 * What an account may do with a playlist.
 *
 * @param cells - of the playlist's stream.
 * @param owner - the account that the server names as the stream's owner, whatever its cells say.
 */
export function accessOf(cells: ReadonlyCells, account: string, owner: string): Access {
  const member = cells.get(`member/${keyPart(account)}`)?.value ?? null;
  const role = account === owner ? "owner" : (member as MemberRole | null);
  return new Access(role, flag(cells, "public"), flag(cells, "collaborative"));
}
