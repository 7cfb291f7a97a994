// A section of the operators' part: a title, what is drawn anew when it has changed, and what stays.

import { element, rememberLast } from "./dom.js";

export class Section {
  // `stays` are nodes that are not drawn anew: whoever is typing there goes on, and a button that was pressed keeps the
  // focus.
  constructor(title, ...stays) {
    this.body = element("div");
    this.changed = rememberLast();
    this.node = element("section", {}, element("h2", {}, title), this.body, ...stays);
  }

  // `draw` returns nodes, or will do so; it is called if `told` is another than the last that was drawn.
  async show(told, draw) {
    if (!this.changed(told)) return;
    try {
      this.body.replaceChildren(...(await draw()));
    } catch (error) {
      this.changed(null);
      throw error;
    }
  }
}
