// Blocks of a mail: one is chosen, and is moved, doubled or deleted; a ready one is put in.
cmVisual.Blocks = (() => {
  const { quoted, read, set } = cmVisual.source;
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

  const cellsOf = (row) => [...row.children].filter((each) => /^t[dh]$/.test(each.localName));
  // Whether it stands beside others, as columns do.
  const isBeside = (block) => {
    const look = (each) => each.ownerDocument.defaultView.getComputedStyle(each);
    const isColumn = (each) => UNIT.has(each.localName) && /^(?:inline-block|inline-table|table-cell)$/.test(look(each).display);
    return isColumn(block) && [...block.parentNode.children].filter(isColumn).length > 1;
  };
  // Whether it is one of at least three rows below each other: fewer are a frame around the mail, more cells a table.
  const isRowOfMail = (row) => {
    const isOne = (each) => each.localName === "tr" && cellsOf(each).length === 1;
    return isOne(row) && [...row.parentNode.children].filter(isOne).length > 2;
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
    // A ready block, after the row of the mail that was chosen last or has the caret.
    insert(source) {
      const { doc } = this.mail;
      const place = this.placeForNew();
      const isRow = place && place.localName === "tr";
      const pieces = read(isRow ? this.asRow(place, source.trim()) : source.trim()).kids.map((each) => this.mail.made(each));
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
    // The row or block it is put after, or the cell it is put into.
    placeForNew() {
      const { body } = this.mail.doc;
      const range = this.visual.writing.caret();
      const chosen = this.at && this.at.isConnected && this.at;
      const begin = chosen || (range && this.mail.hostOf(range.startContainer)) || this.mail.hosts().at(-1);
      let place = begin;
      for (let at = begin; at && at !== body; at = at.parentNode)
        if (isBeside(at)) place = at.localName === "td" || at.localName === "th" ? at.closest("table") : at.parentNode;
      for (let at = place; at && at !== body; at = at.parentNode) if (isRowOfMail(at)) return at;
      while (place && place !== body && !/^t[dh]$/.test(place.localName) && place.parentNode !== body) {
        if (/^t[dh]$/.test(place.parentNode.localName)) break;
        place = place.parentNode;
      }
      return place === body ? null : place;
    }
    // With the room at its sides that ``row`` has, and none of its colours.
    asRow(row, source) {
      const [cell] = cellsOf(row);
      const { backgroundColor, backgroundImage, paddingLeft, paddingRight } = row.ownerDocument.defaultView.getComputedStyle(cell);
      const isPlain = backgroundImage === "none" && /^(?:transparent|rgba\(.*, 0\))$/.test(backgroundColor);
      const kept = ["colspan", ...(isPlain ? ["class"] : [])].map((name) => [name, this.mail.attribute(cell, name)]);
      const written = kept.filter(([, value]) => value).map(([name, value]) => ` ${name}="${quoted(value)}"`);
      const [left, right] = [cell.style.paddingLeft || paddingLeft, cell.style.paddingRight || paddingRight];
      return `<tr>\n<td${written.join("")} style="padding:12px ${right} 12px ${left};">\n${source}\n</td>\n</tr>`;
    }
  };
})();
