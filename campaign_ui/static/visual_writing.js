// Words, links and images of a mail, changed at the caret. What a link or an image becomes is asked for outside.
cmVisual.Writing = (() => {
  const { attributes, decoded, escaped, quoted, read, withAttribute } = cmVisual.source;
  const SHAPE = /<v:(?:roundrect|rect|shape)\b(?:[^>"']|"[^"]*"|'[^']*')*>/i;

  return class Writing {
    constructor(visual) {
      [this.visual, this.mail, this.doc] = [visual, visual.mail, visual.mail.doc];
      [this.range, this.asked] = [null, null];
    }

    // ---- the caret: where it is, or was last
    caret() {
      const chosen = this.doc.getSelection();
      const range = chosen.rangeCount && this.mail.hostOf(chosen.anchorNode) ? chosen.getRangeAt(0) : this.range;
      return range && this.mail.hostOf(range.startContainer) && this.doc.contains(range.startContainer) ? range : null;
    }
    // Before it was ever in the mail: the end of the first words.
    caretOrEnd() {
      const [first] = this.mail.hosts();
      if (this.caret() || !first) return this.caret();
      const range = this.doc.createRange();
      range.selectNodeContents(first);
      range.collapse(false);
      return range;
    }
    follow() {
      const chosen = this.doc.getSelection();
      const at = chosen.rangeCount ? chosen.getRangeAt(0) : null;
      if (at && this.mail.hostOf(at.startContainer)) this.range = at.cloneRange();
    }
    goTo(node, offset) {
      const host = this.mail.hostOf(node);
      this.visual.frame.contentWindow.focus();
      if (host) host.focus({ preventScroll: true });
      this.doc.getSelection().collapse(node, offset);
    }
    select({ startContainer, startOffset, endContainer, endOffset }) {
      this.goTo(startContainer, startOffset);
      this.doc.getSelection().setBaseAndExtent(startContainer, startOffset, endContainer, endOffset);
    }
    // What a finding of the preflight is about.
    reveal(range) {
      const near = range.startContainer.childNodes[range.startOffset] || range.startContainer;
      const element = near.nodeType === Node.ELEMENT_NODE ? near : near.parentElement;
      this.select(range);
      if (!this.mail.hostOf(element)) (element.closest("a, img") || element).focus({ preventScroll: true });
      this.visual.blocks.choose(element);
      this.visual.fit(); // it may just be shown again
      element.scrollIntoView({ block: "center" });
    }
    offset(host) {
      const chosen = this.doc.getSelection();
      if (!chosen.rangeCount || !host.contains(chosen.anchorNode)) return 0;
      const range = this.doc.createRange();
      range.selectNodeContents(host);
      range.setEnd(chosen.anchorNode, chosen.anchorOffset);
      return String(range).length;
    }
    // [which host, how far into it], which holds for another drawing of the mail too.
    place() {
      const host = this.mail.hostOf(this.doc.activeElement);
      return host ? [this.mail.hosts().indexOf(host), this.offset(host)] : null;
    }
    goBackTo([number, offset]) {
      const hosts = this.mail.hosts();
      const host = hosts[Math.min(number, hosts.length - 1)];
      if (!host) return;
      const walk = this.doc.createTreeWalker(host, NodeFilter.SHOW_TEXT);
      let last = null;
      while (walk.nextNode() && ((last = walk.currentNode), offset > last.data.length)) offset -= last.data.length;
      this.goTo(last || host, last ? Math.min(offset, last.data.length) : 0);
    }

    // ---- what is typed and pasted
    insert(words) {
      const range = this.caretOrEnd();
      if (!range) return;
      range.deleteContents();
      words.split(/\r\n|\r|\n/).forEach((line, number) => {
        if (number) this.add(range, this.doc.createElement("br"));
        const { startContainer: node, startOffset: at } = range;
        if (line && node.nodeType === Node.TEXT_NODE) {
          node.insertData(at, line);
          range.setStart(node, at + line.length);
          range.collapse(true);
        } else if (line) {
          const made = this.doc.createTextNode(line);
          range.insertNode(made);
          range.setStart(made, line.length);
          range.collapse(true);
        }
      });
      this.goTo(range.startContainer, range.startOffset);
      this.visual.commit();
    }
    add(range, node) {
      this.leaveText(range);
      range.insertNode(node);
      range.setStartAfter(node);
      range.collapse(true);
    }
    leaveText(range) {
      const { startContainer: node, startOffset: at } = range;
      if (node.nodeType === Node.TEXT_NODE) range.setStartBefore(this.mail.split(node, at));
    }
    enter(asParagraph) {
      const range = this.caret();
      if (!range) return;
      range.deleteContents();
      const host = this.mail.hostOf(range.startContainer);
      this.leaveText(range);
      if (asParagraph && /^(?:p|li|h[1-6])$/.test(host.localName)) {
        const rest = this.doc.createRange();
        rest.setStart(range.startContainer, range.startOffset);
        rest.setEnd(host, host.childNodes.length);
        const moved = rest.extractContents();
        const made = this.mail.copied(host, false);
        made.append(moved);
        host.after(this.doc.createTextNode("\n"), made);
        for (const each of [host, made]) if (!each.textContent) each.append(this.doc.createElement("br"));
        this.goTo(made, 0);
      } else {
        const line = this.doc.createElement("br");
        range.insertNode(line);
        const after = line.nextSibling;
        if (!after || (after.nodeType === Node.TEXT_NODE && !after.data && !after.nextSibling))
          line.after(this.doc.createElement("br"));
        this.goTo(line.parentNode, [...line.parentNode.childNodes].indexOf(line) + 1);
      }
      this.visual.commit();
    }
    // Backspace at the start of a paragraph puts it at the end of the one before.
    joinsBefore() {
      const range = this.caret();
      const host = range && range.collapsed && this.mail.hostOf(range.startContainer);
      const other = host && host.previousElementSibling;
      if (!other || !other.isContentEditable || other.localName !== host.localName || this.offset(host) !== 0) return false;
      for (let each = other.nextSibling; each !== host; each = each.nextSibling)
        if (each.nodeType === Node.COMMENT_NODE) return false; // what keeps columns apart in Outlook
      while (other.lastChild && other.lastChild.localName === "br") other.lastChild.remove();
      const place = other.childNodes.length;
      while (other.nextSibling !== host) other.nextSibling.remove();
      other.append(...host.childNodes);
      host.remove();
      this.goTo(other, place);
      this.visual.commit();
      return true;
    }
    format(name) {
      const range = this.caret();
      if (!range) return;
      this.select(range);
      this.doc.execCommand(name);
      this.visual.commit();
    }

    // ---- links and images
    askAtCaret() {
      const range = this.caret();
      if (!range) return;
      const { startContainer: node } = range;
      const around = (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement).closest("a");
      if (around) return this.askLink(around);
      this.ask(range.cloneRange(), { what: "link", words: String(range), href: "", isNew: true, hasWords: true, isButton: false });
    }
    askLink(link) {
      const words = link.textContent.trim();
      const [href, isButton] = [this.mail.attribute(link, "href"), link.hasAttribute("data-cm-link")];
      this.ask(link, { what: "link", words, href, isNew: false, hasWords: Boolean(words), isButton });
    }
    askImage(image) {
      const link = image.closest("a");
      const href = link ? this.mail.attribute(link, "href") : null;
      this.ask(image, { what: "image", src: image.getAttribute("src") || "", alt: image.alt, href });
    }
    ask(about, said) {
      this.asked = about;
      this.visual.tell("visualask", said);
    }
    link({ words, href, remove }) {
      const { asked, mail } = this;
      if (asked instanceof this.visual.frame.contentWindow.Range) return this.newLink(asked, words, href);
      if (!asked || !asked.isConnected) return;
      if (remove) {
        asked.replaceWith(...asked.childNodes);
        return this.visual.commit();
      }
      const was = { words: asked.textContent.trim(), href: mail.attribute(asked, "href") };
      if (href !== was.href) mail.write(asked, "href", href);
      if (words && words !== was.words) this.writeWords(asked, words);
      for (const twin of asked.parentNode.childNodes) this.alsoForOutlook(twin, was, words || was.words, href);
      this.visual.commit();
      asked.focus({ preventScroll: true });
    }
    writeWords(link, words) {
      const all = [];
      const walk = this.doc.createTreeWalker(link, NodeFilter.SHOW_TEXT);
      while (walk.nextNode()) if (walk.currentNode.data.trim()) all.push(walk.currentNode);
      const [first, ...rest] = all;
      if (!first) return;
      first.data = first.data.match(/^\s*/)[0] + words + first.data.match(/\s*$/)[0];
      rest.forEach((each) => each.remove());
    }
    // Outlook's own drawing of a button, in a comment beside it.
    alsoForOutlook(comment, was, words, href) {
      const kept = comment.nodeType === Node.COMMENT_NODE && this.mail.raws.get(comment);
      if (!kept || !SHAPE.test(kept.raw)) return;
      const leadsThere = ([name, value]) => name === "href" && value === was.href;
      let raw = kept.raw.replace(SHAPE, (open) =>
        href !== was.href && attributes(open).some(leadsThere) ? withAttribute(open, "href", href) : open,
      );
      if (words !== was.words)
        raw = raw.replace(/(>)([^<>]+)(<)/g, (all, start, seen, end) =>
          decoded(seen).trim().replace(/\s+/g, " ") === was.words.replace(/\s+/g, " ") ? start + escaped(words) + end : all,
        );
      this.mail.keep(comment, raw);
    }
    // ``html``: an <a>. Behind the link that the caret is in, if any.
    insertLink(html) {
      const link = new DOMParser().parseFromString(html, "text/html").querySelector("a");
      const range = this.caretOrEnd();
      if (!link || !range) return;
      const { startContainer: node } = range;
      const around = (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement).closest("a");
      if (around) {
        range.setStartAfter(around);
        range.collapse(true);
      }
      this.newLink(range, link.textContent, link.getAttribute("href"));
    }
    newLink(range, words, href) {
      const [piece] = read(`<a href="${quoted(href)}" style="color:inherit;text-decoration:underline;"></a>`).kids;
      const link = this.mail.made(piece);
      if (String(range) === words && words) link.append(range.extractContents());
      else {
        range.deleteContents();
        link.textContent = words;
      }
      this.leaveText(range);
      range.insertNode(link);
      this.visual.commit();
    }
    image({ src, alt, width, height, href }) {
      const { asked, mail } = this;
      if (!asked || !asked.isConnected) return;
      if (src && src !== mail.attribute(asked, "src")) {
        mail.write(asked, "src", src);
        const wide = Number(mail.attribute(asked, "width"));
        if (wide && Number(mail.attribute(asked, "height")) && width)
          mail.write(asked, "height", String(Math.round((wide * height) / width)));
      }
      if (alt !== asked.alt || !asked.hasAttribute("alt")) mail.write(asked, "alt", alt);
      const link = asked.closest("a");
      if (link && href && href !== mail.attribute(link, "href")) mail.write(link, "href", href);
      this.visual.commit();
      asked.focus({ preventScroll: true });
    }
  };
})();
