// The mail in a preview is changed where it differs, so that it neither flickers nor jumps back to its top as one types.
// The frame is of this page's origin, but nothing in it runs (sandbox without allow-scripts, and its own policy).
(() => {
  const GONE = 'base, script, meta[http-equiv], iframe, object, embed, link[rel~="preload"], link[rel~="prefetch"]';

  const morph = (old, made) => {
    for (const each of [...old.attributes]) if (!made.hasAttribute(each.name)) old.removeAttribute(each.name);
    for (const each of made.attributes) {
      if (old.getAttribute(each.name) !== each.value) old.setAttribute(each.name, each.value);
    }
    const wanted = [...made.childNodes];
    wanted.forEach((node, at) => {
      const here = old.childNodes[at];
      const copy = () => old.ownerDocument.importNode(node, true);
      if (!here) old.appendChild(copy());
      else if (here.nodeType !== node.nodeType || here.nodeName !== node.nodeName) here.replaceWith(copy());
      else if (node.nodeType === Node.ELEMENT_NODE) morph(here, node);
      else if (here.nodeValue !== node.nodeValue) here.nodeValue = node.nodeValue;
    });
    while (old.childNodes.length > wanted.length) old.lastChild.remove();
  };

  // What is typed of an address names other servers at each key: nothing is fetched before it rests for a moment, and
  // nothing from what is no address at all.
  const RESTS = 1000; // milliseconds
  const WHOLE = /^(https?:\/\/(localhost|[^\/?#]*\.[^\/?#.]+|\[)|data:|cid:|\/)/i;
  const fetched = (made) =>
    [...made.querySelectorAll("[src], [srcset], [background], link[href], [style], style")]
      .map((each) => ["src", "srcset", "background", "href"].map((name) => each.getAttribute(name) || "").join(" ") +
        (((each.tagName === "STYLE" ? each.textContent : each.getAttribute("style")) || "").match(/url\([^)]*\)|@import[^;]*/gi) || []))
      .join("\n");
  const isTyped = (frame, made) => {
    const wanted = fetched(made);
    clearTimeout(frame.rests);
    if (frame.wanted === undefined || frame.wanted === wanted) frame.wanted = wanted;
    else frame.rests = setTimeout(() => ((frame.wanted = wanted), draw(frame)), RESTS);
    return frame.wanted !== wanted;
  };

  const replace = (doc, made) => doc.body.replaceWith(doc.importNode(made.body, true));

  const draw = (frame) => {
    const doc = frame.contentDocument;
    if (!doc || !doc.body || frame.dataset.mail === undefined) return;
    const made = new DOMParser().parseFromString(frame.dataset.mail, "text/html");
    made.querySelectorAll(GONE).forEach((each) => each.remove());
    for (const each of made.querySelectorAll("*")) {
      for (const { name } of [...each.attributes]) {
        if (name === "target" || name.startsWith("on")) each.removeAttribute(name);
      }
    }
    made.querySelectorAll("img[src]").forEach((each) => WHOLE.test(each.getAttribute("src")) || each.removeAttribute("src"));
    if (isTyped(frame, made)) return;
    const scroller = doc.scrollingElement;
    const [left, top] = [scroller.scrollLeft, scroller.scrollTop];
    if (frame.drawnHead !== made.head.innerHTML || frame.drawnIn !== doc) {
      doc.head.querySelectorAll(":scope > :not([data-keep])").forEach((each) => each.remove());
      made.head.childNodes.forEach((each) => doc.head.appendChild(doc.importNode(each, true)));
      [frame.drawnHead, frame.drawnIn] = [made.head.innerHTML, doc];
    }
    try {
      morph(doc.body, made.body);
    } catch {
      replace(doc, made); // a name of an attribute that no script may set
    }
    scroller.scrollTo(left, top);
    frame.setAttribute("data-drawn", "");
  };

  const begin = (frame) => {
    if (!frame.followed) {
      frame.followed = true;
      frame.addEventListener("load", () => draw(frame));
    }
    draw(frame);
  };

  const look = (node) => {
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    if (node.matches("iframe[data-mail]")) begin(node);
    node.querySelectorAll("iframe[data-mail]").forEach(begin);
  };

  const watch = () => {
    look(document.body);
    new MutationObserver((changes) => {
      for (const change of changes) {
        if (change.type === "attributes") begin(change.target);
        else change.addedNodes.forEach(look);
      }
    }).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-mail"] });
  };
  if (document.body) watch();
  else addEventListener("DOMContentLoaded", watch);
})();
