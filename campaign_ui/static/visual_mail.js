// A mail as it is shown in the document of its frame, where every node knows how it is written. The frame is of this
// page's origin, but nothing in it runs (sandbox without allow-scripts, and its own policy); what listens is outside.
cmVisual.Mail = (() => {
  const { attributes, changed, decoded, find, read, set, text, units, withAttribute } = cmVisual.source;
  const HIDDEN = set(
    "html head body title meta link base script noscript iframe frame frameset object embed applet svg math template " +
      "audio video canvas input button select textarea option xmp",
  );
  const INLINE = set("a abbr b big br cite code del em font i img ins kbd mark q s small span strike strong sub sup time u wbr");
  const SIMPLE = set("b i u s strong em sub sup");
  const PREFERS = /prefers-color-scheme\s*:\s*(dark|light)/gi;
  const NEVER_SET = /^(?:on.*|target|ping|srcset|contenteditable|tabindex|autofocus|data-cm.*|xmlns.*|id)$/;
  const LOOK =
    "html{color-scheme:light!important}[contenteditable]{cursor:text;outline:none}img,a{cursor:pointer}" +
    "[contenteditable]:hover,img:hover,[data-cm-link]:hover{outline:1px dashed #6366f1;outline-offset:2px}" +
    "[data-cm-on]{outline:2px solid #4f46e5!important;outline-offset:2px}" +
    "[contenteditable]:focus-visible,img:focus-visible,a:focus-visible{outline:2px solid #4f46e5!important;outline-offset:2px}" +
    "[contenteditable]:empty{min-height:1em}";

  const isSafe = (name, value) => {
    if (NEVER_SET.test(name)) return false;
    if (name === "src" || name === "background") return /^\s*(?:https?:\/\/|data:image\/|\/i\/)[^{]*$/i.test(value);
    return name !== "href" || /^\s*(?:https?:|mailto:|tel:|#|\/|\{\{)/i.test(value);
  };
  const isElement = (node) => node.nodeType === Node.ELEMENT_NODE;
  const isText = (node) => node.nodeType === Node.TEXT_NODE;
  const isWords = (node) => isText(node) || (isElement(node) && INLINE.has(node.localName) && [...node.childNodes].every(isWords));
  const isButton = (link) =>
    /\bbutton\b|\bbtn\b/i.test(link.className) || /background|padding/i.test(link.getAttribute("style") || "");
  // Words to write on, not only blanks or a button.
  const isWritten = (nodes) => {
    if (!nodes.some((each) => each.textContent.trim())) return false;
    const real = nodes.filter((each) => isElement(each) || each.data.trim());
    return real.length > 1 || real[0].localName !== "a" || !isButton(real[0]);
  };
  const open = (host) => {
    host.setAttribute("contenteditable", "true");
    host.setAttribute("spellcheck", "true");
  };

  return class Mail {
    constructor(doc, source) {
      [this.doc, this.tree] = [doc, read(source)];
      [this.raws, this.tags, this.count] = [new WeakMap(), new Map(), 0];
      const page = find(this.tree, "html");
      this.container = find(this.tree, "body") || page || this.tree;
      this.drawHead(find(this.tree, "head"));
      for (const [element, piece] of [
        [doc.documentElement, page],
        [doc.body, this.container.tag === "body" ? this.container : null],
      ]) {
        for (const { name } of [...element.attributes]) element.removeAttribute(name);
        if (piece) this.dress(element, piece.open);
      }
      doc.documentElement.lang ||= "en";
      doc.body.replaceChildren(...this.container.kids.map((each) => this.made(each)));
      this.prepare(doc.body);
    }
    drawHead(head) {
      const { doc } = this;
      for (const old of [...doc.head.childNodes]) if (!old.dataset || old.dataset.keep === undefined) old.remove();
      for (const each of head ? head.kids : []) if (each.tag === "style") doc.head.append(this.made(each));
      const own = doc.createElement("style");
      own.textContent = LOOK;
      doc.head.append(own);
    }
    dress(element, open) {
      for (const [name, value] of attributes(open)) {
        if (!isSafe(name, value)) continue;
        try {
          element.setAttribute(name, value);
        } catch {
          // a name that no script may set
        }
      }
    }
    keep(node, raw) {
      this.raws.set(node, { raw, value: node.data });
      return node;
    }
    made(piece, isStyle = false) {
      const { doc } = this;
      if (!piece.kids) {
        if (!piece.isText) return this.keep(doc.createComment(""), piece.raw);
        const seen = isStyle
          ? piece.raw.replace(PREFERS, (_, which) => (which.toLowerCase() === "dark" ? "max-width:0px" : "min-width:0px"))
          : decoded(piece.raw);
        return this.keep(doc.createTextNode(seen), piece.raw);
      }
      let element = null;
      try {
        if (!HIDDEN.has(piece.tag)) element = doc.createElement(piece.tag);
      } catch {
        // a name that no script may make
      }
      if (!element) return this.keep(doc.createComment(""), text(piece));
      this.dress(element, piece.open);
      this.name(element, piece.open, piece.close);
      element.append(...piece.kids.map((each) => this.made(each, piece.tag === "style")));
      return element;
    }
    // A browser that splits an element copies its attributes: so both halves know how they are written.
    name(element, open, close) {
      this.tags.set(String(++this.count), { open, close });
      element.setAttribute("data-cm", this.count);
    }
    tag(element) {
      return this.tags.get(element.getAttribute("data-cm"));
    }

    // The source of what is shown.
    whole(piece = this.tree) {
      if (piece === this.container)
        return piece.open + [...this.doc.body.childNodes].map((each) => this.written(each)).join("") + piece.close;
      if (find(piece, this.container.tag) !== this.container) return text(piece);
      return piece.open + piece.kids.map((each) => this.whole(each)).join("") + piece.close;
    }
    written(node) {
      const was = this.raws.get(node);
      if (isText(node)) return was && was.value === node.data ? was.raw : changed(node.data, was ? was.raw : "");
      if (!isElement(node)) return was ? was.raw : "";
      const tag = this.tag(node);
      const inner = [...node.childNodes].map((each) => this.written(each)).join("");
      if (tag) return tag.open + inner + tag.close;
      if (node.localName === "br") return "<br>";
      return SIMPLE.has(node.localName) && inner ? `<${node.localName}>${inner}</${node.localName}>` : inner;
    }

    // Which words can be written on: the outermost element that holds only words, or a run of them beside blocks.
    prepare(element) {
      for (const link of element.querySelectorAll("a")) link.tabIndex = 0;
      for (const image of element.querySelectorAll("img")) {
        image.tabIndex = 0;
        image.setAttribute("role", "button");
        if (!image.alt) image.setAttribute("aria-label", "Image");
      }
      this.openWords(element);
      for (const link of element.querySelectorAll("a"))
        if (!link.closest("[contenteditable]")) link.setAttribute("data-cm-link", "");
    }
    openWords(element) {
      if (element.localName === "a" || element.localName === "style") return;
      const kids = [...element.childNodes];
      if (element !== this.doc.body && kids.every(isWords) && !INLINE.has(element.localName)) {
        if (isWritten(kids)) open(element);
        return;
      }
      let run = [];
      for (const kid of [...kids, null]) {
        if (kid && isWords(kid)) {
          run.push(kid);
          continue;
        }
        if (isWritten(run)) {
          const host = this.doc.createElement("span");
          this.name(host, "", "");
          run[0].before(host);
          host.append(...run);
          open(host);
        }
        run = [];
        if (kid && isElement(kid)) this.openWords(kid);
      }
    }
    // Elements that are written on, and the one that holds ``node``.
    hosts() {
      return [...this.doc.querySelectorAll("[contenteditable]")];
    }
    hostOf(node) {
      const element = node && (isElement(node) ? node : node.parentElement);
      return element && element.closest("[contenteditable]");
    }

    // A text in two; each half knows how it was written.
    split(node, offset) {
      const was = this.raws.get(node);
      const rest = node.splitText(offset);
      if (was && was.value.length === offset + rest.length && was.value === node.data + rest.data) {
        const all = units(was.raw);
        let [at, seen] = [0, 0];
        while (seen < offset) seen += decoded(all[at++]).length;
        this.keep(node, all.slice(0, at).join(""));
        this.keep(rest, all.slice(at).join(""));
      }
      return rest;
    }
    copied(node, deep = true) {
      const made = node.cloneNode(false);
      if (this.raws.has(node)) this.raws.set(made, this.raws.get(node));
      if (deep && node.childNodes.length) made.append(...[...node.childNodes].map((each) => this.copied(each)));
      if (isElement(node)) made.removeAttribute("data-cm-on");
      return made;
    }
    // As it is in the source, safe or not.
    attribute(element, name) {
      const found = attributes(this.tag(element).open).find((each) => each[0] === name);
      return found ? found[1] : "";
    }
    write(element, name, value) {
      const { open, close } = this.tag(element);
      this.name(element, withAttribute(open, name, value), close); // a copy of it has its own from now on
      if (isSafe(name, value)) element.setAttribute(name, value);
      else element.removeAttribute(name);
    }
  };
})();
