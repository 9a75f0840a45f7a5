// What the browser does by itself on every page. Loaded once, before NiceGUI's own scripts run.
(() => {
  "use strict";

  const { words } = JSON.parse(document.getElementById("cm-commands").textContent);
  const isDark = () => document.body.classList.contains("body--dark");

  // NiceGUI makes a component of a slot's template anew whenever anything is drawn, and Vue puts new nodes in the place
  // of another component's: the focus, an open menu and a click on its way would be lost. One template, one component.
  const ofTemplate = new Map();

  function sameAsBefore(type) {
    if (!type?.template || !type.props?.props) return type;
    if (!ofTemplate.has(type.template)) ofTemplate.set(type.template, type);
    return ofTemplate.get(type.template);
  }

  Object.defineProperty(window, "Vue", {
    configurable: true,
    set(vue) {
      const value = { ...vue, h: (type, ...rest) => vue.h(sameAsBefore(type), ...rest) };
      Object.defineProperty(window, "Vue", { value, configurable: true, writable: true });
    },
  });

  // Code editors wear the theme of the page, also when it changes while they are open.
  function paintEditors() {
    for (const box of document.querySelectorAll(".cm-code")) {
      const editor = getElement(Number(box.id.slice(1)));
      if (editor?.themes) editor.setTheme(isDark() ? "vscodeDark" : "vscodeLight");
    }
  }

  // ---- The tab says how far the sending is: in its title, and as a ring in its icon

  let usualTitle = null; // as the page named itself; null while it is shown
  let ourTitle = "";
  let plainIcon = "";

  function retitle(text) {
    if (document.title !== ourTitle || usualTitle === null) usualTitle = document.title;
    document.title = ourTitle = text || usualTitle;
    if (!text) usualTitle = null;
  }

  function ring(percent) {
    const [part, colour] = percent < 0 ? [100, percent < -1 ? "#d97706" : "#e11d48"] : [percent, "#0f9f6e"];
    const arc = `<circle cx="16" cy="16" r="12" fill="none" stroke="${colour}" stroke-width="7" pathLength="100"
      stroke-dasharray="${part} 100" transform="rotate(-90 16 16)"/>`;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="12"
      fill="none" stroke="#8f95ad" stroke-opacity=".45" stroke-width="7"/>${percent ? arc : ""}</svg>`;
    return `data:image/svg+xml,${encodeURIComponent(svg)}`;
  }

  // `text` is what goes out, "" when nothing does; `percent` 0 to 100, -1 where it stopped, -2 where it can be resumed.
  function progress(text, percent) {
    const link = document.querySelector('link[rel~="icon"]');
    plainIcon ||= link.href;
    retitle(text);
    link.href = text ? ring(percent) : plainIcon;
  }

  // ---- Notifications of the browser, where its user switched them on here

  const ON = "cm-notify"; // in localStorage

  const notices = {
    isOn: () => "Notification" in window && Notification.permission === "granted" && Boolean(localStorage.getItem(ON)),
    // Returns "granted", "denied", "default" (closed without an answer), or "missing" on addresses that are not secure.
    async turn(on) {
      localStorage.removeItem(ON);
      if (!on) return "off";
      if (!("Notification" in window)) return "missing";
      const answer = await Notification.requestPermission();
      if (answer === "granted") localStorage.setItem(ON, "1");
      return answer;
    },
    // The same `tag` from several tabs is one notification.
    show(title, body, tag, href) {
      if (!notices.isOn()) return;
      const shown = new Notification(title, { body, tag, icon: "/static/favicon.svg" });
      shown.addEventListener("click", () => {
        window.focus();
        location.assign(href);
      });
    },
  };

  // ---- Toasts of errors go when the user does something about them, or something went well

  const errors = new Set();

  function noMoreErrors() {
    for (const dismiss of errors) dismiss();
    errors.clear();
  }

  function watchErrors() {
    const create = Quasar.Notify.create;
    Quasar.Notify.create = (told) => {
      if (told.type === "positive") noMoreErrors();
      const dismiss = create(told);
      if (told.type === "negative") errors.add(dismiss);
      return dismiss;
    };
    document.addEventListener("change", noMoreErrors);
    document.addEventListener("click", ({ target }) => {
      const pressed = target.closest("button, a, [role=button], [role=tab], [role=menuitem], [role=option]");
      if (pressed && !pressed.closest(".q-notification")) noMoreErrors();
    }, true);
  }

  // ---- Toasts with Undo (the server names what would be undone by a number) or with a way to what was made

  function addUndo() {
    const create = Quasar.Notify.create;
    Quasar.Notify.create = (told) => {
      const { undo, href, ...options } = told;
      if (undo === undefined && href === undefined) return create(told);
      const undoing = { label: words.undo, handler: () => emitEvent("cm_undo", undo) };
      const act = href === undefined ? undoing : { label: words.open, handler: () => location.assign(href) };
      return create({ ...options, actions: [{ ...act, noCaps: true, color: "white" }] });
    };
  }

  // ---- What is typed and not saved is not left without a question. NiceGUI has a handler of its own

  window.cmUnsaved = false;
  addEventListener("beforeunload", (event) => window.cmUnsaved && event.preventDefault());

  // ---- A connection that is lost heals itself; what was typed meanwhile survives the page being loaded again

  const KEPT = "cm-typed-offline"; // in sessionStorage
  const KEPT_BODY = "cm-body-offline"; // of a mail: there is one on its page, and it comes late (static/body.js)
  const typed = new Map();
  let isBodyTyped = false;
  const isAway = () => document.getElementById("popup")?.getAttribute("aria-hidden") === "false";
  const nameOf = (field) => field.getAttribute("aria-label") || field.id;

  function watchConnection() {
    const popup = document.getElementById("popup");
    popup.setAttribute("role", "status");
    popup.children[0].textContent = words.away_title;
    popup.children[1].textContent = words.away_text;
    document.addEventListener("input", ({ target }) => {
      if (!isAway()) return;
      if (target.matches("input:not([type=password], [type=file], [autocomplete$=password]), textarea")) {
        typed.set(nameOf(target), target.value);
      } else if (target.closest(".body-now")) isBodyTyped = true;
    });
    addEventListener("pagehide", () => {
      if (!isAway()) return;
      if (typed.size) sessionStorage.setItem(KEPT, JSON.stringify([location.href, [...typed]]));
      if (isBodyTyped) sessionStorage.setItem(KEPT_BODY, JSON.stringify([location.href, cmBody.written()]));
    });
    const forget = () => {
      typed.clear();
      isBodyTyped = false;
    };
    new MutationObserver(() => isAway() || forget()).observe(popup, { attributeFilter: ["aria-hidden"] });
  }

  // What was kept of this very page; `done` with it, it is forgotten.
  function kept(key) {
    const [href, what] = JSON.parse(sessionStorage.getItem(key) ?? "[]");
    return href === location.href ? what : undefined;
  }
  const done = (key) => sessionStorage.removeItem(key);

  function typeAgain() {
    const written = kept(KEPT_BODY);
    if (written) cmBody.write(written, () => done(KEPT_BODY)); // once its editor is there
    else done(KEPT_BODY);
    const fields = kept(KEPT) ?? [];
    done(KEPT);
    const all = [...document.querySelectorAll("input, textarea")];
    for (const [name, value] of fields) {
      const field = all.find((each) => nameOf(each) === name);
      if (!field || field.value === value) continue;
      field.value = value;
      for (const type of ["input", "change"]) field.dispatchEvent(new Event(type, { bubbles: true }));
    }
  }

  // ---- Back closes the dialog on top. For that an open one has an entry of the history; once it is closed the entry
  // stands for nothing: Back goes on, and the next dialog or what a list shows then takes it

  const dialogs = () => [...document.querySelectorAll(".q-dialog, .cm-dialog")];
  const isForDialog = () => Boolean(history.state?.cmDialog);
  let wasForDialog = isForDialog();

  function markDialog() {
    if (!dialogs().length || isForDialog()) return;
    history.replaceState({ ...history.state, cmBelow: true }, "");
    history.pushState({ cmDialog: true }, "");
    wasForDialog = true;
  }

  function push(href) {
    history[isForDialog() ? "replaceState" : "pushState"]({}, "", href);
    wasForDialog = false;
  }

  addEventListener("popstate", () => {
    const isLeft = wasForDialog && history.state?.cmBelow; // else it is another place on the page
    wasForDialog = isForDialog();
    if (!isLeft) return;
    const top = dialogs().pop();
    if (!top) history.back();
    else if (top.close) top.close();
    else top.querySelector(".q-dialog__backdrop")?.click(); // asks where something is typed
  });

  // ---- What a list shows is its address: Back goes to what it showed before

  const SETTLED = 1500; // ms without a key: then a search is one that somebody wants to come back to
  let typedAt = 0;
  let shown = location.search;

  function say(href, isTyped, isNew) {
    const isSameEntry = !isNew || (isTyped && Date.now() - typedAt < SETTLED);
    typedAt = isTyped ? Date.now() : 0;
    if (href !== location.pathname + location.search) {
      if (isSameEntry) history.replaceState(history.state, "", href);
      else push(href);
    }
    shown = location.search;
  }

  addEventListener("popstate", () => {
    if (location.search === shown) return; // only another place on the page
    shown = location.search;
    typedAt = 0;
    if (window.did_handshake === undefined) location.reload(); // it is not there yet, and would come as it was asked for
    else emitEvent("cm_address", location.search);
  });

  document.addEventListener("DOMContentLoaded", () => {
    let wasDark = isDark();
    new MutationObserver(() => {
      if (isDark() !== wasDark) {
        wasDark = isDark();
        paintEditors();
      }
    }).observe(document.body, { attributeFilter: ["class"] });
    new MutationObserver(markDialog).observe(document.body, { childList: true });
    watchErrors();
    addUndo();
    watchConnection();
  });

  window.cmAddress = { say, push };
  window.cmTab = { progress, notices, connected: typeAgain };
})();
