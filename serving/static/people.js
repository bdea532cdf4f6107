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
  // Other tabs wait too, where the browser has locks. While more waits here, an answer leaves its section alone: the
  // last one brings the truth of all.
  const waiting = [];
  let sent = null;
  let isSending = false;
  const inTurn = (send) => navigator.locks ? navigator.locks.request("opinions", send) : send();
  async function sendFirst() {
    sent = waiting.shift();
    sent.etc.returnPromise = true; // kept when htmx is done with it, even where it finds nothing to send
    if (sent.elt.isConnected) await sent.issueRequest();
  }
  async function sendAll() {
    isSending = true;
    while (waiting.length) {
      try {
        await inTurn(sendFirst);
      } catch {} // htmx has told of it
      const { elt } = sent;
      sent = null;
      if (!waiting.some((other) => other.elt === elt)) elt.classList.remove("sending");
      document.dispatchEvent(new Event("opinion:sent"));
    }
    isSending = false;
  }
  document.addEventListener("htmx:confirm", (event) => {
    const { elt, verb } = event.detail;
    if (verb !== "post") return;
    event.preventDefault();
    // Pressed twice is pressed once; stars that were changed again are sent as they stand then.
    if (waiting.some((other) => other.elt === elt) || (sent?.elt === elt && !elt.matches(".rate"))) return;
    elt.classList.add("sending");
    waiting.push(event.detail);
    if (!isSending) sendAll();
  });

  // A page that the browser kept whole, for Back: something may have been rated since.
  addEventListener("pageshow", (event) => {
    if (event.persisted) globalThis.htmx?.trigger(document.body, "opinion");
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr } = event.detail;
    if (xhr.status < 400 && waiting.some(({ elt }) => target.contains(elt))) event.detail.swapOverride = "none";
    if (xhr.getResponseHeader("X-Fragment") !== "true") return;
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  });
})();
