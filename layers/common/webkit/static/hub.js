// Small helpers over htmx. No inline handlers anywhere: elements say what they are with data-…
// attributes, this file listens once on the document. Pages work without it, only less smoothly.
"use strict";

(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

  // --- Live regions: milestones politely, errors assertively, once each ---
  function announce(text, assertive = false) {
    const region = document.getElementById(assertive ? "live-alert" : "live");
    if (!region || !text) return;
    region.textContent = "";
    window.setTimeout(() => { region.textContent = text; }, 60);
  }

  // --- Focus: an error summary takes it; a swapped region gives it back by id ---
  function focusErrors(root = document) {
    const summary = $("[data-error-summary]", root);
    if (summary) {
      nameErrors(summary);
      summary.focus();
    }
    return Boolean(summary);
  }

  // "This entry is needed", three times over, says nothing: each problem is called by its field.
  function nameErrors(summary) {
    $$("a[href^='#']:not([data-named])", summary).forEach((link) => {
      const id = decodeURIComponent(link.hash.slice(1));
      const field = document.getElementById(id);
      const label = $(`label[for="${CSS.escape(id)}"]`) || (field && $("legend", field));
      const name = label?.firstChild?.textContent.trim();
      if (!name) return;
      link.dataset.named = "";
      link.prepend(`${name}: `);
    });
  }

  // The browser itself focuses the summary (autofocus), except when the address names a fragment.
  window.addEventListener("load", () => {
    if (document.activeElement === document.body) focusErrors();
  });

  document.addEventListener("DOMContentLoaded", () => {
    $$("[data-error-summary]").forEach(nameErrors);
    const flashes = $("[data-flashes]");
    if (flashes) announce(flashes.textContent.trim());
    $$("[data-bulk]").forEach(count);
  });

  // A link of the error summary puts the cursor into its field, not only the field into view.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-error-summary] a[href^='#']");
    const field = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (!field) return;
    event.preventDefault();
    field.scrollIntoView({ block: "center" });
    field.focus();
  });

  document.addEventListener("htmx:configRequest", (event) => {
    const token = $("meta[name=csrf-token]");
    if (token && event.detail.verb !== "get") event.detail.headers["x-csrf-token"] = token.content;
  });

  // htmx notes the current address, search words included, in sessionStorage for a page cache that
  // is switched off here; nothing about people stays in the browser's storage.
  function forgetPath() {
    window.sessionStorage.removeItem("htmx-current-path-for-history");
  }
  forgetPath();
  document.addEventListener("htmx:pushedIntoHistory", forgetPath);
  document.addEventListener("htmx:replacedInHistory", forgetPath);

  let focused = "";
  document.addEventListener("htmx:beforeSwap", () => { focused = document.activeElement?.id || ""; });

  document.addEventListener("htmx:afterSettle", (event) => {
    const target = event.detail.target.isConnected
      ? event.detail.target
      : document.getElementById(event.detail.target.id) || document;
    if (!focusErrors(target) && document.activeElement === document.body && focused) {
      document.getElementById(focused)?.focus();
    }
    const spoken = target.dataset?.announce || $("[data-announce]", target)?.dataset.announce;
    if (spoken) announce(spoken);
    $$("[data-bulk]").forEach(count);
  });

  document.addEventListener("htmx:responseError", (event) => {
    // A problem page is a page: show it instead of swapping half of it into a region.
    const xhr = event.detail.xhr;
    if (xhr.status === 401) window.location.assign(window.location.href);
    else announce(new DOMParser().parseFromString(xhr.responseText, "text/html")
      .querySelector("h1")?.textContent || `${xhr.status}`, true);
  });

  // --- Dialogs: opened by a button, closed to the same button ---
  const openers = new WeakMap();

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog-open]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.dialogOpen);
      if (!dialog) return;
      event.preventDefault();
      openers.set(dialog, opener);
      dialog.showModal();
      return;
    }
    const closer = event.target.closest("[data-dialog-close]");
    if (closer) closer.closest("dialog")?.close();
    else if (event.target instanceof HTMLDialogElement) event.target.close();
  });

  document.addEventListener("close", (event) => {
    if (event.target instanceof HTMLDialogElement) openers.get(event.target)?.focus();
  }, true);

  // --- Menus are <details>; Escape and a click elsewhere close them ---
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = event.target.closest?.("[data-menu][open]");
    if (!menu) return;
    menu.open = false;
    $("summary", menu).focus();
  });

  document.addEventListener("click", (event) => {
    for (const menu of $$("[data-menu][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  // --- Copy ---
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    announce(button.dataset.copied);
    const note = document.createElement("div");
    note.className = "hub-toast";
    note.textContent = button.dataset.copied;
    document.body.append(note);
    window.setTimeout(() => note.remove(), 2000);
  });

  // --- Selection in tables ---
  function boxes(id) {
    return $$(`[data-select="${CSS.escape(id)}"]`);
  }

  function count(form) {
    const id = form.dataset.bulk;
    const all = boxes(id);
    const chosen = all.filter((box) => box.checked).length;
    const output = $("[data-selected-count]", form);
    if (output) output.textContent = String(chosen);
    const head = $(`[data-select-all="${CSS.escape(id)}"]`);
    if (head) {
      head.checked = chosen > 0 && chosen === all.length;
      head.indeterminate = chosen > 0 && chosen < all.length;
    }
    const matching = $("[data-select-matching]", form);
    for (const button of $$("button[type=submit]", form)) {
      button.disabled = chosen === 0 && !matching?.checked;
    }
  }

  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.dataset.selectAll) boxes(box.dataset.selectAll).forEach((each) => { each.checked = box.checked; });
    const id = box.dataset.selectAll || box.dataset.select;
    const form = id ? $(`[data-bulk="${CSS.escape(id)}"]`) : box.closest("[data-bulk]");
    if (form) count(form);
  });

  // --- Keys inside a table: j and k walk the rows, x selects, Enter opens the row's first link ---
  // They only act while the focus is in the table and not in a control, so they never steal typing.
  // A row that can only be chosen sends the form around it, as Enter on its checkbox does. Buttons
  // of the bulk form that name a key (aria-keyshortcuts) are pressed by it.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const area = event.target.closest?.("[data-keys]");
    if (!area || event.target.closest("input:not([type=checkbox]), select, textarea")) return;
    const rows = $$("tbody tr[data-row]", area);
    const row = event.target.closest("tr[data-row]");
    const at = rows.indexOf(row);
    if (event.key === "j" || event.key === "k") {
      const next = event.key === "j" ? Math.min(at + 1, rows.length - 1) : Math.max(at - 1, 0);
      rows[next]?.focus();
      event.preventDefault();
    } else if (event.key === "x" && row) {
      $("[data-select]", row)?.click();
      event.preventDefault();
    } else if (event.key === "Enter" && row && event.target === row) {
      const target = $("a[href], button", row);
      if (target) target.click();
      else if ($("[data-select]", row)) area.closest("form")?.requestSubmit();
      event.preventDefault();
    } else if (row && event.key.length === 1) {
      const bulk = `[data-bulk="${CSS.escape($("table", area).id)}"]`;
      $(`${bulk} button[aria-keyshortcuts="${CSS.escape(event.key)}"]`)?.click();
    }
  });

  // --- Files may be dropped on their field; the plain file input stays ---
  function dropTarget(event) {
    return event.target.closest?.("[data-drop]");
  }

  document.addEventListener("dragover", (event) => {
    const area = dropTarget(event);
    if (!area) return;
    event.preventDefault();
    area.dataset.over = "";
  });

  document.addEventListener("dragleave", (event) => {
    const area = dropTarget(event);
    if (area && !area.contains(event.relatedTarget)) delete area.dataset.over;
  });

  document.addEventListener("drop", (event) => {
    const area = dropTarget(event);
    if (!area) return;
    event.preventDefault();
    delete area.dataset.over;
    const input = document.getElementById(area.dataset.drop);
    if (!input || !event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
})();
