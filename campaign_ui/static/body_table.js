// Tables of a rich text. Each change writes the whole table anew, as if it was typed: so one undo takes it back.
window.cmTable = {
  // The cell that the caret is in.
  cell(rich) {
    const at = rich.caret?._range?.startContainer;
    const cell = (at?.nodeType === Node.TEXT_NODE ? at.parentElement : at)?.closest?.("td, th");
    return cell?.closest(".body-now .q-editor__content") ? cell : null;
  },
  cells: (table) => [...table.querySelectorAll("td, th")],
  // By row and column: the cell that is there, also where it is there because it spans.
  grid(table) {
    const grid = [...table.rows].map(() => []);
    [...table.rows].forEach((row, at) => {
      for (const cell of row.cells) {
        const column = [...grid[at], null].findIndex((each) => !each);
        for (let down = 0; down < cell.rowSpan && at + down < grid.length; down++)
          for (let right = 0; right < cell.colSpan; right++) grid[at + down][column + right] = cell;
      }
    });
    return grid;
  },
  put(row, cell, grid, column) {
    const behind = grid[row.rowIndex].find((each, at) => at > column && each?.parentNode === row);
    row.insertBefore(cell, behind || null);
  },
  made(name = "td") {
    const cell = document.createElement(name);
    cell.append(document.createElement("br"));
    return cell;
  },

  // Each changes ``table`` beside ``cell`` and tells where the caret goes.
  rowBelow(table, cell) {
    const grid = cmTable.grid(table);
    const last = cell.parentNode.rowIndex + cell.rowSpan - 1;
    const row = document.createElement("tr");
    let first = null;
    for (const each of new Set(grid[last])) {
      if (grid[last + 1]?.includes(each)) each.rowSpan += 1;
      else for (let right = 0; right < each.colSpan; right++) row.append(cmTable.made());
      first ??= row.firstChild;
    }
    const above = table.rows[last];
    if (above.parentNode.tagName !== "THEAD") above.after(row);
    else (table.tBodies[0] || table.createTBody()).prepend(row);
    return first;
  },
  columnRight(table, cell) {
    const grid = cmTable.grid(table);
    const last = grid[cell.parentNode.rowIndex].lastIndexOf(cell);
    const wider = new Set();
    let mine = null;
    grid.forEach((row, at) => {
      if (row[last] && row[last] === row[last + 1]) return wider.add(row[last]);
      const isHead = [...table.rows[at].cells].every((each) => each.tagName === "TH");
      const made = cmTable.made(isHead ? "th" : "td");
      cmTable.put(table.rows[at], made, grid, last);
      if (at === cell.parentNode.rowIndex) mine = made;
    });
    for (const each of wider) each.colSpan += 1;
    return mine;
  },
  deleteRow(table, cell) {
    const grid = cmTable.grid(table);
    const at = cell.parentNode.rowIndex;
    const next = table.rows[at + 1];
    for (const each of new Set(grid[at])) {
      if (each.rowSpan < 2) continue;
      each.rowSpan -= 1;
      if (each.parentNode.rowIndex === at && next) cmTable.put(next, each, grid, grid[at].lastIndexOf(each));
    }
    const part = table.rows[at].parentNode;
    table.rows[at].remove();
    if (!part.rows?.length) part.remove();
    return (table.rows[at] || table.rows[at - 1])?.cells[0];
  },
  deleteColumn(table, cell) {
    const grid = cmTable.grid(table);
    const row = cell.parentNode;
    const at = grid[row.rowIndex].indexOf(cell);
    for (const each of new Set(grid.map((each) => each[at])))
      if (each?.colSpan > 1) each.colSpan -= 1;
      else each?.remove();
    return row.cells[Math.min(at, row.cells.length - 1)] || cmTable.cells(table)[0];
  },
  deleteTable(table) {
    table.replaceChildren();
  },

  change(rich, what) {
    const cell = cmTable.cell(rich);
    if (!cell) return;
    const box = rich.getContentEl();
    const old = cell.closest("table");
    const number = [...box.querySelectorAll("table")].indexOf(old);
    const table = old.cloneNode(true);
    const target = cmTable[what](table, cmTable.cells(table)[cmTable.cells(old).indexOf(cell)]);
    const all = cmTable.cells(table);
    const range = document.createRange();
    range.selectNode(old);
    box.focus({ preventScroll: true });
    rich.caret.restore(range);
    document.execCommand("insertHTML", false, all.length ? table.outerHTML : "<div><br></div>");
    if (all.length) cmTable.goTo(cmTable.cells(box.querySelectorAll("table")[number])[all.indexOf(target)], rich);
    rich.caret.save();
    rich.refreshToolbar();
  },
  goTo(cell, rich) {
    const range = document.createRange();
    range.selectNodeContents(cell);
    if (!cell.textContent) range.collapse(true);
    rich.caret.restore(range);
    rich.caret.save();
  },
};

// Tab goes from cell to cell; in the last one it adds a row. Before the first one it leaves, as elsewhere.
addEventListener(
  "keydown",
  (event) => {
    if (event.key !== "Tab" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!event.target.closest?.(".body-now .q-editor__content")) return;
    const rich = cmBody.box().$refs.qRef;
    rich.caret.save();
    const cell = cmTable.cell(rich);
    const all = cell ? cmTable.cells(cell.closest("table")) : [];
    const next = all[all.indexOf(cell) + (event.shiftKey ? -1 : 1)];
    if (!cell || (!next && event.shiftKey)) return;
    event.preventDefault();
    event.stopPropagation();
    if (next) cmTable.goTo(next, rich);
    else cmTable.change(rich, "rowBelow");
  },
  true,
);
