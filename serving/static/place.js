// A list that was left for another page comes back with the pages it had loaded, at the place where it was.
// Most browsers keep the whole page alive for that; this is for when they did not.
(() => {
  const loaded = []; // the addresses that "Show more" brought in
  const key = () => `place of ${document.documentElement.dataset.page}`;

  addEventListener("pagehide", () => {
    if (loaded.length) sessionStorage.setItem(key(), JSON.stringify({ addresses: loaded, y: scrollY }));
    else sessionStorage.removeItem(key());
    history.scrollRestoration = "auto";
  });
  document.addEventListener("htmx:afterOnLoad", ({ detail }) => {
    if (detail.target.matches(".more")) loaded.push(detail.pathInfo.requestPath);
  });

  async function bringBack({ addresses, y }) {
    history.scrollRestoration = "manual";
    document.querySelector(".more > .sentinel")?.remove(); // before htmx sees it: it would load the same again
    const answers = await Promise.all(addresses.map((address) => fetch(address, { headers: { "HX-Request": "true" } })));
    const pages = await Promise.all(answers.map((answer) => answer.text()));
    if (answers.every((answer) => answer.ok)) {
      for (const page of pages) document.querySelector(".more").outerHTML = page;
      globalThis.htmx?.process(document.querySelector(".grid"));
      loaded.push(...addresses);
    }
    scrollTo(0, y);
  }

  const kept = sessionStorage.getItem(key());
  const [visit] = performance.getEntriesByType("navigation");
  if (kept && visit?.type !== "navigate") bringBack(JSON.parse(kept));
})();
