// What makes the pages quicker to use. All of them work without: every control here is a link or a form
// that the server answers with a whole page, and this file only asks for the same page sooner and puts its
// parts in place.

const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const calm = matchMedia("(prefers-reduced-motion: reduce)");

function say(text) {
  $("#said").textContent = text;
}

// -- fetching the parts of a page ----------------------------------------------------------------------

let asking = null; // the request under way: a newer one ends it

async function load(url, options = {}) {
  asking?.abort();
  asking = new AbortController();
  const answer = await fetch(url, { signal: asking.signal, credentials: "same-origin", ...options });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return { ok: answer.ok, page, url: answer.url };
}

// Put parts of a fetched page in the place of ours, and leave the focus where it was.
function place(page, ...ids) {
  const focused = document.activeElement?.id;
  for (const id of ids) {
    const ours = document.getElementById(id);
    const theirs = page.getElementById(id);
    if (!ours || !theirs) continue;
    const open = $$("details[open]", ours).map((one) => one.className);
    ours.replaceWith(document.importNode(theirs, true));
    for (const name of open) if (name) $(`#${id} details.${name.split(" ")[0]}`)?.setAttribute("open", "");
  }
  if (focused && document.activeElement?.id !== focused) {
    document.getElementById(focused)?.focus({ preventScroll: true });
  }
  if (page.title) document.title = page.title;
}

// -- search as one types, filters as one sets them -----------------------------------------------------

const ask = $("#ask");
let timer = 0;

function address(form) {
  const said = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (name === "was" || (value && !(name === "order" && value === "newest"))) said.append(name, value);
  }
  return `${form.action.split("?")[0]}?${said}`;
}

// Ask for a list and put it in place. ``typed``: the search box is in hand, and is left alone.
async function show(url, { typed = false, remember = true } = {}) {
  clearTimeout(timer);
  $("#results").setAttribute("aria-busy", "true");
  let found;
  try {
    found = await load(url);
  } catch (error) {
    if (error.name !== "AbortError") location.href = url; // the browser's own page says what is wrong
    return;
  }
  if (!$("#results", found.page)) {
    location.href = url; // another page was sent in its place: to sign in again, or that all is broken
    return;
  }
  const problem = $("#problem .said", found.page);
  $("#q").toggleAttribute("aria-invalid", Boolean(problem));
  // A query that is not finished yet is wrong most of the time: the list stays, and a line says why.
  $("#hint").textContent = problem ? problem.textContent.split("\n")[0] : "";
  if (problem) {
    $("#results").removeAttribute("aria-busy");
    return;
  }
  const inHand = document.activeElement?.closest("#filters input[type=text], #filters input[type=number]");
  place(found.page, "results", ...(inHand ? [] : ["filters"]));
  const text = $("#q", found.page).value;
  $("#was").value = $("#was", found.page).value;
  if (!typed) $("#q").value = text;
  const asked = new URL(url, location.href).searchParams;
  const kept = new URLSearchParams(text ? { q: text } : {});
  for (const name of ["order", "duplicates", "limit"]) if (asked.get(name)) kept.set(name, asked.get(name));
  const query = kept.toString();
  if (remember) history[typed ? "replaceState" : "pushState"](null, "", query ? `?${query}` : location.pathname);
  settle();
  say($("#results .summary")?.textContent || "Nothing found");
}

if (ask) {
  ask.addEventListener("submit", (event) => {
    event.preventDefault();
    show(address(ask));
  });
  $("#q").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => show(address(ask), { typed: true }), 250);
  });
  document.addEventListener("change", (event) => {
    const field = event.target.closest?.("#filters input, #filters select");
    if (!field) return;
    // Of two ways to say when, the one just touched counts.
    if (field.id === "period" && field.value) for (const id of ["since", "until"]) $(`#${id}`).value = "";
    if (field.id === "since" && field.value) $("#period").value = "";
    show(address(ask));
  });
  addEventListener("popstate", () => show(location.href, { remember: false }));
}

// -- the timeline: brush it with a pointer or with the keyboard ----------------------------------------

function brush(plot) {
  const svg = $("svg", plot);
  const bins = $$(".bin", plot);
  const mark = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  mark.setAttribute("class", "brush");
  mark.setAttribute("y", "0");
  mark.setAttribute("height", svg.viewBox.baseVal.height);
  mark.setAttribute("visibility", "hidden");
  svg.append(mark);
  let from = -1;
  let to = -1;
  let dragging = false;

  for (const bin of bins) bin.setAttribute("tabindex", "-1");
  bins.at(-1).setAttribute("tabindex", "0"); // one stop for the whole chart, the arrows go on from there
  const keyboard = matchMedia("(hover: hover)").matches ? "; or focus it and use the arrow keys, Shift and Enter" : "";
  $("#brush-hint").textContent = `Drag over the chart to choose a time${keyboard}.`;

  function paint() {
    const [low, high] = [Math.min(from, to), Math.max(from, to)];
    mark.setAttribute("visibility", from < 0 ? "hidden" : "visible");
    if (from < 0) return;
    mark.setAttribute("x", low * 10);
    mark.setAttribute("width", (high - low + 1) * 10);
  }
  function choose() {
    const [low, high] = [Math.min(from, to), Math.max(from, to)];
    const url = new URL(bins[low].getAttribute("href"), location.href);
    const last = `until:${bins[high].dataset.last}`; // its link asks for the first of them, and ends in "until:"
    url.searchParams.set("q", url.searchParams.get("q").replace(/until:\S+$/, last));
    show(url.href);
  }
  function at(event) {
    const box = svg.getBoundingClientRect();
    const place = Math.floor(((event.clientX - box.left) / box.width) * bins.length);
    return Math.max(0, Math.min(bins.length - 1, place));
  }

  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey) return;
    [from, to, dragging] = [at(event), at(event), true];
    plot.setPointerCapture(event.pointerId);
    paint();
  });
  plot.addEventListener("pointermove", (event) => {
    if (!dragging) return;
    to = at(event);
    paint();
  });
  plot.addEventListener("pointerup", () => {
    if (!dragging) return;
    dragging = false;
    choose();
  });
  plot.addEventListener("pointercancel", () => {
    [from, to, dragging] = [-1, -1, false];
    paint();
  });
  plot.addEventListener("dragstart", (event) => event.preventDefault());
  plot.addEventListener("click", (event) => {
    if (event.detail > 0 && !event.ctrlKey && !event.metaKey) event.preventDefault(); // the brush has it
  });
  plot.addEventListener("keydown", (event) => {
    const here = bins.indexOf(event.target.closest(".bin"));
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -bins.length, End: bins.length }[event.key];
    if (step) {
      event.preventDefault();
      const next = Math.max(0, Math.min(bins.length - 1, here + step));
      bins[here].setAttribute("tabindex", "-1");
      bins[next].setAttribute("tabindex", "0");
      bins[next].focus({ preventScroll: true });
      from = event.shiftKey && from >= 0 ? from : event.shiftKey ? here : next;
      to = next;
      paint();
    } else if (event.key === "Enter" && from >= 0) {
      event.preventDefault();
      choose();
    } else if (event.key === "Escape") {
      from = to = -1;
      paint();
    }
  });
}

