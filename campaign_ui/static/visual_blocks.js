// Blocks of a mail: one is chosen, and is moved, doubled or deleted; a ready one is put in.
cmVisual.Blocks = (() => {
  const { read, set } = cmVisual.source;
  const UNIT = set("p h1 h2 h3 h4 h5 h6 ul ol li table tr td th div blockquote center hr pre section article header footer");
  const NAMES = { P: "Paragraph", LI: "List item", UL: "List", OL: "List", TR: "Row", TD: "Column", TH: "Column", HR: "Line" };
  const peers = (block) => [...block.parentNode.children].filter((each) => UNIT.has(each.localName) || each.isContentEditable);
  // What stands between two that follow each other: blanks, and what keeps columns apart in Outlook.
  const between = (one, other) => {
    const found = [];
    for (let at = one.nextSibling; at && at !== other; at = at.nextSibling) {
      if (at.nodeType === Node.ELEMENT_NODE || (at.nodeType === Node.TEXT_NODE && at.data.trim())) return [];
      found.push(at);
    }
    return found;
  };

  return class Blocks {
    constructor(visual) {
      [this.visual, this.mail, this.at] = [visual, visual.mail, null];
    }
    // The block around ``element`` that has others beside it.
    around(element) {
      for (let at = element; at && at !== this.mail.doc.body && at.parentNode; at = at.parentNode)
        if ((UNIT.has(at.localName) || at.hasAttribute("contenteditable")) && peers(at).length > 1) return at;
      return null;
    }
    choose(element) {
      this.mail.doc.querySelectorAll("[data-cm-on]").forEach((each) => each.removeAttribute("data-cm-on"));
      this.at = element && element.nodeType === Node.ELEMENT_NODE ? this.around(element) : null;
      if (this.at) this.at.setAttribute("data-cm-on", "");
      this.visual.show();
    }
    label() {
      if (!this.at) return "Click what you want to change.";
      return /^H\d/.test(this.at.tagName) ? "Heading" : NAMES[this.at.tagName] || "Block";
    }
    can() {
      const { at } = this;
      const all = at ? peers(at) : [];
      const place = all.indexOf(at);
      return { up: place > 0, down: at && place < all.length - 1, double: at, remove: at, wider: at && this.around(at.parentNode) };
    }
    act(name) {
      const { at } = this;
      if (!at || !at.isConnected) return;
      if (name === "wider") {
        const wider = this.around(at.parentNode);
        return wider && this.choose(wider);
      }
      const all = peers(at);
      const place = all.indexOf(at);
      const [before, after] = [all[place - 1], all[place + 1]];
      const gap = before ? between(before, at) : after ? between(at, after) : [];
      if (name === "up" || name === "down") {
        const other = name === "up" ? before : after;
        if (!other) return;
        this.swap(at, other);
      } else if (name === "double") this.double(at, gap);
      else if (name === "remove") {
        for (const each of [...gap, at]) each.remove();
        this.choose(before || after || null);
      }
      this.visual.commit();
      if (this.at) this.at.scrollIntoView({ block: "nearest" });
    }
    swap(block, other) {
      const mark = this.mail.doc.createComment("");
      block.replaceWith(mark);
      other.replaceWith(block);
      mark.replaceWith(other);
      this.choose(block);
    }
    double(block, gap) {
      const made = this.mail.copied(block);
      block.after(...gap.map((each) => this.mail.copied(each)), made);
      this.choose(made);
    }
    // A ready block, after the block that was chosen last.
    insert(source) {
      const { doc } = this.mail;
      const pieces = read(source.trim()).kids.map((each) => this.mail.made(each));
      const place = this.placeForNew();
      const blank = doc.createTextNode("\n");
      const isRun = place && /^t[dh]$/.test(place.localName) && place.hasAttribute("contenteditable");
      if (isRun) place.removeAttribute("contenteditable"); // its words are a run beside the block now
      if (!place) doc.body.append(...pieces);
      else if (/^t[dh]$/.test(place.localName)) place.append(blank, ...pieces);
      else place.after(blank, ...pieces);
      const blocks = pieces.filter((each) => each.nodeType === Node.ELEMENT_NODE);
      for (const each of isRun ? [place] : blocks) this.mail.prepare(each);
      for (const each of blocks) {
        this.choose(each);
        each.scrollIntoView({ block: "nearest" });
      }
      this.visual.commit();
    }
    // The cell it is put into, or else what it is put after.
    placeForNew() {
      const range = this.visual.writing.caret();
      const chosen = this.at && this.at.isConnected && this.at;
      let place = chosen || (range && this.mail.hostOf(range.startContainer)) || this.mail.hosts().at(-1);
      while (place && /^(?:tr|tbody|thead|tfoot|li)$/.test(place.localName)) {
        const cells = place.querySelectorAll("td, th");
        place = place.localName === "tr" && cells.length ? cells[cells.length - 1] : place.parentNode.closest("table, ul, ol");
      }
      return place;
    }
  };
})();
