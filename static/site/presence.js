// Tells beside an open form who else has it open and whether somebody saved meanwhile, every half a minute. The form
// works without this file: it then counts as open for a quarter of an hour.
"use strict";

(() => {
  const EVERY = 30_000;
  const place = document.getElementById("presence");
  const form = place && (place.closest("form") || document.getElementById("figures_form"));
  if (!form) return;
  let life = place.dataset.life;

  function token() { // the cookie's: it is a new one since somebody signed in again
    return document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1] ?? form.querySelector('input[name="csrfmiddlewaretoken"]').value;
  }

  function message(extra) {
    const body = new FormData();
    body.set("csrfmiddlewaretoken", token());
    body.set("form", place.dataset.form);
    body.set("seen", form.querySelector('input[name="seen"]')?.value ?? "");
    for (const [name, value] of Object.entries(extra)) body.set(name, value);
    return body;
  }

  function show(lines, newer) {
    const said = [...lines, ...(newer ? [newer] : [])];
    const now = [...place.querySelectorAll("p")].map((line) => line.textContent);
    if (JSON.stringify(said) === JSON.stringify(now)) return;
    place.replaceChildren(...said.map((text) => {
      const line = document.createElement("p");
      line.textContent = text;
      return line;
    }));
    place.classList.toggle("is-newer", Boolean(newer));
  }

  async function tell() {
    let response;
    try {
      response = await fetch(place.dataset.url, { method: "POST", body: message({}), redirect: "manual" });
    } catch {
      return; // the line is down: the next one may come through
    }
    if (response.type === "opaqueredirect" || response.status === 401) show([place.dataset.signedOut], "");
    if (!response.ok) return;
    const answer = await response.json();
    life = answer.life;
    show(answer.others, answer.newer);
  }

  window.addEventListener("pagehide", () => {
    navigator.sendBeacon(place.dataset.url, message({ leave: "1", life }));
  });
  window.addEventListener("pageshow", (event) => { if (event.persisted) tell(); });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") tell(); });
  setInterval(tell, EVERY);
  if (place.dataset.bound === "1") tell();
})();
