// The keyboard: single keys, "g" and a letter, and the command palette. Words come from campaign_ui/commands.py.
(() => {
  "use strict";

  const told = JSON.parse(document.getElementById("cm-commands").textContent);
  const { go, keys, words } = told;
  const OFF = "cm-keys-off"; // in localStorage: this browser's user wants no single keys
  const WAIT_MS = 1200; // between "g" and its letter

  const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
  document.documentElement.classList.toggle("is-mac", isMac);

  function make(tag, attributes = {}, ...inside) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...inside);
    return element;
  }

  function openDialog(label, ...inside) {
    const dialog = make("dialog", { class: "cm-dialog", "aria-label": label }, ...inside);
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    document.body.append(dialog);
    dialog.showModal();
    return dialog;
  }

  // ---- What the keys are

  function showKeys() {
    const groups = keys.map(([heading, lines]) =>
      make("section", {}, make("h3", {}, heading), make("dl", {}, ...lines.flatMap(([keys, what]) => [
        make("dt", {}, ...keys.split(" ").map((key) => make("kbd", {}, isMac && key === "Ctrl" ? "⌘" : key))), make("dd", {}, what)])))
    );
    const close = make("button", { type: "button", class: "cm-dialog-close", "aria-label": words.close }, icon("close"));
    const head = make("header", {}, make("h2", {}, words.keys_title), close);
    const dialog = openDialog(words.keys_title, head, make("div", { class: "cm-keys" }, ...groups),
      make("p", { class: "cm-mute" }, words.keys_note));
    close.addEventListener("click", () => dialog.close());
  }

  const icon = (name) => make("i", { class: "material-icons notranslate", "aria-hidden": "true" }, name);

  // ---- The command palette: a combobox over a list box

  function openPalette() {
    const input = make("input", { type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "cm-lines",
      "aria-autocomplete": "list", "aria-label": words.palette_title, placeholder: words.palette_hint,
      autocomplete: "off", spellcheck: "false", maxlength: "200" });
    const list = make("div", { id: "cm-lines", role: "listbox", "aria-label": words.palette_title });
    const count = make("p", { role: "status", class: "sr-only" });
    const nothing = make("p", { class: "cm-palette-nothing", hidden: "" });
    const dialog = openDialog(words.palette_title, make("div", { class: "cm-palette-field" }, icon("search"), input),
      list, make("div", { class: "cm-skeleton", "aria-hidden": "true" }, ...Array.from({ length: 6 }, () => make("div"))),
      nothing, count);
    dialog.classList.add("cm-palette");
    let asked = 0;
    let timer = 0;

    const options = () => [...list.querySelectorAll("[role=option]")];
    const chosen = () => list.querySelector("[aria-selected=true]");

    function choose(option) {
      chosen()?.setAttribute("aria-selected", "false");
      if (!option) return input.removeAttribute("aria-activedescendant");
      option.setAttribute("aria-selected", "true");
      input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    }

    function say(text) {
      nothing.textContent = text;
      nothing.hidden = !text;
    }

    function draw(sections) {
      let number = 0;
      list.replaceChildren(...sections.map((section, at) => {
        const heading = make("div", { id: `cm-heading-${at}`, class: "cm-palette-heading" }, section.heading);
        const lines = section.lines.map((line) => {
          const option = make("a", { id: `cm-line-${number++}`, role: "option", "aria-selected": "false", tabindex: "-1",
            href: line.href }, icon(line.icon), make("span", {}, line.text));
          if (line.detail) option.append(make("small", {}, line.detail));
          return option;
        });
        return make("div", { role: "group", "aria-labelledby": heading.id }, heading, ...lines);
      }));
      dialog.querySelector(".cm-skeleton")?.remove();
      list.hidden = number === 0;
      say(number ? "" : words.nothing);
      count.textContent = number === 1 ? words.one : words.many.replace("{count}", number);
      choose(options()[0]);
    }

    async function ask() {
      const mine = ++asked;
      try {
        const answer = await fetch(`/palette.json?q=${encodeURIComponent(input.value)}`);
        if (answer.status === 401) return location.reload(); // signed out meanwhile
        const { sections } = await answer.json();
        if (mine === asked && dialog.open) draw(sections);
      } catch {
        if (mine === asked) say(words.away);
      }
    }

    function act(option) {
      const href = option.getAttribute("href");
      dialog.close();
      if (href === "#keys") showKeys();
      else if (href.startsWith("#theme-")) emitEvent("cm_theme", href.slice(7));
      else location.assign(href);
    }

    input.addEventListener("input", () => {
      clearTimeout(timer);
      asked++; // what is shown, and what may still come, answers other words
      choose(undefined);
      timer = setTimeout(ask, 90);
    });
    dialog.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const all = options();
      const at = all.indexOf(chosen());
      if (event.key === "ArrowDown") choose(all[(at + 1) % all.length]);
      else if (event.key === "ArrowUp") choose(all[(at - 1 + all.length) % all.length]);
      else if (event.key === "Enter" && chosen()) act(chosen());
      else return;
      event.preventDefault();
    });
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (!option || event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab is the browser's to open
      event.preventDefault();
      act(option);
    });
    ask();
  }

  // ---- Which key does what

  const TYPING = "input, textarea, select, [contenteditable=true], .cm-editor, [role=dialog], dialog, .q-menu";
  const OPEN = "dialog[open], .q-dialog, .q-menu";
  const isBusy = (target) => target.closest?.(TYPING) || document.querySelector(OPEN);

  function search() {
    const field = [...document.querySelectorAll("input")].find(
      (input) => /^search/i.test(input.getAttribute("aria-label") ?? "") && input.checkVisibility());
    field?.focus();
    field?.select();
    return Boolean(field);
  }

  let waitsUntil = 0;

  function press(key) {
    const follows = performance.now() < waitsUntil;
    waitsUntil = 0;
    if (follows && go[key]) location.assign(go[key]);
    else if (key === "g") waitsUntil = performance.now() + WAIT_MS;
    else if (key === "c") location.assign("/campaigns/new");
    else if (key === "?") showKeys();
    else if (key === "/") search() || openPalette();
    else return false;
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.repeat || event.altKey || isBusy(event.target)) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") openPalette();
    else if (event.ctrlKey || event.metaKey || localStorage.getItem(OFF) || !press(event.key)) return;
    event.preventDefault();
  });

  window.cmKeys = {
    openPalette,
    isOn: () => !localStorage.getItem(OFF),
    turn: (on) => (on ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1")),
  };
})();
