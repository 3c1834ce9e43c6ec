"use strict";
(async () => {
  const { figures, map } = JSON.parse(document.getElementById("payload").textContent);
  const at = (id) => document.getElementById(id);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  Bokeh.set_log_level("warn");
  for (const figure of figures) await Bokeh.embed.embed_item(figure);

  // ---- colors, which are in the style sheet, for light and dark

  const inks = {
    major_label_text_color: "muted", axis_label_text_color: "muted", axis_line_color: "line",
    major_tick_line_color: "line", grid_line_color: "grid",
  };
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  function paint() {
    for (const figure of Bokeh.documents) {
      for (const model of figure.all_models) {
        const values = {};
        for (const [property, name] of Object.entries(inks))
          if (property in model.properties && model[property] != null) values[property] = color(name);
        const tag = model.tags?.find((tag) => /^(c\d|ink|grey)$/.test(tag));
        if (tag && "line_color" in model.properties) values.line_color = color(tag);
        if (tag && "fill_color" in model.properties && model.fill_color?.value !== null) values.fill_color = color(tag);
        model.setv(values);
      }
    }
    if (map) recolor();
  }

  // Tooltips are added to the body; page styles do not reach their labels.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(".bk-tooltip-row-label { color: var(--label); padding-right: 0.5rem; max-width: 10rem; }");
  new MutationObserver((changes) => {
    for (const node of changes.flatMap((change) => [...change.addedNodes]))
      if (node.matches?.(".bk-Tooltip") && !node.shadowRoot.adoptedStyleSheets.includes(sheet))
        node.shadowRoot.adoptedStyleSheets.push(sheet);
  }).observe(document.body, { childList: true });

  // ---- the map

  const named = (name) => Bokeh.documents.map((d) => d.get_model_by_name(name)).find((m) => m);
  const shapes = ["circle", "triangle", "square"];
  const signs = ["●", "▲", "■"];
  let points, near, selected;

  function recolor() {
    const n = Number(at("color-by").value || 0);
    const scale = map.scales[n];
    const mapper = named("colors"), dots = named("dots");
    const palette = scale ? palette_of(scale) : [color("c0")];
    const levels = scale?.kind === "levels";
    mapper.setv({ palette, low: scale ? -0.5 : -1e12, high: scale ? palette.length - 0.5 : 1e12 });
    const codes = scale ? points.get_column(`code${n}`) : [];
    const several = levels && scale.levels.length > 8;
    if (several) points.data.shape = Array.from(codes, (code) => shape_of(scale, code, shapes));
    for (const glyph of [dots.glyph, dots.selection_glyph, dots.nonselection_glyph])
      glyph.setv({
        marker: several ? { field: "shape" } : { value: "circle" },
        fill_color: { field: scale ? `code${n}` : "record", transform: mapper },
      });
    if (several) points.change.emit();
    legend(scale, n, palette);
  }

  const is_grey = (scale, code) => code >= scale.levels.length - scale.grey;
  const shape_of = (scale, code, all) => all[is_grey(scale, code) ? 0 : Math.floor(code / 8) % all.length];

  function palette_of(scale) {
    if (scale.kind === "levels") return scale.levels.map((_, n) => color(is_grey(scale, n) ? "grey" : `c${n % 8}`));
    const [from, to] = [Number(color("from")), Number(color("to"))];
    const ramp = Array.from({ length: 254 }, (_, n) => map.ramp[Math.round(from + ((to - from) * n) / 253)]);
    return [...ramp, color("grey"), color("grey")];
  }

  function legend(scale, n, palette) {
    const legend_box = at("legend");
    legend_box.replaceChildren();
    if (!scale) return;
    if (scale.kind === "numbers") {
      const ramp = element("div", "", "ramp");
      ramp.style.background = `linear-gradient(to right, ${palette.slice(0, 254).filter((_, i) => i % 23 === 0).join(", ")})`;
      const ends = element("div", "", "ends");
      const [less, more] = scale.clipped ? [" or less", " or more"] : ["", ""];
      ends.append(element("span", scale.low + less), element("span", scale.high + more));
      legend_box.append(ramp, ends);
      return;
    }
    const codes = points.get_column(`code${n}`);
    scale.levels.forEach((level, code) => {
      const button = element("button");
      const sign = element("span", `${shape_of(scale, code, signs)} `);
      sign.style.color = palette[code];
      button.type = "button";
      button.title = "Select these";
      button.setAttribute("aria-pressed", "false");
      button.append(sign, level, element("span", scale.counts[code].toLocaleString("en"), "count"));
      button.addEventListener("click", () => {
        const on = button.getAttribute("aria-pressed") !== "true";
        select(on ? [...codes.keys()].filter((i) => codes[i] === code) : []);
        button.setAttribute("aria-pressed", String(on));
      });
      legend_box.append(button);
    });
  }

  function element(name, text = "", style = "") {
    const made = document.createElement(name);
    made.textContent = text;
    if (style) made.className = style;
    return made;
  }

  function fill(id, head, rows) {
    const table = at(id);
    const line = (cells, name) => {
      const row = document.createElement("tr");
      row.append(...cells.map((cell) => {
        const made = element(name, cell instanceof Node ? "" : cell);
        if (cell instanceof Node) made.append(cell);
        return made;
      }));
      return row;
    };
    const top = document.createElement("thead"), body = document.createElement("tbody");
    top.append(line(head, "th"));
    body.append(...rows.map((row) => line(row, "td")));
    table.replaceChildren(...(rows.length ? [top, body] : []));
  }

  // The picture of a record: its part of the sheet of all pictures.
  function picture(i) {
    const { uri, side, across, rows } = map.sheet, shown = 48;
    const made = element("span", "", "picture");
    made.setAttribute("role", "img");
    made.setAttribute("aria-label", `record ${count(record(i))}`);
    made.style.backgroundImage = `url(${uri})`;
    made.style.backgroundSize = `${across * shown}px ${rows * shown}px`;
    made.style.backgroundPosition = `${-shown * (i % across)}px ${-shown * Math.floor(i / across)}px`;
    made.style.imageRendering = side < shown ? "pixelated" : "auto";
    return made;
  }

  const pictured = (i) => (map.sheet ? [picture(i)] : []);
  const seen = () => (map.sheet ? ["Picture"] : []);
  const count = (n) => n.toLocaleString("en");
  const kept = (i) => map.columns.map((_, n) => points.get_column(`k${n}`)[i]);
  const record = (i) => points.get_column("record")[i];
  const select = (indices) => { selected.indices = indices; };

  function show_selected() {
    const most = 100, all = selected.indices;
    const total = points.get_column("x").length;
    const more = all.length > most ? `; the first ${most} are listed` : "";
    at("selected-status").textContent = all.length
      ? `${count(all.length)} of ${count(total)} records selected${more}.`
      : "Nothing is selected.";
    const listed = all.slice(0, most).map((i) => [count(record(i)), ...pictured(i), ...kept(i)]);
    fill("selected", ["Record", ...seen(), ...map.columns], listed);
    for (const button of at("legend").querySelectorAll("button")) button.setAttribute("aria-pressed", "false");
    if (all.length === 1) neighbors(all[0]);
  }

  function neighbors(i) {
    at("record").value = record(i);
    const positions = Array.from({ length: map.neighbors }, (_, n) => points.get_column(`n${n}`)[i]);
    const rows = positions.map((j, n) => [
      String(n + 1), count(record(j)), points.get_column(`d${n}`)[i].toPrecision(4), ...pictured(j), ...kept(j),
    ]);
    const itself = map.columns.map((name, n) => `${name}: ${kept(i)[n]}`).join(", ");
    at("neighbors-status").textContent =
      `Nearest records on the map to record ${count(record(i))}${itself && ` (${itself})`}:`;
    at("neighbors-status").prepend(...pictured(i));
    fill("neighbors", ["", "Record", "Distance", ...seen(), ...map.columns], rows);
    const [x, y] = [points.get_column("x"), points.get_column("y")];
    const ringed = [i, ...positions];
    near.data = { x: ringed.map((j) => x[j]), y: ringed.map((j) => y[j]), size: ringed.map((j) => (j === i ? 18 : 11)) };
  }

  function find(event) {
    event.preventDefault();
    const wanted = Number(at("record").value);
    const i = points.get_column("record").indexOf(wanted);
    if (i >= 0) return neighbors(i);
    fill("neighbors", [], []);
    near.data = { x: [], y: [], size: [] };
    at("neighbors-status").textContent = `Record ${wanted} is not on the map, which shows ${count(points.get_column("x").length)} records.`;
  }

  function zoom(factor) {
    const { x_range, y_range } = named("map");
    for (const range of [x_range, y_range]) {
      const [middle, half] = [(range.start + range.end) / 2, (range.end - range.start) / 2];
      range.setv({ start: middle - half * factor, end: middle + half * factor });
    }
  }

  if (map) {
    points = named("points"); near = named("near"); selected = points.selected;
    map.columns.forEach((name, n) => at("color-by").append(new Option(name, n)));
    at("color-by").closest("label").hidden = map.columns.length === 0;
    at("color-by").addEventListener("change", recolor);
    at("neighbors-of").addEventListener("submit", find);
    at("zoom-in").addEventListener("click", () => zoom(0.6));
    at("zoom-out").addEventListener("click", () => zoom(1 / 0.6));
    at("whole").addEventListener("click", () => { named("map").x_range.reset(); named("map").y_range.reset(); });
    at("clear").addEventListener("click", () => select([]));
    for (const radio of document.getElementsByName("drag"))
      radio.addEventListener("change", () => { for (const tool of ["pan", "box", "lasso"]) named(tool).active = tool === radio.value; });
    selected.properties.indices.change.connect(show_selected);
  }
  paint();
  dark.addEventListener("change", paint);
  if (map) neighbors(0);
  document.documentElement.dataset.ready = "yes";
})();
