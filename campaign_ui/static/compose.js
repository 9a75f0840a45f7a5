// To the very place that a sentence of the preflight is about; its step may still be on its way here.
(() => {
  const FIELDS = {
    subject: 'input[aria-label="Subject"]',
    preheader: 'input[aria-label="Preheader"]',
    sender: '[role="combobox"][aria-label="Sender"], input[aria-label="Sender"]',
    language: '[role="combobox"][aria-label="Language"], input[aria-label="Language"]',
    body: ".body-now [contenteditable=true], .body-now iframe",
    attachments: ".cm-attach",
    said: ".body-said",
    lists: '[role="tabpanel"][aria-label="Audience"] [role="checkbox"]',
    hours: '[role="tabpanel"][aria-label="When"] [role="switch"]',
  };
  const seen = (selector) => [...document.querySelectorAll(selector)].find((each) => each.offsetParent);
  const literal = (text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

  // Words may be broken over lines, and an editor may write an address with entities: all the ways `mark` may stand.
  const written = (mark) => {
    const field = /^\{\{ (\w+) \}\}$/.exec(mark);
    if (field) return new RegExp(`\\{\\{(?:\\s|&nbsp;)*${field[1]}(?!\\w)[^{}]*\\}\\}`, "i");
    const ways = new Set([mark, mark.replace(/&/g, "&amp;"), encodeURI(mark)]);
    return new RegExp([...ways].map((way) => literal(way.trim()).replace(/\s+/g, "\\s*")).join("|"), "i");
  };

  // The range of `mark` in what is shown: the link or image with this address, else the words. `read`: what an
  // attribute is in the source, where not all of them are shown.
  const rangeOf = (box, mark, read = (each, name) => each.getAttribute(name)) => {
    const range = box.ownerDocument.createRange();
    const has = (each, name) => read(each, name) === mark || each[name] === mark;
    const image = [...box.querySelectorAll("img")].find((each) => has(each, "src"));
    const link = [...box.querySelectorAll("a")].find((each) => has(each, "href"));
    if (image || (link && !link.textContent)) range.selectNode(image || link);
    else if (link) range.selectNodeContents(link);
    else {
      const texts = [], walk = box.ownerDocument.createTreeWalker(box, NodeFilter.SHOW_TEXT);
      while (walk.nextNode()) texts.push(walk.currentNode);
      const found = written(mark).exec(texts.map((each) => each.data).join(""));
      if (!found) return null;
      const at = (place, isEnd) => {
        for (const each of texts) {
          if (place < each.length || (isEnd && place === each.length)) return [each, place];
          place -= each.length;
        }
      };
      range.setStart(...at(found.index, false));
      range.setEnd(...at(found.index + found[0].length, true));
    }
    return range;
  };

  // Each marks in its kind of field, and tells whether `mark` was there.
  const inCode = (view, mark) => {
    const found = written(mark).exec(view.state.doc.toString());
    if (!found) return false;
    const selection = { anchor: found.index, head: found.index + found[0].length };
    view.focus();
    view.dispatch({ selection, scrollIntoView: true });
    return true;
  };
  const inRich = (box, mark) => {
    const range = rangeOf(box, mark);
    if (!range) return false;
    box.focus({ preventScroll: true });
    const chosen = box.ownerDocument.getSelection();
    chosen.removeAllRanges();
    chosen.addRange(range);
    const near = range.startContainer.childNodes[range.startOffset] || range.startContainer;
    (near.scrollIntoView ? near : near.parentElement).scrollIntoView({ block: "center" });
    return true;
  };
  const inVisual = (visual, mark) => {
    const { mail } = visual || {};
    const range = mail && rangeOf(mail.doc.body, mark, (each, name) => mail.tag(each) && mail.attribute(each, name));
    if (range) visual.writing.reveal(range);
    return Boolean(range);
  };
  const inInput = (input, mark) => {
    const found = written(mark).exec(input.value);
    if (!found) return false;
    input.focus();
    input.setSelectionRange(found.index, found.index + found[0].length);
    return true;
  };
  const markIn = (found, mark) => {
    if (found.tagName === "INPUT") return inInput(found, mark);
    if (found.tagName === "IFRAME") return inVisual(cmBody.visual(), mark);
    const box = found.closest(".body-now") && getElement(found.closest(".body-now"));
    return box && box.editor ? inCode(box.editor, mark) : inRich(found, mark);
  };

  let asked = 0;
  for (const type of ["pointerdown", "keydown", "popstate"])
    addEventListener(type, () => asked++, true); // who goes on is not fetched back
  window.composeGo = (place, mark = "") => {
    const mine = ++asked;
    let tries = 0;
    const go = () => {
      if (mine !== asked) return;
      const found = FIELDS[place] && seen(FIELDS[place]);
      if (!found || (found.tagName === "IFRAME" && !cmBody.visual()?.mail)) {
        if (tries++ < 200) setTimeout(go, 50);
        return;
      }
      found.scrollIntoView({ block: "center" });
      if (!mark) return found.focus();
      // A merge field of the mail may stand in its subject alone.
      const others = ["subject", "preheader"].map((each) => seen(FIELDS[each])).filter((each) => each && each !== found);
      if (![found, ...others].some((each) => markIn(each, mark))) found.focus();
    };
    go();
  };
})();

// Each step that is opened is one of the browser's; going back and forth opens it again. `from`: where it was opened,
// which the browser may have left before this came.
window.composeStep = (href, from) => {
  if (location.pathname + location.search === href) return; // the browser is there already
  const step = new URLSearchParams(location.search).get("step") || "content";
  const same = href.endsWith(`=${step}`);
  if (step !== from && !same) return;
  if (same) history.replaceState({}, "", href);
  else cmAddress.push(href);
};
addEventListener("popstate", () => emitEvent("compose_step", new URLSearchParams(location.search).get("step") || ""));

// The code editor is large and comes when it is first shown: by then it is here, if one was about to choose it.
for (const type of ["pointerover", "focusin"])
  document.addEventListener(type, ({ target }) => {
    if (target.closest?.('[aria-label="Kind of body"]')) import("nicegui-codemirror").catch(() => {});
  });
