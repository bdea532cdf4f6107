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

  // What is done to a movie is sent one after the other: the first answer may make the guest that the rest belongs to.
  // While more waits, an answer leaves its section alone: the last one brings the truth of all.
  const waiting = [];
  let sent = null;
  function sendNext() {
    do sent = waiting.shift() ?? null; while (sent && !sent.elt.isConnected);
    sent?.issueRequest();
  }
  document.addEventListener("htmx:confirm", (event) => {
    const { elt, verb } = event.detail;
    if (verb !== "post") return;
    event.preventDefault();
    // Pressed twice is pressed once; stars that were changed again are sent as they stand then.
    if (waiting.some((other) => other.elt === elt) || (sent?.elt === elt && !elt.matches(".rate"))) return;
    elt.classList.add("sending");
    waiting.push(event.detail);
    if (!sent) sendNext();
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    const { elt } = detail.requestConfig; // detail.elt is another one once the form was swapped away
    if (elt !== sent?.elt) return;
    if (!waiting.some((other) => other.elt === elt)) elt.classList.remove("sending");
    queueMicrotask(() => { // htmx itself is done with this one only then
      sendNext();
      document.dispatchEvent(new Event("opinion:sent"));
    });
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr } = event.detail;
    if (xhr.status < 400 && waiting.some(({ elt }) => target.contains(elt))) event.detail.swapOverride = "none";
    if (xhr.getResponseHeader("X-Fragment") !== "true") return;
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  });
})();
