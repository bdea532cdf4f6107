// The menu at the top right closes like a menu, and answers that say what went wrong take their place in the page.
(() => {
  const open = () => document.querySelector(".who[open]");

  document.addEventListener("click", (event) => {
    const menu = open();
    if (menu && !menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = open();
    if (!menu || event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  // Five films: counts what is picked before it is sent. A film with stars is picked as well.
  function count(form) {
    const films = new Set();
    for (const input of form.querySelectorAll("input:checked")) {
      const [kind, film] = input.name.split("-");
      if (film && (kind === "pick" || input.value !== "none")) films.add(film);
    }
    const all = Number(form.dataset.rated) + films.size;
    form.querySelector("[data-picked]").textContent = all;
    form.querySelector("[data-progress]").value = Math.min(all, 5);
  }
  document.addEventListener("change", (event) => {
    const form = event.target.closest?.("[data-picks]");
    if (form) count(form);
  });
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-picks]").forEach(count));

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.getResponseHeader("X-Fragment") !== "true") return;
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  });
})();