// -- verdicts ------------------------------------------------------------------------------------------

document.addEventListener("submit", async (event) => {
  const form = event.target.closest(".verdict-form");
  if (!form) return;
  event.preventDefault();
  const said = new URLSearchParams(new FormData(form, event.submitter));
  const topic = form.dataset.topic;
  let found;
  try {
    found = await load(form.action, { method: "POST", body: said });
  } catch {
    form.submit();
    return;
  }
  if (!found.ok || !$("#reasons", found.page)) {
    location.reload(); // its token was too old, or somebody has to sign in again: the page says so
    return;
  }
  place(found.page, "reasons");
  settle();
  if (topic) panelOf(topic)?.focus({ preventScroll: true });
  say($("#done")?.textContent || "Noted.");
});

function panelOf(topic) {
  return $$(".panel").find((panel) => panel.dataset.topic === topic);
}

function press(button) {
  if (!button) return false;
  button.click();
  return true;
}

// -- moving a threshold --------------------------------------------------------------------------------

function slide(form) {
  const slider = $("input[type=range]", form);
  const [gained, lost] = ["gained", "lost"].map((name) => form.dataset[name].split(" ").map(Number));
  const shown = $("output", form);
  const button = $("button", form);
  if (button) button.hidden = true;
  const line = $(".moved", form.closest(".card"));
  function tell() {
    const value = Number(slider.value);
    const place = Math.round(value * 100);
    const words = (count, what) => `${count.toLocaleString("en")} ${what}`;
    shown.textContent = `${value.toFixed(2)}: ${words(gained[place], "more")}, ${words(lost[place], "fewer")}`;
    line?.setAttribute("x", value * 100 - 0.4);
  }
  slider.addEventListener("input", tell);
}

// -- keys ----------------------------------------------------------------------------------------------

const stops = () => $$(".item .go, .row .go, .panel[tabindex], .card .go");

function move(step) {
  const all = stops();
  if (!all.length) return;
  const here = all.findIndex((one) => one === document.activeElement || one.contains(document.activeElement));
  const next = all[here < 0 ? (step > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, here + step))];
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" });
}

function verdict(value) {
  const panel = document.activeElement?.closest(".panel") || $(".panel");
  if (!panel) return;
  if (!press($(`button[value=${value}]`, panel))) say("There is nothing to withdraw.");
}

const go = { a: "articles", t: "topics", s: "sources" };
let before = ""; // the key pressed before, where two belong together

const keys = {
  j: () => move(1),
  k: () => move(-1),
  o: () => stops().includes(document.activeElement) && document.activeElement.click(),
  "]": () => press($("a[rel=next]")),
  "[": () => press($("a[rel=prev]")),
  "/": () => {
    const box = $("#q");
    if (!box) location.href = `${document.body.dataset.articles}#q`;
    box?.focus();
    box?.select();
  },
  "?": () => $("#keys").showModal(),
  y: () => verdict("yes"),
  n: () => verdict("no"),
  w: () => verdict("withdraw"),
  u: () => press($("#undo")) || say("There is no verdict to undo."),
};

document.addEventListener("keydown", (event) => {
  const writing = event.target.closest?.("input:not([type=checkbox], [type=range]), select, textarea");
  if (event.key === "Escape" && writing) event.target.blur();
  if (writing || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
  if (before === "g" && go[event.key]) {
    before = "";
    location.href = document.body.dataset[go[event.key]];
    return;
  }
  before = event.key;
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// -- light and dark ------------------------------------------------------------------------------------

const theme = $("#theme");
theme.hidden = $("#keys-button").hidden = false;
theme.addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax${secure}`;
  say(`The page is ${root.dataset.theme} now.`);
});
$("#keys-button").addEventListener("click", () => $("#keys").showModal());

// -- start, and again whenever parts were put in place -------------------------------------------------

function settle() {
  const plot = $("#plot");
  if (plot && !plot.dataset.ready) {
    plot.dataset.ready = "1";
    brush(plot);
  }
  for (const form of $$(".threshold:not([data-ready])")) {
    form.dataset.ready = "1";
    slide(form);
  }
}
settle();
if (location.hash === "#q") $("#q")?.focus();
