import { OWN_STREAM } from "../protocol/client_session.js";
import { EditableList } from "./editable_list.js";
import { ofFamilies, subscribe } from "./subscribe.js";
export class Queue extends EditableList {
    constructor(state, lists) {
        super(state, lists, OWN_STREAM, "queue");
    }
    playNext(...tracks) {
        return this.insertAfter(this.#sounding(), ...tracks);
    }
    subscribe(callback) {
        return subscribe(this.state, ofFamilies(OWN_STREAM, "queue", "play"), callback);
    }
    #sounding() {
        const item = this.lists.head()?.item;
        return item?.from === "queue" && this.view.has(item.id) ? item.id : null;
    }
}
