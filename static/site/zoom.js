// A map to move about in and to zoom, made of the outlines that the server sends and of the places on the drawn map.
const NEAREST = 11; // nearer, the outlines show their corners
const TARGET = 24; // pixels that a finger or pointer hits

export async function open(frame) {
  const [data] = await Promise.all([
    fetch(frame.dataset.outlines).then((answer) => {
      if (!answer.ok) throw new Error(answer.status);
      return answer.json();
    }),
    import(frame.dataset.leaflet),
    loadStyle(frame.dataset.style),
  ]);
  const { L } = window;
  const drawn = [...frame.querySelectorAll("svg.map")].find((svg) => svg.getClientRects().length);
  const box = document.createElement("div");
  box.className = frame.dataset.view ? "zoom" : "zoom zoom-world";
  box.dir = "ltr"; // Leaflet counts from the left; texts have their own direction
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", drawn.getAttribute("aria-label"));
  box.style.blockSize = `${Math.max(drawn.getBoundingClientRect().height, 320)}px`;
  const hint = document.createElement("p");
  hint.className = "zoom-hint";
  hint.textContent = data.words.keys;
  frame.prepend(box, hint);
  frame.classList.add("is-zoomed");

  const [west, south, east, north] = data.bbox;
  const bounds = L.latLngBounds([south, west], [north, east]);
  const moves = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  const map = L.map(box, {
    attributionControl: false,
    zoomControl: false,
    scrollWheelZoom: false, // the page scrolls on
    zoomSnap: 0,
    maxBounds: bounds,
    maxBoundsViscosity: 1,
    zoomAnimation: moves,
    fadeAnimation: moves,
    markerZoomAnimation: moves,
    inertia: moves,
  });
  L.control.zoom({ zoomInTitle: data.words.in, zoomOutTitle: data.words.out }).addTo(map);
  const whole = map.getBoundsZoom(bounds, true);
  const view = (frame.dataset.view ?? "").split(" ").map(Number);
  const near = view.length === 5 ? view[2] + Math.log2(Math.min(box.clientWidth / view[3], box.clientHeight / view[4])) : whole;
  map.setMinZoom(whole);
  map.setMaxZoom(Math.max(whole + 1, Math.min(near + 5, NEAREST)));
  map.setView(view.length === 5 ? [view[1], view[0]] : [20, (west + east) / 2], Math.max(near, whole));

  const marked = new Set(frame.dataset.marked.split(" "));
  const isMarked = ({ id, properties }) => marked.has(id) || marked.has(properties.part_of);
  L.geoJSON(data, {
    interactive: false,
    style: (feature) => ({
      className: `zoom-land${isMarked(feature) ? " zoom-marked" : ""}${feature.properties.disputed ? " zoom-disputed" : ""}`,
    }),
  }).addTo(map);
  for (const land of box.querySelectorAll(".zoom-marked")) land.parentNode.append(land); // their borders on top

  const places = map.createPane("places");
  places.setAttribute("aria-hidden", "true");
  const labels = [];
  const points = [...frame.querySelectorAll("[data-at]")];
  const scale = frame.dataset.view ? 1 : Math.min(1, Math.max(0.5, box.clientWidth / drawnWidth(points))); // of circles
  for (const point of points) addMarker(L, map, point, (west + east) / 2, scale, labels);
  for (const feature of data.features) {
    const { name, label } = feature.properties;
    if (name) labels.push(addLabel(L, map, name, [label[1], label[0]], isMarked(feature) ? "zoom-name is-marked" : "zoom-name", label[2]));
  }
  const dots = [...box.querySelectorAll(".zoom-dot")];
  const arrange = () => arrangeLabels(map, labels, dots);
  map.on("zoomend", arrange);
  arrange();

  let from; // the marker whose pop-up is open
  map.on("popupopen", ({ popup }) => {
    from = popup._source?.getElement();
    const button = popup.getElement().querySelector(".leaflet-popup-close-button");
    button.setAttribute("aria-label", data.words.close);
    popup.getElement().querySelector(".zoom-card").focus();
  });
  map.on("popupclose", ({ popup }) => {
    if (popup.getElement()?.contains(document.activeElement)) (from ?? box).focus();
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") map.closePopup();
  });
  box.focus({ preventScroll: true });

  const close = () => {
    map.remove();
    box.remove();
    hint.remove();
    frame.classList.remove("is-zoomed");
  };
  return [close, data.words.back];
}

