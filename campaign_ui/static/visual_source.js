// The source of a mail as a tree whose every piece remembers how it was written, so that what is written back is the
// same source but for what was changed.
window.cmVisual = {};
cmVisual.source = (() => {
  const set = (words) => new Set(words.split(" "));
  const VOID = set("area base br col embed hr img input link meta param source track wbr");
  const PLAIN = set("style script title textarea noscript xmp");
  // [a tag that begins, what it ends if that is open, up to what it stays open in]
  const ENDS = [
    ["address blockquote center div dl fieldset h1 h2 h3 h4 h5 h6 hr ol p pre section table ul", "p", "td th table"],
    ["li", "li", "ul ol table"],
    ["td th", "td th", "table"],
    ["tr", "tr", "table"],
    ["tbody thead tfoot", "tbody thead tfoot", "table"],
    ["body", "head", "body"],
  ].map((each) => each.map(set));
  const OF_TABLES = set("table tbody thead tfoot tr td th html body");
  const TOKEN =
    /<!--(?:-?>|[^]*?(?:-->|$))|<[!?][^>]*>|<\/[a-z][^>]*>|<([a-z][^\s\/>]*)(?:[^>"']|"[^"]*"|'[^']*')*>|[^<]+|</gi;
  const ATTRIBUTE = /[\s"'\/]([^\s=<>"'\/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g;
  const ENTITY = /&(?:#\d+|#x[\da-f]+|[a-z][a-z\d]*);?/gi;
  const UNIT = new RegExp(`${ENTITY.source}|[^]`, "gi");
  const reader = document.createElement("textarea");
  const known = new Map();
  const decoded = (text) =>
    text.replace(ENTITY, (entity) => {
      if (!known.has(entity)) {
        reader.innerHTML = entity;
        known.set(entity, reader.value);
      }
      return known.get(entity);
    });
  const escaped = (text) =>
    text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/\u00a0/g, "&nbsp;");
  const quoted = (text) => text.replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;");
  // Characters and entities, as they are written.
  const units = (raw) => raw.match(UNIT) || [];

  // {tag, open, close, kids} and {raw, isText}. Written one after the other it is the source again.
  const read = (source) => {
    const root = { tag: "", open: "", close: "", kids: [] };
    const open = [root];
    const add = (piece) => open[open.length - 1].kids.push(piece);
    const has = (tags, walls) => {
      for (let at = open.length - 1; at > 0; at--) {
        if (tags.has(open[at].tag)) return at;
        if (walls.has(open[at].tag)) return 0;
      }
      return 0;
    };
    const end = (at) => at && open.splice(at);
    TOKEN.lastIndex = 0;
    for (let found; (found = TOKEN.exec(source)); ) {
      const raw = found[0];
      if (found[1]) {
        const tag = found[1].toLowerCase();
        for (const [tags, ended, walls] of ENDS) if (tags.has(tag)) end(has(ended, walls));
        const made = { tag, open: raw, close: "", kids: [] };
        add(made);
        if (PLAIN.has(tag)) TOKEN.lastIndex += readPlain(made, source.slice(TOKEN.lastIndex));
        else if (!VOID.has(tag)) open.push(made);
      } else if (/^<\/[a-z]/i.test(raw)) {
        const tag = raw.slice(2).match(/^[^\s\/>]*/)[0].toLowerCase();
        const at = has(set(tag), set(tag === "table" ? "" : OF_TABLES.has(tag) ? "table" : "td th table"));
        if (at) open[at].close = raw;
        else add({ raw });
        end(at);
      } else add({ raw, isText: !/^<[!?]/.test(raw) });
    }
    return root;
  };
  // What nothing but its own end ends; returns its length.
  const readPlain = (made, rest) => {
    const until = rest.search(new RegExp(`</${made.tag}[\\s/>]`, "i"));
    const words = until < 0 ? rest : rest.slice(0, until);
    made.kids.push({ raw: words, isText: true });
    made.close = until < 0 ? "" : rest.slice(until).match(/^[^>]*>?/)[0];
    return words.length + made.close.length;
  };
  const text = (piece) => (piece.kids ? piece.open + piece.kids.map(text).join("") + piece.close : piece.raw);
  const find = (piece, tag) => {
    if (piece.tag === tag) return piece;
    for (const kid of piece.kids || []) {
      const found = find(kid, tag);
      if (found) return found;
    }
  };

  const attributes = (open) =>
    [...open.replace(/^<[^\s\/>]+/, " ").matchAll(ATTRIBUTE)].map((each) => [
      each[1].toLowerCase(),
      decoded(each[2] ?? each[3] ?? each[4] ?? ""),
    ]);
  const withAttribute = (open, name, value) => {
    const start = open.match(/^<[^\s\/>]+/)[0].length;
    const written = `${name}="${quoted(value)}"`;
    for (const each of open.slice(start).matchAll(ATTRIBUTE))
      if (each[1].toLowerCase() === name) {
        const from = start + each.index + 1;
        return open.slice(0, from) + written + open.slice(start + each.index + each[0].length);
      }
    return open.slice(0, start) + ` ${written}` + open.slice(start);
  };

  // As much of ``raw`` as still holds, from both ends; what is new between them is written anew.
  const changed = (value, raw) => {
    const all = units(raw);
    let [from, to, start, end] = [0, value.length, 0, all.length];
    for (let seen; start < end && ((seen = decoded(all[start])), value.startsWith(seen, from)); start++) from += seen.length;
    for (let seen; end > start; end--) {
      seen = decoded(all[end - 1]);
      if (to - seen.length < from || value.slice(to - seen.length, to) !== seen) break;
      to -= seen.length;
    }
    // Browsers type a space at an edge as a hard one.
    const middle = [...value.slice(from, to)].map((char, at, chars) => {
      const [before, after] = [chars[at - 1] ?? value[from - 1], chars[at + 1] ?? value[to]];
      return char === "\u00a0" && /\S/.test(before || " ") && /\S/.test(after || " ") ? " " : char;
    });
    return all.slice(0, start).join("") + escaped(middle.join("")) + all.slice(end).join("");
  };

  return { attributes, changed, decoded, escaped, find, quoted, read, set, text, units, withAttribute };
})();
