// Links of a rich text. What one says and where it leads is asked for in a dialog of ours; until that is answered
// nothing in the mail changes, and what is marked stays marked.
window.cmLink = {
  asked: null,
  ask(rich) {
    const box = rich.getContentEl();
    const range = cmLink.range(rich.caret.range, box);
    const link = cmLink.around(range, box);
    const marked = range.cloneContents();
    const words = (link || marked).textContent.split(/\s+/).join(" ").trim();
    const hasWords = !(link || marked).children.length && words.length <= 300; // bold words and images stay as they are
    cmLink.asked = { rich, box, range, link, words, hasWords };
    const isButton = !!link?.classList.contains("button");
    const detail = { words, hasWords, href: link?.getAttribute("href") || "", isNew: !link, isButton };
    box.dispatchEvent(new CustomEvent("linkask", { detail }));
  },
  range(last, box) {
    if (last && box.contains(last.startContainer) && box.contains(last.endContainer)) return last.cloneRange();
    const end = document.createRange();
    end.selectNodeContents(box);
    end.collapse(false);
    return end;
  },
  // The link that the caret is in, or the first of which something is marked.
  around(range, box) {
    const at = range.startContainer;
    const link = (at.nodeType === Node.ELEMENT_NODE ? at : at.parentElement).closest("a");
    if (link && box.contains(link)) return link;
    const isMarked = (each) => {
      const inside = document.createRange();
      inside.selectNodeContents(each);
      const endsBehindItsStart = range.compareBoundaryPoints(Range.START_TO_END, inside) > 0;
      return endsBehindItsStart && range.compareBoundaryPoints(Range.END_TO_START, inside) < 0;
    };
    return range.collapsed ? null : [...box.querySelectorAll("a")].find(isMarked) || null;
  },

  // The answer; null where the dialog was closed.
  put(answer, tries = 40) {
    const { rich, box, range, link, words, hasWords } = cmLink.asked;
    if (!box.isConnected || !box.contains(range.startContainer) || (link && !box.contains(link))) return;
    if (!cmBody.takesFocus(box, () => cmLink.put(answer, tries - 1), tries)) return;
    if (answer && link) range.selectNode(link);
    rich.caret.restore(range);
    const isSame = !hasWords || answer?.words === words;
    if (answer?.remove) document.execCommand("unlink");
    else if (answer && link) cmLink.write(cmLink.made(link.cloneNode(true), answer, isSame));
    else if (answer && isSame && !range.collapsed) document.execCommand("createLink", false, answer.href);
    else if (answer) cmLink.write(cmLink.made(document.createElement("a"), answer, false));
    rich.caret.save();
    rich.refreshToolbar();
  },
  made(link, { words, href }, isSame) {
    link.setAttribute("href", href);
    if (words && !isSame) link.textContent = words;
    return link.outerHTML;
  },
  write: (html) => document.execCommand("insertHTML", false, html),
};

addEventListener(
  "keydown",
  (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key.toLowerCase() !== "k") return;
    if (!event.target.closest?.(".body-now .q-editor__content")) return;
    event.preventDefault(); // elsewhere it opens the palette
    cmLink.ask(cmBody.box().$refs.qRef);
  },
  true,
);
