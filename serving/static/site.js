// Row buttons, Home and End in a row, posters that cannot be shown, and messages. Without this file everything can still be reached.
(() => {
  const root = document.documentElement;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  root.classList.add("js");

  const stripOf = (button) => document.getElementById(button.getAttribute("aria-controls"));
  const scroll = (strip, left) => strip.scrollTo({ left, behavior: calm.matches ? "auto" : "smooth" });

  function refresh() {
    const buttons = [...document.querySelectorAll("[data-scroll]")];
    // First all is measured, then all is written: in turns each would lay the page out anew.
    const places = buttons.map((button) => {
      const strip = stripOf(button);
      return { room: strip.scrollWidth - strip.clientWidth, at: strip.scrollLeft };
    });
    buttons.forEach((button, i) => {
      const { room, at } = places[i];
      // aria-disabled keeps the focus where it is when an end is reached.
      button.setAttribute("aria-disabled", String(button.dataset.scroll < 0 ? at < 4 : at > room - 4));
      button.parentElement.hidden = room < 4;
    });
  }

  function say(reason) {
    const toast = document.getElementById("toast");
    toast.textContent = toast.dataset[reason];
    clearTimeout(say.timer);
    say.timer = setTimeout(() => { toast.textContent = ""; }, 6000);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-scroll]");
    if (!button) return;
    const strip = stripOf(button);
    scroll(strip, strip.scrollLeft + button.dataset.scroll * strip.clientWidth * 0.9);
  });

  document.addEventListener("keydown", (event) => {
    const strip = event.target.closest(".strip");
    if (!strip || (event.key !== "Home" && event.key !== "End")) return;
    event.preventDefault();
    scroll(strip, event.key === "Home" ? 0 : strip.scrollWidth);
  });

  document.addEventListener("scroll", (event) => {
    if (event.target.classList?.contains("strip")) refresh();
  }, { capture: true, passive: true });
  addEventListener("resize", refresh);
  document.addEventListener("DOMContentLoaded", refresh);
  document.addEventListener("overlay:shown", refresh);

  // A poster that cannot be shown gives way to the drawn one.
  function drawInstead(image) {
    const { pathname, searchParams } = new URL(image.currentSrc || image.src);
    if (!pathname.startsWith("/posters/") || searchParams.has("drawn")) return;
    image.removeAttribute("srcset");
    image.src = `${pathname}?drawn=1${searchParams.has("lang") ? `&lang=${searchParams.get("lang")}` : ""}`;
  }
  document.addEventListener("error", (event) => {
    if (event.target instanceof HTMLImageElement) drawInstead(event.target);
  }, true);
  for (const image of document.querySelectorAll("img.card-poster, img.movie-poster")) { // failed before this was loaded
    if (image.complete && !image.naturalWidth) drawInstead(image);
  }

  // A row that is drawn anew because of a rating stays where it was scrolled; another user's row begins at its beginning.
  const scrolled = new Map();
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.requestConfig.elt !== detail.target) return;
    for (const strip of detail.target.querySelectorAll(".strip")) scrolled.set(strip.id, strip.scrollLeft);
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const [id, left] of scrolled) document.getElementById(id)?.scrollTo({ left, behavior: "instant" });
    scrolled.clear();
  });

  // Cards that come beside another answer: the focus stays on the card of the same movie, or else in the row.
  let focused = null;
  document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
    focused = detail.target.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  });
  document.addEventListener("htmx:oobAfterSwap", ({ detail }) => {
    if (focused === null || !detail.target.matches(".strip")) return;
    (detail.target.querySelector(`[href="${CSS.escape(focused)}"]`) ?? detail.target).focus({ preventScroll: true });
  });

  const held = new WeakSet(); // requests whose answer takes the place of what has the focus
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.target.contains(document.activeElement)) held.add(detail.xhr);
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    refresh();
    const words = event.target.querySelector?.("[data-say]");
    if (!words) return;
    document.getElementById("heard").textContent = words.textContent.trim();
    if (!held.has(event.detail.xhr) || document.activeElement !== document.body) return;
    words.tabIndex = -1; // what was pressed is gone: on to what it did
    words.focus({ preventScroll: true });
  });
  document.addEventListener("htmx:responseError", () => say("noAnswer"));
  document.addEventListener("htmx:sendError", () => say("noServer"));
})();
