import { keyPart } from "../ids.js";
import { flag } from "./playlist.js";
export class Access {
    role;
    isPublic;
    isCollaborative;
    constructor(role, isPublic, isCollaborative) {
        this.role = role;
        this.isPublic = isPublic;
        this.isCollaborative = isCollaborative;
    }
    maySubscribe() {
        return this.role !== null || this.isPublic;
    }
    mayWrite(kind) {
        if (this.role === "owner")
            return true;
        if (!kind.startsWith("list."))
            return false;
        return this.role === "editor" || (this.isCollaborative && this.maySubscribe());
    }
}
export function accessOf(cells, account, owner) {
    const member = cells.get(`member/${keyPart(account)}`)?.value ?? null;
    const role = account === owner ? "owner" : member;
    return new Access(role, flag(cells, "public"), flag(cells, "collaborative"));
}