function loadStyle(address) {
  if (document.querySelector(`link[href="${CSS.escape(address)}"]`)) return undefined;
  return new Promise((done, failed) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = address;
    link.onload = done;
    link.onerror = () => {
      link.remove();
      failed(new Error(address));
    };
    document.head.append(link);
  });
}

function drawnWidth(points) {
  return points[0]?.ownerSVGElement.viewBox.baseVal.width ?? 1;
}

function addMarker(L, map, point, middle, scale, labels) {
  const [longitude, latitude] = point.dataset.at.split(" ").map(Number);
  const at = [latitude, longitude + 360 * Math.round((middle - longitude) / 360)];
  const text = point.querySelector("title").textContent;
  const radius = Math.max(4, scale * Number(point.querySelector(".map-dot").getAttribute("r")));
  const size = Math.max(2 * radius, TARGET);
  const dot = document.createElement("span");
  dot.className = "zoom-dot";
  dot.style.inlineSize = `${2 * radius}px`;
  const kinds = ["map-main", "map-approximate", "map-unknown", "map-office"].filter((kind) => point.classList.contains(kind));
  const marker = L.marker(at, {
    icon: L.divIcon({ className: ["zoom-point", ...kinds].join(" "), html: dot, iconSize: [size, size] }),
    title: text,
    zIndexOffset: Math.round(-1000 * radius), // small ones over large ones
  });
  marker.bindPopup(() => card(point, text), { closeButton: true, autoPanPadding: [8, 8], maxWidth: 260 });
  marker.addTo(map);
  dot.at = at;
  marker.getElement().setAttribute("aria-label", text);
  const name = point.querySelector("text")?.textContent ?? (point.classList.contains("map-office") ? nameOf(point) : "");
  if (name) labels.push(addLabel(L, map, name, at, `zoom-name zoom-office${point.classList.contains("map-main") ? " is-main" : ""}`));
}

function nameOf(point) {
  return document.querySelector(`${point.getAttribute("href")} bdi`)?.textContent ?? "";
}

// The same text as beside the drawn map: an office's card without its link to close it, or the link to the operation.
function card(point, text) {
  const shown = document.createElement("div");
  shown.className = "zoom-card";
  shown.dir = document.documentElement.dir;
  shown.tabIndex = -1;
  const address = point.getAttribute("href");
  const office = address?.startsWith("#") && document.getElementById(address.slice(1));
  if (office) {
    for (const part of office.cloneNode(true).children) {
      if (!part.querySelector('a[href="#location"]')) shown.append(part.cloneNode(true));
    }
  } else {
    const line = document.createElement(address ? "a" : "p");
    if (address) line.href = address;
    line.textContent = text;
    shown.append(line);
  }
  return shown;
}

function addLabel(L, map, text, at, className, degrees) {
  const words = document.createElement("span");
  words.textContent = text;
  words.dir = "auto";
  const marker = L.marker(at, {
    icon: L.divIcon({ className, html: words, iconSize: [0, 0] }),
    interactive: false,
    keyboard: false,
    pane: "places",
  }).addTo(map);
  return { marker, words, at, degrees };
}

// Names of offices first, then those of countries that are wide enough for theirs; none over another.
function arrangeLabels(map, labels, dots) {
  const sizes = labels.map(({ words }) => [words.offsetWidth, words.offsetHeight]);
  const taken = dots.map((dot) => around(map, dot.at, dot.offsetWidth + 4, dot.offsetWidth + 4));
  const order = labels.map((label, i) => i).sort((a, b) => (labels[b].degrees ?? 1e3) - (labels[a].degrees ?? 1e3));
  for (const i of order) {
    const { words, at, degrees } = labels[i];
    const [width, height] = sizes[i];
    const room = degrees === undefined ? Infinity : (degrees / 360) * 256 * 2 ** map.getZoom();
    const aside = width / 2 + 14;
    const spots = degrees === undefined ? [[aside, 0], [-aside, 0], [0, -20], [0, 20]] : [[0, 0]];
    let fits = false;
    for (const [dx, dy] of room > width ? spots : []) {
      const place = around(map, at, width, height, dx, dy);
      if (taken.some((other) => meet(place, other))) continue;
      taken.push(place);
      words.style.translate = `${dx - width / 2}px ${dy - height / 2}px`;
      fits = true;
      break;
    }
    words.style.visibility = fits ? "visible" : "hidden";
  }
}

function around(map, at, width, height, dx = 0, dy = 0) {
  const { x, y } = map.latLngToLayerPoint(at);
  return [x + dx - width / 2, y + dy - height / 2, x + dx + width / 2, y + dy + height / 2];
}

function meet(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}
