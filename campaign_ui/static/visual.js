// The mail itself, edited where it is seen: its box in the page, what the user does there, the way back from each
// change, and its way to the server. Python calls what is at the end; so do body.js and compose.js.
(() => {
  const { Blocks, Mail, Writing } = cmVisual;
  const MOVES = { arrowup: "up", arrowdown: "down" };
  // What a browser would put in that is not plain text, or would make of it.
  const FOREIGN = /^insertFrom(?!Composition)|^insert(?:Ordered|Unordered|Horizontal|Link)|^format(?!Bold|Italic|Underline)/;
  const stop = (event) => event.preventDefault();
  const hasCtrl = (event) => event.ctrlKey || event.metaKey;
  const wayOf = (event) => {
    const key = hasCtrl(event) && !event.altKey ? event.key.toLowerCase() : "";
    if (key === "y" || (key === "z" && event.shiftKey)) return "redo";
    return key === "z" ? "undo" : "";
  };

  class Visual {
    constructor(box, frame) {
      [this.box, this.frame, this.version] = [box, frame, ""];
      [this.past, this.future, this.typedAt] = [[], [], 0];
      frame.addEventListener("load", () => this.begin());
      box.addEventListener("keydown", (event) => {
        const way = wayOf(event);
        if (!way) return;
        event.preventDefault();
        this.act(way);
      });
    }
    tell(name, detail) {
      this.box.dispatchEvent(new CustomEvent(name, { detail }));
    }
    // What the server says is the source now; or, where the frame was made anew, what it was made of until then.
    begin() {
      const doc = this.frame.contentDocument;
      if (!doc || !doc.body || !doc.querySelector("meta[data-keep]")) return;
      const isNew = this.version !== this.box.dataset.version;
      if (!isNew && this.mail.doc === doc) return; // it says late that it is loaded: there may be words in it already
      if (isNew) {
        this.version = this.box.dataset.version;
        this.now = this.box.dataset.source || "";
        [this.past, this.future, this.sent] = [[], [], this.now];
      }
      this.draw(this.now);
      this.listen(doc);
    }
    draw(source) {
      this.now = source;
      this.mail = new Mail(this.frame.contentDocument, source);
      [this.writing, this.blocks] = [new Writing(this), new Blocks(this)];
      this.fit();
      this.show();
    }
    fit() {
      const { doc } = this.mail;
      const high = Math.min(9000, Math.max(340, doc.body.getBoundingClientRect().bottom + doc.scrollingElement.scrollTop));
      if (this.frame.style.height !== `${Math.ceil(high)}px`) this.frame.style.height = `${Math.ceil(high)}px`;
    }

    // ---- what the user does
    listen(doc) {
      if (doc.isHeard) return;
      doc.isHeard = true;
      const on = (name, call, way) => doc.addEventListener(name, call.bind(this), way);
      for (const name of ["auxclick", "dragstart", "submit", "dragover"]) on(name, stop);
      on("click", this.clicked);
      on("keydown", this.pressed);
      on("beforeinput", this.before);
      on("input", () => this.commit(true));
      on("paste", this.pasted);
      on("drop", this.pasted);
      on("focusin", (event) => this.blocks.choose(event.target));
      on("selectionchange", () => this.writing.follow());
      on("load", () => this.fit(), true);
      new ResizeObserver(() => this.fit()).observe(doc.body);
    }
    clicked(event) {
      event.preventDefault();
      const image = event.target.closest("img");
      const link = event.target.closest("a");
      this.blocks.choose(event.target);
      if (image) this.writing.askImage(image);
      else if (link && link.hasAttribute("data-cm-link")) this.writing.askLink(link);
    }
    pressed(event) {
      const { target, altKey, shiftKey } = event;
      const key = event.key.toLowerCase();
      const act = wayOf(event) || (hasCtrl(event) && key === "k" ? "link" : altKey && shiftKey && MOVES[key]);
      const done = (call) => {
        event.preventDefault();
        event.stopPropagation();
        call();
      };
      if (act) done(() => this.act(act));
      else if (key === "escape" || (altKey && key === "f10")) done(() => this.toolbar());
      else if (key === "enter" && !this.mail.hostOf(target)) {
        if (target.localName === "img") done(() => this.writing.askImage(target));
        else if (target.localName === "a") done(() => this.writing.askLink(target));
      }
    }
    toolbar() {
      const bar = this.box.querySelector('[role="toolbar"]');
      const tool = bar && (bar.querySelector('.q-btn[tabindex="0"]') || bar.querySelector(".q-btn"));
      if (tool) tool.focus();
    }
    before(event) {
      const kind = event.inputType;
      if (kind === "insertParagraph" || kind === "insertLineBreak") {
        event.preventDefault();
        this.writing.enter(kind === "insertParagraph");
      } else if (kind === "historyUndo" || kind === "historyRedo") {
        event.preventDefault();
        this.act(kind === "historyUndo" ? "undo" : "redo");
      } else if (FOREIGN.test(kind) || (kind === "deleteContentBackward" && this.writing.joinsBefore())) event.preventDefault();
    }
    pasted(event) {
      event.preventDefault();
      const data = event.clipboardData || event.dataTransfer;
      const words = data ? data.getData("text/plain") : "";
      const images = data ? [...data.files].filter((file) => file.type.startsWith("image/")) : [];
      if (words && event.type === "paste") this.writing.insert(words.slice(0, 200000));
      else if (images.length) cmBody.take(images, (said) => this.tell("visualpaste", said));
      else if (data && data.files.length) this.tell("visualpaste", { refused: "file" });
    }
    act(name) {
      if (name === "undo" || name === "redo") this.travel(name);
      else if (!this.mail) return;
      else if (name === "bold" || name === "italic") this.writing.format(name);
      else if (name === "link") this.writing.askAtCaret();
      else this.blocks.act(name);
    }
    // What the tools can do, and to what.
    show() {
      const can = {
        ...this.blocks.can(),
        undo: this.past.length || document.querySelector(".body-takes-back"),
        redo: this.future.length,
      };
      for (const [name, is] of Object.entries(can))
        for (const button of this.box.querySelectorAll(`[data-act="${name}"]`)) {
          button.setAttribute("aria-disabled", String(!is));
          button.classList.toggle("is-off", !is);
        }
      const label = this.box.querySelector("[data-said]");
      if (label && label.textContent !== this.blocks.label()) label.textContent = this.blocks.label();
    }

    // ---- what was changed, its way back, and its way to the server
    commit(isTyped = false) {
      const made = this.mail.whole();
      if (made === this.now) return this.show();
      const host = this.mail.hostOf(this.mail.doc.activeElement);
      const goesOn = isTyped && Date.now() - this.typedAt < 1000 && host === this.typedIn && this.past.length;
      if (!goesOn) {
        this.past.push(this.now);
        if (this.past.length > 100 || (this.past.length > 10 && this.past.length * made.length > 2e7)) this.past.shift();
      }
      [this.typedAt, this.typedIn] = isTyped ? [Date.now(), host] : [0, null];
      [this.now, this.future] = [made, []];
      this.show();
      this.soon();
    }
    travel(way) {
      const [from, to] = way === "undo" ? [this.past, this.future] : [this.future, this.past];
      if (!from.length) {
        const button = way === "undo" && document.querySelector(".body-takes-back"); // the whole body came anew
        return button && button.click();
      }
      const place = this.writing.place();
      to.push(this.now);
      this.draw(from.pop());
      this.typedAt = 0;
      if (place) this.writing.goBackTo(place);
      this.soon();
    }
    replace(source) {
      this.past.push(this.now);
      this.draw(source);
      this.soon();
    }
    soon() {
      this.box.dispatchEvent(new Event("input", { bubbles: true }));
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.send(), 150);
    }
    // Only what differs goes over the socket; places are counted in characters, as Python does.
    send(whole = false) {
      clearTimeout(this.timer);
      const [old, made] = [this.sent, this.now];
      const size = (words) => words.length - (words.match(/[\ud800-\udbff][\udc00-\udfff]/g) || []).length;
      if (whole) this.tell("visualchange", { at: 0, gone: -1, put: made, size: size(made) });
      else if (old !== made) {
        const [most, low] = [Math.min(old.length, made.length), /[\udc00-\udfff]/];
        let from = 0;
        while (from < most && old[from] === made[from]) from++;
        while (from && (low.test(old[from] || "") || low.test(made[from] || ""))) from--;
        let end = 0;
        while (end < most - from && old[old.length - 1 - end] === made[made.length - 1 - end]) end++;
        while (end && (low.test(old[old.length - end]) || low.test(made[made.length - end]))) end--;
        const gone = size(old.slice(from, old.length - end));
        this.tell("visualchange", { at: size(old.slice(0, from)), gone, put: made.slice(from, made.length - end), size: size(made) });
      }
      this.sent = made;
    }
  }

  const look = () => {
    for (const box of document.querySelectorAll(".cm-visual[data-version]")) {
      const frame = box.querySelector("iframe");
      if (!frame) continue;
      if (!box.visual || box.visual.frame !== frame) {
        box.visual = new Visual(box, frame);
        box.visual.begin();
      } else if (box.visual.version !== box.dataset.version) box.visual.begin();
    }
  };
  const watch = () => {
    look();
    new MutationObserver(look).observe(document.body, {
      subtree: true,
      childList: true,
      attributes: true,
      attributeFilter: ["data-version"],
    });
  };
  if (document.body) watch();
  else addEventListener("DOMContentLoaded", watch);
  const sendAll = () => document.querySelectorAll(".cm-visual").forEach((box) => box.visual && box.visual.send());
  addEventListener("pagehide", sendAll);
  document.addEventListener("visibilitychange", sendAll);

  const of = (id) => getHtmlElement(id).visual;
  Object.assign(cmVisual, {
    act: (element, name) => element.closest(".cm-visual").visual.act(name),
    link: (id, said) => of(id).writing.link(said),
    image: (id, said) => of(id).writing.image(said),
    whole: (id) => of(id).send(true),
  });
})();
