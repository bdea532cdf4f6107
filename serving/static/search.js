// Suggestions under the field in the header; filters that stay open while results change. Without it the forms work.
(() => {
  const DELAY = 120;

  function suggest(field) {
    const list = document.getElementById(field.dataset.list);
    let timer = 0, asking = null, typed = field.value.trim();
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", list.id);
    const options = () => [...list.querySelectorAll("[role=option]")];
    const chosen = () => list.querySelector("[aria-selected=true]");

    function open(is) {
      list.hidden = !is;
      field.setAttribute("aria-expanded", String(is));
      if (!is) choose(null);
    }

    function choose(option) {
      chosen()?.setAttribute("aria-selected", "false");
      if (!option) return field.removeAttribute("aria-activedescendant");
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      field.setAttribute("aria-activedescendant", option.id);
    }

    async function ask() {
      asking?.abort();
      if (!typed) return open(false);
      asking = new AbortController();
      try {
        const address = `${field.dataset.suggestions}?q=${encodeURIComponent(typed)}`;
        const answer = await fetch(address, { signal: asking.signal, headers: { "HX-Request": "true" } });
        if (!answer.ok) return open(false);
        list.innerHTML = await answer.text();
        open(options().length > 0 && document.activeElement === field);
      } catch (error) {
        if (error.name !== "AbortError") open(false); // Enter still searches
      }
    }

    field.addEventListener("input", () => {
      if (field.value.trim() === typed) return;
      typed = field.value.trim();
      clearTimeout(timer);
      timer = setTimeout(ask, DELAY);
    });
    field.addEventListener("keydown", (event) => {
      const all = options(), at = all.indexOf(chosen());
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        if (list.hidden) return void ask();
        event.preventDefault();
        const next = at + (event.key === "ArrowDown" ? 1 : -1);
        choose(at < 0 && next < 0 ? all.at(-1) : all[next] ?? null);
      } else if (event.key === "Enter" && chosen()) {
        event.preventDefault();
        chosen().click();
      } else if (event.key === "Escape" && !list.hidden) {
        event.preventDefault();
        open(false);
      }
    });
    field.addEventListener("blur", () => open(false));
    list.addEventListener("mousedown", (event) => event.preventDefault()); // keeps the focus, so that a click arrives
    open(false);
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const field of document.querySelectorAll("[data-suggestions]")) suggest(field);
  });

  // What was open stays open when the results and their filters are replaced.
  const opened = new Map();
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "found") return;
    for (const part of document.querySelectorAll("#found details[id]")) opened.set(part.id, part.open);
    opened.set("scroll", document.querySelector(".panel-body").scrollTop);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (!document.getElementById("found") || !opened.size) return;
    for (const part of document.querySelectorAll("#found details[id]")) part.open = opened.get(part.id) || part.open;
    document.querySelector(".panel-body").scrollTop = opened.get("scroll") ?? 0;
    opened.clear();
  });

  // htmx goes on sending the button that has the focus; only a press of it may change the conditions.
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.elt.id === "search-form" && event.detail.triggeringEvent?.type !== "submit") event.detail.formData.delete("do");
  });

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-close-panel]")) return;
    document.getElementById("panel").open = false;
    document.querySelector(".results").scrollIntoView();
  });
})();
