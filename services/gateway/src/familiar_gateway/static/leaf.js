// Leafing through a list that the API gives in parts.

import { call } from "./api.js";
import { orNotice } from "./dialog.js";
import { element, write } from "./dom.js";
import { texts } from "./texts.js";

const A_PAGE = 20;

export class Leaf {
  // `again` is called when another part is wanted.
  constructor(address, again) {
    this.address = address;
    this.offset = 0;
    this.shown = element("span", { className: "soft" });
    this.shown.setAttribute("role", "status");
    this.previous = this.button(texts.people.previous, -A_PAGE, again);
    this.next = this.button(texts.people.next, A_PAGE, again);
    this.buttons = element("div", { className: "actions leaf", hidden: true }, this.previous, this.next, this.shown);
  }

  button(label, step, again) {
    const leaf = async () => {
      this.offset = Math.max(0, this.offset + step);
      await again();
      if (made.disabled) (made === this.next ? this.previous : this.next).focus(); // at an end: the focus stays here
    };
    const made = element("button", { type: "button", onclick: () => orNotice(leaf()) }, label);
    return made;
  }

  // Resolves to the part that is wanted; beyond the end, to the last one.
  async ask() {
    const found = await call("GET", `${this.address}?limit=${A_PAGE}&offset=${this.offset}`);
    const last = Math.max(0, Math.ceil(found.total / A_PAGE) - 1) * A_PAGE;
    if (found.offset > last) {
      this.offset = last;
      return this.ask();
    }
    this.show(found);
    return found;
  }

  show({ total, offset, limit }) {
    const to = Math.min(offset + limit, total);
    this.buttons.hidden = total <= A_PAGE;
    this.previous.disabled = offset === 0;
    this.next.disabled = to >= total;
    write(this.shown, texts.people.shown({ from: offset + 1, to, total }));
  }
}
