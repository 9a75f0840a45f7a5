// The box that the body of a mail is typed in, rich or code: what only the browser can do with it. Python calls these;
// what is put in comes as JSON, so that a name from somebody's file is never part of a script.
window.cmBody = {
  // Neither editor lets us name it; the toolbar is one stop of the Tab key, arrows go on inside it.
  name(tries = 100) {
    const box = document.querySelector(".body-now [contenteditable=true]");
    if (!box) {
      if (tries) setTimeout(() => cmBody.name(tries - 1), 50);
      return;
    }
    box.cmAsShown ??= cmBody.content(box);
    box.setAttribute("aria-label", "Body");
    box.setAttribute("role", "textbox");
    box.setAttribute("aria-multiline", "true");
    box.tabIndex = 0;
    if (box.classList.contains("q-editor__content")) window.cmColours?.watch(box);
    if (box.classList.contains("cm-content")) box.setAttribute("aria-description", "Escape, then Tab, leaves it.");
    const bar = document.querySelector(".body-now .q-editor__toolbars-container");
    if (bar && bar.getAttribute("role") !== "toolbar") cmBody.rove(bar);
  },
  rove(bar, name = "Formatting") {
    if (bar.cmRoves) return; // said again at each connection
    bar.cmRoves = true;
    bar.setAttribute("role", "toolbar");
    bar.setAttribute("aria-label", name);
    const all = () => [...bar.querySelectorAll(".q-btn")];
    let current;
    const only = (button) => {
      current = button;
      for (const each of all()) {
        if (each.tabIndex !== (each === button ? 0 : -1)) each.tabIndex = each === button ? 0 : -1;
        if (!each.hasAttribute("role")) each.setAttribute("role", "button"); // those that cannot be pressed have none
      }
    };
    // Quasar makes a button a stop again when it can be pressed again.
    const watched = { attributes: true, attributeFilter: ["tabindex", "role"], subtree: true };
    new MutationObserver(() => only(current)).observe(bar, watched);
    bar.addEventListener("focusin", (event) => {
      const at = event.target.closest(".q-btn");
      if (at) only(at);
    });
    bar.addEventListener("keydown", (event) => {
      const buttons = all().filter((each) => !each.classList.contains("disabled"));
      const at = buttons.indexOf(event.target.closest(".q-btn"));
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
      if (at < 0 || to === undefined) return;
      event.preventDefault();
      buttons.at(to % buttons.length).focus();
    });
    only(all()[0]);
  },

  // What took the place of the whole body came in a new box, whose own undo does not know the way back. Ctrl+Z, or Undo
  // in the toolbar, finds it once nothing is left to undo that was typed since.
  content: (box) => (box.classList.contains("cm-content") ? cmBody.box().editor.state.doc.toString() : box.innerHTML),
  takeBack(event) {
    const old = document.querySelector(".body-now");
    const box = old?.querySelector("[contenteditable=true]");
    const button = document.querySelector(".body-takes-back");
    const visual = cmBody.visual();
    if (!button || (visual ? visual.past.length : !box || cmBody.content(box) !== box.cmAsShown)) return;
    event.preventDefault();
    event.stopPropagation();
    button.click();
    cmBody.focusAfter(old);
  },
  focusAfter(old, tries = 100) {
    const now = document.querySelector(".body-now");
    const box = now !== old && now?.querySelector("[contenteditable=true]");
    if (box) box.focus({ preventScroll: true });
    else if (tries) setTimeout(() => cmBody.focusAfter(old, tries - 1), 50);
  },

  // All that is in it now, and the same put in again as if it was typed, into a box of the same kind only.
  visual: () => document.querySelector(".body-now.cm-visual")?.visual,
  box: () => cmBody.visual() || getElement(document.querySelector(".body-now")),
  kind: (box) => (box.mail ? "visual" : box.editor ? box.language : "rich"),
  written() {
    const box = cmBody.box();
    return [cmBody.kind(box), box.mail ? box.now : box.editor ? box.editor.state.doc.toString() : box.inputValue];
  },
  write([kind, text], done, tries = 1200) {
    const isThere = cmBody.visual()?.mail || document.querySelector(".body-now [contenteditable=true]");
    const box = isThere && cmBody.box();
    if (!box) {
      if (tries) setTimeout(() => cmBody.write([kind, text], done, tries - 1), 50);
      return;
    }
    done();
    if (cmBody.kind(box) !== kind) return;
    if (box.mail) box.replace(text);
    else if (box.editor) box.editor.dispatch({ changes: { from: 0, to: box.editor.state.doc.length, insert: text } });
    else box.inputValue = text;
  },

  // At the cursor, so that the editor's own undo takes it back: a block, what was pasted, a link, or words, which are
  // never HTML. Where the cursor is, is known before the first try: a box that loses the focus
  // again to a menu has it at its beginning.
  insert(id, text, what, tries = 40, at = null) {
    const target = getElement(id);
    const visual = getHtmlElement(id)?.visual;
    if (visual && what === "block") return visual.blocks.insert(text);
    if (visual) return what === "link" ? visual.writing.insertLink(text) : visual.writing.insert(text);
    const rich = target && target.$refs && target.$refs.qRef;
    if (rich) {
      const box = rich.getContentEl();
      const place = what === "pasted" && box.contains(cmBody.pastedAt?.startContainer) && cmBody.pastedAt;
      at ??= place || rich.caret._range;
      if (!cmBody.takesFocus(box, () => cmBody.insert(id, text, what, tries - 1, at), tries)) return;
      const now = place && box.contains(rich.caret._range?.startContainer) && rich.caret._range.cloneRange();
      const typedSince = now && now.compareBoundaryPoints(Range.START_TO_START, place) > 0;
      rich.caret.restore(at);
      if (what === "block") cmBody.ownLine(box, !/class="(columns|footer)"/.test(text));
      const command = what === "words" ? "insertText" : "insertHTML";
      document.execCommand(command, false, what === "block" ? `${text}<div><br></div>` : text);
      if (typedSince) rich.caret.restore(now);
      rich.caret.save();
      rich.refreshToolbar();
      const caret = rich.caret._range;
      cmBody.holdsFocus(box, () => rich.caret.restore(caret));
    } else if (target && target.editor) {
      const box = target.editor.contentDOM;
      if (!cmBody.takesFocus(box, () => cmBody.insert(id, text, what, tries - 1), tries)) return;
      target.editor.dispatch(target.editor.state.replaceSelection(text), { scrollIntoView: true, userEvent: "input" });
      cmBody.holdsFocus(box);
    }
  },
  // Whether it has the focus now. A menu or dialog that closes holds it still: then again a little later.
  takesFocus(box, again, tries) {
    box.focus({ preventScroll: true });
    if (document.activeElement === box || !tries) return true;
    setTimeout(again, 30);
    return false;
  },
  // A menu that was opened just before takes it late, for itself: until it is gone, the box gets it back, and its caret.
  holdsFocus(box, then = () => {}, tries = 40, menus = [...document.querySelectorAll(".q-menu")]) {
    const holder = document.activeElement;
    if (holder === document.body || menus.includes(holder?.closest(".q-menu"))) {
      box.focus({ preventScroll: true });
      then();
    }
    if (!tries || !menus.some((menu) => menu.isConnected)) return;
    setTimeout(() => cmBody.holdsFocus(box, then, tries - 1, menus), 30);
  },
  // A block stands between paragraphs, never inside one: the caret goes to an empty line after the one it is in. That
  // line is made here, not by a command, so that one undo takes the block back whole.
  ownLine(box, inColumn) {
    const isBlock = (node) => node.nodeType === 1 && /^(DIV|P|H[1-6]|UL|OL|BLOCKQUOTE|PRE|HR|TABLE)$/.test(node.tagName);
    const holdsLines = (node) =>
      node === box ||
      (node.tagName === "DIV" &&
        !node.closest("table") &&
        (node.className ? inColumn && node.className === "column" : [...node.children].some(isBlock)));
    const chosen = getSelection();
    let line = chosen.rangeCount ? chosen.getRangeAt(0).endContainer : box;
    while (line !== box && !holdsLines(line.parentNode)) line = line.parentNode;
    while (line !== box && line.parentNode !== box && !line.parentNode.className && !line.nextSibling)
      line = line.parentNode; // not ever deeper
    if (line !== box && line.tagName === "DIV" && !line.textContent.trim() && !line.querySelector("img, hr")) {
      chosen.collapse(line, 0);
      return;
    }
    if (line !== box && !isBlock(line)) while (line.nextSibling && !isBlock(line.nextSibling)) line = line.nextSibling;
    const own = document.createElement("div");
    own.append(document.createElement("br"));
    if (line === box) box.append(own);
    else line.after(own);
    chosen.collapse(own, 0);
  },

  // Files to our server over HTTP; `tell` says how it went: {begin}, {id, path} or {error} of each, {end}.
  async send(file, to = "/images", failed = "the image was not stored") {
    try {
      const name = encodeURIComponent(file.name || "");
      const answer = await fetch(to, { method: "POST", body: file, headers: { "X-File-Name": name } });
      if (answer.status === 413) return { refused: "heavy" };
      const said = await answer.json().catch(() => ({}));
      return said.id ? said : { error: said.error || `The server failed (${answer.status}), so ${failed}. Try again.` };
    } catch {
      return { error: `The server could not be reached, so ${failed}. Try again.` };
    }
  },
  async take(files, tell, ...how) {
    tell({ begin: files.length });
    for (const file of files) tell(await cmBody.send(file, ...how));
    tell({ end: true });
  },
  // What was copied elsewhere: images that are data are stored, then Python says what of it goes in, where it was pasted.
  async takeHtml(html, tell) {
    const page = new DOMParser().parseFromString(html, "text/html");
    const walk = page.createTreeWalker(page.body, NodeFilter.SHOW_COMMENT);
    const unseen = [...page.body.querySelectorAll("style, script")];
    while (walk.nextNode()) unseen.push(walk.currentNode);
    unseen.forEach((each) => each.remove());
    const inside = [...page.images].filter((each) => (each.getAttribute("src") || "").startsWith("data:"));
    tell({ begin: inside.length });
    for (const each of inside) {
      const said = await cmBody.sendData(each.getAttribute("src"));
      if (said.path) each.setAttribute("src", said.path);
      else {
        each.remove();
        tell(said);
      }
    }
    const made = page.body.innerHTML;
    tell(made.length > 7e5 ? { end: true, refused: "large" } : { end: true, html: made });
  },
  async sendData(address) {
    try {
      const bytes = Uint8Array.from(atob(address.split(",", 2)[1]), (letter) => letter.charCodeAt(0));
      return await cmBody.send(new File([bytes], "Pasted"));
    } catch {
      return { error: "An image in what you pasted could not be read." };
    }
  },

  // Pasted or dropped. As data an image would make the text too long for the socket, which drops it without a word.
  paste(event, tell) {
    const data = event.clipboardData || event.dataTransfer;
    if (!data) return;
    const [html, text, files] = [data.getData("text/html"), data.getData("text/plain"), [...data.files]];
    const words = html && new DOMParser().parseFromString(html, "text/html").body.textContent.trim();
    if ((event.type === "drop" && cmBody.drags) || (!words && /\/i\/[\w-]{32}\./.test(html))) return; // it moves
    const stop = () => {
      event.preventDefault();
      event.stopPropagation();
    };
    const box = event.currentTarget.querySelector(".q-editor__content");
    const images = files.filter((file) => file.type.startsWith("image/"));
    if (images.length && !words) {
      stop();
      if (event.type === "drop") cmBody.goTo(box, event);
      cmBody.take(images, tell);
    } else if (files.length && !html && !text) {
      stop();
      tell({ refused: "file" });
    } else if (html.length > 30e6 || text.length > 7e5) {
      stop();
      tell({ refused: "large" });
    } else if (box && html) {
      stop();
      if (event.type === "drop") cmBody.goTo(box, event);
      cmBody.pastedAt = getSelection().rangeCount ? getSelection().getRangeAt(0).cloneRange() : null;
      cmBody.takeHtml(html, tell);
    }
  },
  goTo(box, event) {
    const at = box && document.caretRangeFromPoint && document.caretRangeFromPoint(event.clientX, event.clientY);
    if (!at || !box.contains(at.startContainer)) return;
    getSelection().removeAllRanges();
    getSelection().addRange(at);
  },
};

// What is dragged within the rich box only moves.
for (const type of ["dragstart", "dragend"])
  addEventListener(type, ({ target }) => {
    const at = target.nodeType === Node.TEXT_NODE ? target.parentElement : target;
    cmBody.drags = type === "dragstart" && Boolean(at.closest?.(".body-now .q-editor__content"));
  });

// Ctrl+Z in the body, or where nothing is typed in.
addEventListener(
  "keydown",
  (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key.toLowerCase() !== "z") return;
    const typedIn = event.target.closest?.("input, textarea, [contenteditable=true], [role=dialog]");
    if (!typedIn || typedIn.closest(".body-now")) cmBody.takeBack(event);
  },
  true,
);
addEventListener(
  "click",
  (event) => {
    const button = event.target.closest?.(".body-now .q-editor__toolbars-container .q-btn");
    if (button?.querySelector("i")?.textContent.trim() === "undo") cmBody.takeBack(event);
  },
  true,
);

// A file that misses the editor would take the place of the whole page.
for (const type of ["dragover", "drop"])
  document.addEventListener(type, (event) => {
    if (event.dataTransfer && event.dataTransfer.types.includes("Files") && event.target.type !== "file")
      event.preventDefault();
  });
