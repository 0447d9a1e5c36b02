// Asks for the page's parts every few seconds and puts in those that have changed.
// No connection is held open: a browser has six for one host, and a tab takes none for itself.
"use strict";
(() => {
  const EVERY = 2000;
  const ANSWER = 5000;
  const LATE = 10000;
  const age = document.getElementById("age");
  const shown = new Map();
  let last = Date.now();
  let fault = "";
  let busy = false;

  // What a reader has scrolled, opened or pointed at stays as it is.
  const put = (section, html) => {
    const scrolled = [...section.querySelectorAll(".scroll")].map((part) => part.scrollLeft);
    const focused = [...section.querySelectorAll("[tabindex]")].indexOf(document.activeElement);
    section.innerHTML = html;
    section.querySelectorAll(".scroll").forEach((part, place) => {
      part.scrollLeft = scrolled[place] ?? 0;
    });
    if (focused >= 0) section.querySelectorAll("[tabindex]")[focused]?.focus({ preventScroll: true });
  };

  const say = () => {
    const seconds = Math.round((Date.now() - last) / 1000);
    const late = Date.now() - last > LATE;
    const text = late
      ? `▲ Stale: no answer from kanaria watch for ${seconds} s; what stands here is of ${new Date(last).toLocaleTimeString()}. ${fault}`
      : `● live, read ${new Date(last).toLocaleTimeString()}`;
    if (age.textContent !== text) age.textContent = text;
    age.className = late ? "verdict warn" : "note";
  };

  const refresh = async () => {
    if (busy) return;
    busy = true;
    try {
      const answer = await fetch("parts", { cache: "no-store", signal: AbortSignal.timeout(ANSWER) });
      if (!answer.ok) throw new Error(`it answered ${answer.status}`);
      const parts = await answer.json();
      for (const [id, html] of Object.entries(parts)) {
        const section = document.getElementById(id);
        if (section && shown.get(id) !== html) put(section, html);
        shown.set(id, html);
      }
      last = Date.now();
      fault = "";
    } catch (error) {
      fault = error.message;
    }
    busy = false;
    say();
  };

  // A hidden tab asks for nothing; the server goes on looking, so nothing is missed.
  const again = async () => {
    if (!document.hidden) await refresh();
    setTimeout(again, EVERY);
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refresh();
    say();
  });
  setInterval(say, 1000);
  again();
})();
