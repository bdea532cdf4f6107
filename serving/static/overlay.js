// A card opens its movie over the page, under the movie's own address. Without this file a card is a plain link.
// Loaded before htmx: its own answer to popstate would fetch the page again and lose what was loaded.
(() => {
  const root = document.documentElement;
  let cover = document.title;
  let opener = null;
  let row = null; // the id of the row in which the opener stands
  let place = 0; // how far the page was scrolled
  let asked = 0;
  let followed = false; // closed because the address changed, not the other way round

  const dialog = () => document.getElementById("overlay");
  const here = () => location.pathname + location.search;
  const stand = () => { root.dataset.page = here(); }; // the address of the page itself, whatever stands over it
  const depth = () => history.state?.overlay?.depth ?? 0;

  const cardOf = (href) => `.card[href="${CSS.escape(href)}"]`;
  function remember(card) {
    opener = card;
    row = card?.closest(".strip")?.id;
  }
  // Where the row was drawn anew meanwhile, its card of the same movie takes the place of the opener, or else the row.
  function origin() {
    if (!opener || opener.isConnected) return opener;
    const strip = document.getElementById(row);
    return strip?.querySelector(cardOf(opener.getAttribute("href"))) ?? strip;
  }

  // This very document shows the movie: an overlay that was reloaded is a page.
  if (depth()) history.replaceState(null, "");
  stand();

  async function show(href) {
    const turn = ++asked;
    const answer = await fetch(href, { headers: { "HX-Request": "true" } });
    if (!answer.ok) throw new Error(`${href}: ${answer.status}`);
    const html = await answer.text();
    const body = document.getElementById("overlay-body");
    while (body.querySelector(".sending")) { // a form that is taken away would not be sent
      await new Promise((resolve) => { document.addEventListener("opinion:sent", resolve, { once: true }); });
    }
    if (turn !== asked) return false; // something else was asked for meanwhile
    body.innerHTML = html;
    if (!dialog().open) {
      cover = document.title;
      place = scrollY;
      dialog().showModal();
    }
    document.title = body.querySelector("[data-title]")?.dataset.title ?? cover;
    dialog().scrollTop = 0;
    globalThis.htmx?.process(body);
    document.dispatchEvent(new Event("overlay:shown"));
    return true;
  }

  async function open(card) {
    const href = card.getAttribute("href");
    if (!dialog().open) remember(card);
    card.setAttribute("aria-busy", "true");
    try {
      if (!await show(href)) return;
      // Coming back to an address with # the browser would scroll to where that points, and focus it.
      if (location.hash) history.replaceState(history.state, "", here());
      history.pushState({ overlay: { href, depth: depth() + 1 } }, "", href);
    } catch {
      location.assign(href); // the page itself says what is wrong
    } finally {
      card.removeAttribute("aria-busy");
    }
  }

  function close() {
    asked += 1;
    followed = dialog().open;
    dialog().close();
  }

  function follow(event) {
    const entry = history.state?.overlay;
    if (entry) {
      event?.stopImmediatePropagation();
      if (!dialog().open && opener?.getAttribute("href") !== entry.href) {
        remember(document.querySelector(cardOf(entry.href)) ?? opener);
      }
      show(entry.href).catch(() => location.reload());
    } else if (here() === root.dataset.page) {
      if (dialog().open) event?.stopImmediatePropagation();
      close();
    } else if (!history.state?.htmx) {
      location.reload(); // the address of a page that this document does not hold
    }
  }

  document.addEventListener("click", (event) => {
    if (event.target === dialog()) return dialog().close(); // the backdrop
    const card = event.target.closest("a.card, .overlay .movie-words a");
    const plain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (!card || !plain || event.defaultPrevented || !globalThis.HTMLDialogElement) return;
    event.preventDefault();
    open(card);
  });

  // However the dialog was closed (Escape, ×, backdrop, Back), the address and the focus follow. `close` does not bubble.
  document.addEventListener("close", (event) => {
    if (event.target !== dialog() || dialog().open) return;
    const leads = !followed && depth();
    followed = false;
    document.title = cover;
    const body = document.getElementById("overlay-body");
    if (!body.querySelector(".sending")) body.replaceChildren();
    if (scrollY !== place) scrollTo(0, place);
    origin()?.focus({ preventScroll: true });
    if (leads) history.go(-depth());
  }, true);

  addEventListener("popstate", follow);
  addEventListener("pageshow", (event) => { if (event.persisted) follow(); });
  for (const name of ["htmx:pushedIntoHistory", "htmx:replacedInHistory", "htmx:historyRestore", "htmx:historyCacheMissLoad"]) {
    document.addEventListener(name, () => { if (!depth()) stand(); });
  }
})();
