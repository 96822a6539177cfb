// Keeps what is typed in a form of the admin in this browser until it is saved, and offers it again where the form
// was closed, the session ended or the line broke. The admin works without this file.
//
// A copy holds the whole form with the edition and the fingerprints that it was shown with (see merging.py): put
// back later, it is compared by the server with what others saved since, like a form that stayed open.
"use strict";

(() => {
  const PREFIX = "openfield.draft.";
  const FORGET = 14 * 24 * 3600 * 1000;
  const AFTER = 800; // milliseconds from the first change to its copy
  const MOST = 3; // copies of one form

  const store = {
    get(key) {
      try { return JSON.parse(localStorage.getItem(key)) || []; } catch { return []; }
    },
    set(key, copies) { // whether they are kept
      try {
        if (copies.length) localStorage.setItem(key, JSON.stringify(copies)); else localStorage.removeItem(key);
        return true;
      } catch { return false; }
    },
    keys() {
      try { return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)); } catch { return []; }
    },
  };

  // A form was saved: the page that follows knows it by a cookie, and its copies are done with.
  function forgetSaved() {
    const saved = document.cookie.match(/(?:^|; )openfield_saved=([^;]*)/);
    if (!saved) return;
    const name = decodeURIComponent(saved[1]);
    const path = location.pathname.match(/^.*?\/admin\//)?.[0] ?? "/";
    document.cookie = `openfield_saved=; Max-Age=0; path=${path}; SameSite=Lax`;
    for (const key of store.keys()) {
      if (key.slice(PREFIX.length).replace(/^\d+\./, "") === name) store.set(key, store.get(key).filter((copy) => !copy.sent));
    }
  }

  function forgetOld(user) {
    for (const key of store.keys()) {
      if (user && !key.startsWith(`${PREFIX}${user}.`)) store.set(key, []);
      else store.set(key, store.get(key).filter((copy) => Date.now() - copy.at < FORGET));
    }
  }

  // --- What stands in a form ---

  const editors = new WeakMap();
  document.addEventListener("prose-editor:ready", ({ detail }) => editors.set(detail.textarea, detail.editor));

  const isTyped = (element) => element.name && !element.name.includes("__prefix__") && element.type !== "submit"
    && element.type !== "button" && element.type !== "file" && !element.closest(".prose-editor-dialog")
    && !(element.closest(".selector") && element.id.endsWith("_from"));

  function valueOf(element) {
    if (element.type === "checkbox") return element.checked;
    if (element.type === "select-multiple") {
      const all = element.closest(".selector") !== null; // the chosen ones stand in a list of their own
      return [...element.options].filter((option) => all || option.selected).map((option) => option.value).sort();
    }
    return element.value;
  }

  function put(element, value) {
    if (JSON.stringify(valueOf(element)) === JSON.stringify(value)) return;
    if (element.type === "checkbox") element.checked = value;
    else if (element.type === "select-multiple" && element.closest(".selector") && window.SelectBox) choose(element, value);
    else if (element.type === "select-multiple") for (const option of element.options) option.selected = value.includes(option.value);
    else if (editors.has(element)) editors.get(element).commands.setContent(value, { emitUpdate: true });
    else element.value = value;
  }

  function choose(chosen, values) {
    const name = chosen.id.replace(/_to$/, "");
    const offered = document.getElementById(`${name}_from`);
    for (const option of chosen.options) option.selected = !values.includes(option.value);
    window.SelectBox.move(chosen.id, offered.id);
    for (const option of offered.options) option.selected = values.includes(option.value);
    window.SelectBox.move(offered.id, chosen.id);
    window.SelectFilter?.refresh_icons(name);
  }

  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const tablesOf = (form) => [...form.querySelectorAll('input[name$="-TOTAL_FORMS"]')].map((input) => input.name.slice(0, -12));

  // By table a list of rows: their key (of a stored row, or of the heading of a section), and their elements.
  function rowsOf(form, table) {
    const rows = new Map();
    const pattern = new RegExp(`^${escaped(table)}-(\\d+)-(.+)$`);
    for (const element of form.elements) {
      const match = isTyped(element) && element.name.match(pattern);
      if (!match) continue;
      if (!rows.has(match[1])) rows.set(match[1], { key: "", elements: {} });
      const row = rows.get(match[1]);
      if (element.type !== "hidden") row.elements[match[2]] = element;
      else if (match[2] === "type" && element.value) row.key = `type ${element.value}`;
      else if (match[2] === "id" && element.value && !row.key) row.key = `id ${element.value}`;
    }
    return [...rows.values()];
  }

  function read(form) {
    const tables = tablesOf(form);
    const isRow = (name) => tables.some((table) => name.startsWith(`${table}-`));
    const fields = {};
    for (const element of form.elements) {
      if (isTyped(element) && element.type !== "hidden" && !isRow(element.name) && !element.name.startsWith("_")) {
        fields[element.name] = valueOf(element);
      }
    }
    const rows = {};
    for (const table of tables) {
      rows[table] = rowsOf(form, table).map((row) => ({
        key: row.key,
        values: Object.fromEntries(Object.entries(row.elements).map(([name, element]) => [name, valueOf(element)])),
      })).filter((row) => row.key || isFilled(row.values));
    }
    return { fields, rows };
  }

  const isFilled = (values) => Object.entries(values).some(([name, value]) => name !== "order" && typeof value === "string" && value.trim()
    && !/^(kind|DELETE)$/.test(name));

  // The same text for two states of the form that say the same, however the editor writes its HTML.
  const told = ({ fields, rows }) => JSON.stringify([fields, rows], (_name, value) => typeof value === "string" && value.includes("<")
    ? value.replace(/<li>\s*<p>/g, "<li>").replace(/<\/p>\s*<\/li>/g, "</li>").replace(/ (?:rel|target)="[^"]*"/g, "") : value);

  function putBack(form, copy) {
    for (const [name, value] of Object.entries(copy.fields)) {
      const element = [...form.elements].find((each) => each.name === name && isTyped(each));
      if (element) put(element, value);
    }
    for (const [table, rows] of Object.entries(copy.rows)) {
      const taken = new Set();
      for (const { key, values } of rows) {
        const find = () => rowsOf(form, table).find((row) => (key && row.key === key)
          || (!row.key && !taken.has(Object.values(row.elements)[0]?.name) && !isFilled(read1(row))));
        let row = (key && rowsOf(form, table).find((each) => each.key === key)) || find();
        if (!row) {
          document.querySelector(`#${CSS.escape(table)}-group .add-row a`)?.click();
          row = find();
        }
        if (!row) continue;
        if (!row.key) taken.add(Object.values(row.elements)[0]?.name);
        for (const [name, value] of Object.entries(values)) if (row.elements[name]) put(row.elements[name], value);
      }
    }
    for (const name of ["seen", "shown"]) {
      const input = form.querySelector(`input[name="${name}"]`);
      if (input && copy[name] !== undefined) input.value = copy[name];
    }
  }

  const read1 = (row) => Object.fromEntries(Object.entries(row.elements).map(([name, element]) => [name, valueOf(element)]));

  // --- The form of this page ---

  function keep(form, place) {
    const key = `${PREFIX}${place.dataset.user}.${place.dataset.name}`;
    const isBound = place.dataset.bound === "1"; // the server shows what was sent: it is not saved, whatever stands there
    const beginning = told(read(form));
    let kept = store.get(key).filter((copy) => (isBound ? !copy.sent : true) && told(copy) !== beginning);
    let last = beginning;
    let isUnkept = false;
    let timer = 0;

    function write(sent = false) {
      clearTimeout(timer);
      timer = 0;
      const state = read(form);
      const now = told(state);
      if (now === last && !sent && !(isBound && last === beginning)) return;
      last = now;
      const copies = now === beginning && !isBound ? kept : [{
        ...state,
        at: Date.now(),
        sent,
        seen: form.querySelector('input[name="seen"]')?.value,
        shown: form.querySelector('input[name="shown"]')?.value,
      }, ...kept];
      isUnkept = !store.set(key, copies.slice(0, MOST)) && now !== beginning;
    }

    const later = () => { timer ||= setTimeout(write, AFTER); };
    for (const event of ["input", "change", "click", "keyup"]) form.addEventListener(event, later);
    form.addEventListener("submit", () => {
      const token = document.cookie.match(/(?:^|; )csrftoken=([^;]*)/); // it is another one since somebody signed in again
      if (token) form.querySelector('input[name="csrfmiddlewaretoken"]').value = token[1];
      write(true);
      isUnkept = false;
    });
    const hidden = () => { if (timer) write(); };
    window.addEventListener("pagehide", hidden);
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") hidden(); });
    window.addEventListener("beforeunload", (event) => {
      hidden();
      if (isUnkept) event.preventDefault();
    });
    store.set(key, kept);
    if (isBound) write();
    else offer();

    function offer() {
      document.querySelector(".draft-offer")?.remove();
      const copy = kept[0];
      if (!copy) return;
      const bar = document.getElementById("draft-offer").content.firstElementChild.cloneNode(true);
      const at = new Date(copy.at);
      const language = document.documentElement.lang || "en";
      const words = {
        "[day]": at.toLocaleDateString(language === "en" ? "en-GB" : language, { day: "numeric", month: "long" }),
        "[time]": at.toLocaleTimeString(language === "en" ? "en-GB" : language, { hour: "2-digit", minute: "2-digit", hour12: false }),
      };
      const said = bar.querySelector("p");
      for (const [name, text] of Object.entries(words)) said.textContent = said.textContent.replace(name, text);
      bar.querySelector(".put-back").addEventListener("click", () => {
        kept = kept.slice(1);
        putBack(form, copy);
        write();
        bar.querySelector("p").textContent = place.dataset.putBack;
        for (const button of bar.querySelectorAll("button")) button.remove();
        bar.tabIndex = -1;
        bar.focus();
      });
      bar.querySelector(".throw-away").addEventListener("click", () => {
        kept = kept.slice(1);
        store.set(key, last === beginning ? kept : [store.get(key)[0], ...kept]);
        offer();
      });
      place.append(bar);
    }
  }

  forgetSaved();
  for (const form of document.querySelectorAll("#logout-form")) {
    form.addEventListener("submit", () => { for (const key of store.keys()) store.set(key, []); });
  }
  window.addEventListener("load", () => {
    const place = document.getElementById("drafts");
    const form = place && (place.closest("form") || document.getElementById("figures_form"));
    if (!form) return;
    forgetOld(place.dataset.user);
    // The editors begin after the page: what they make of a text without anyone typing is no change.
    setTimeout(() => keep(form, place), 0);
  });
})();
