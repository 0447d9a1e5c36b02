// Tables that sort, search and filter, and charts that are drawn as they come into view.
// Data is only ever read from and written as text of the page.
"use strict";
(() => {
  const make = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };

  // What a cell is sorted by and what a chart draws of it: a number, a text, or null.
  const valueOf = (cell, isNumber) => {
    const text = (cell.dataset.value ?? cell.textContent).trim();
    if (text === "" || text === "–") return null;
    if (!isNumber) return text;
    const number = Number(text.replace(/^(-?)inf$/, "$1Infinity"));
    return Number.isNaN(number) ? null : number;
  };

  // Numbers stand to the right, or behind words that say them.
  const isOfNumbers = (header) => header.matches(".number, [data-number]");

  // --- Tables ---------------------------------------------------------------------------------
  const order = (one, two) => {
    if (one === null || two === null) return (one === null) - (two === null);
    return typeof one === "number" && typeof two === "number"
      ? one - two
      : String(one).localeCompare(String(two), undefined, { numeric: true });
  };

  const sortBy = (table, place, descending) => {
    const isNumber = isOfNumbers(table.tHead.rows[0].cells[place]);
    const keyed = [...table.tBodies].map((body) => [body, valueOf(body.rows[0].cells[place], isNumber)]);
    keyed.sort(([, one], [, two]) => {
      const missing = one === null || two === null;
      return descending && !missing ? order(two, one) : order(one, two);
    });
    table.append(...keyed.map(([body]) => body));
    [...table.tHead.rows[0].cells].forEach((header, at) => {
      if (at === place) header.ariaSort = descending ? "descending" : "ascending";
      else header.removeAttribute("aria-sort");
    });
  };

  const makeSortable = (table) => {
    if (table.tBodies.length < 2) return;
    [...table.tHead.rows[0].cells].forEach((header, place) => {
      const button = make("button", { type: "button" }, ...header.childNodes);
      // Numbers are first looked at from the largest.
      button.onclick = () => {
        const first = isOfNumbers(header) ? "descending" : "ascending";
        const next = header.ariaSort === null ? first : header.ariaSort === "ascending" ? "descending" : "ascending";
        sortBy(table, place, next === "descending");
      };
      header.replaceChildren(button);
    });
  };

  // What is cut is searched whole.
  const textOf = (body) =>
    [...body.rows]
      .flatMap((row) => [...row.cells])
      .filter((cell) => !cell.querySelector("figure"))
      .flatMap((cell) => [cell.textContent, ...[...cell.querySelectorAll("[title]")].map(({ title }) => title)])
      .join(" ")
      .toLowerCase();

  const chooser = (table, header, place, changed) => {
    const values = new Set();
    for (const body of table.tBodies) values.add(body.rows[0].cells[place].textContent.trim());
    if (values.size < 2) return null;
    const all = make("option", { value: "", textContent: `${header.textContent}: all` });
    const options = [...values].sort().map((value) => make("option", { value: `=${value}`, textContent: value }));
    const select = make("select", { onchange: changed, ariaLabel: header.textContent }, all, ...options);
    return { select, place };
  };

  const makeTools = (box) => {
    const table = box.querySelector("table");
    const headers = [...table.tHead.rows[0].cells];
    const tools = make("div", { className: "tools" });
    const asked = box.dataset.search;
    const search = make("input", { type: "search", placeholder: asked ?? "", ariaLabel: asked ?? "" });
    const count = make("span", { className: "count", role: "status" });
    const texts = new Map([...table.tBodies].map((body) => [body, textOf(body)]));
    const choices = [];
    const show = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const body of table.tBodies) {
        const fits = choices.every(
          ({ select, place }) => !select.value || select.value === `=${body.rows[0].cells[place].textContent.trim()}`,
        );
        body.hidden = !(fits && words.every((word) => texts.get(body).includes(word)));
        shown += !body.hidden;
      }
      count.textContent = shown < table.tBodies.length ? `${shown} of ${table.tBodies.length}` : "";
    };
    headers.forEach((header, place) => {
      const choice = "choices" in header.dataset ? chooser(table, header, place, show) : null;
      if (choice) choices.push(choice);
    });
    if (asked && table.tBodies.length > 1) tools.append(search);
    tools.append(...choices.map(({ select }) => select));
    const charts = [...box.querySelectorAll("figure.small")].filter((figure) => specOf(figure).usermeta?.log);
    if (charts.length) tools.append(logBox(() => charts));
    if (!tools.childElementCount) return;
    search.oninput = show;
    tools.append(count);
    box.prepend(tools);
  };

  // --- Charts ---------------------------------------------------------------------------------
  const specs = JSON.parse(document.getElementById("specs")?.textContent ?? "[]");
  const specOf = (figure) => specs[figure.dataset.spec];
  const views = new Map();

  const library = (() => {
    let loading;
    const load = async () => {
      const packed = Uint8Array.from(atob(document.getElementById("library").textContent), (c) => c.charCodeAt(0));
      const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
      // A scope of its own: the library's names are short.
      const text = `(() => {${await new Response(stream).text()}\n})()`;
      document.head.append(make("script", { textContent: text }));
      return window.vegaEmbed;
    };
    return () => (loading ??= load());
  })();

  const rowsOf = (figure) => {
    const table = figure.querySelector("details table");
    const fields = [...table.tHead.rows[0].cells].map((header) => [
      header.dataset.key,
      isOfNumbers(header),
    ]);
    return [...table.tBodies[0].rows].map(({ cells }) => {
      const row = {};
      fields.forEach(([key, isNumber], place) => {
        if (key) row[key] = valueOf(cells[place], isNumber);
      });
      return row;
    });
  };

  // Names of the page's colours, so that a chart follows light, dark and print by itself.
  const ink = "var(--ink)";
  const line = "var(--line)";
  const NARROW = 480;  // Pixels of a chart; below, entries of a legend stand below each other.
  const config = (small, width) => ({
    background: "transparent",
    font: "system-ui,sans-serif",
    view: { stroke: small ? null : line },
    axis: {
      labelColor: ink, titleColor: ink, domainColor: line, tickColor: line, gridColor: line,
      labelFontSize: small ? 9 : 11, titleFontWeight: 600, grid: !small,
    },
    axisX: small ? { tickCount: 3, labelFlush: true } : {},
    axisY: small ? { labels: false, ticks: false, domain: false } : { labelLimit: 0.4 * width },
    axisPoint: small ? { labels: false, ticks: false } : {},
    axisBand: small ? { labels: false, ticks: false } : { grid: false },
    legend: { labelColor: ink, titleColor: ink, orient: "top", symbolType: "square", symbolOpacity: 1, labelLimit: 240, columns: width < NARROW ? 2 : 0 },
    header: { labelColor: ink, titleColor: ink },
    title: { color: ink },
    mark: { color: "var(--a)" },
    text: { color: ink, fill: ink },
    rule: { color: ink },
    tick: { color: ink },
    range: { category: ["a", "b", "d", "e", "f", "c"].map((name) => `var(--${name})`) },
  });

  const LOG = (constant) => (constant === 0 ? { type: "log" } : { type: "symlog", constant: constant ?? 1 });
  const withLog = (spec, axes, constant) => {
    const parts = [spec, ...(spec.layer ?? [])];
    for (const { encoding } of parts) {
      for (const axis of axes) {
        const channel = encoding?.[axis];
        if (channel?.type !== "quantitative") continue;
        channel.scale = { ...channel.scale, ...LOG(constant?.[axis] ?? constant) };
        if (channel.scale.type === "log") delete channel.scale.zero;
      }
    }
    return spec;
  };

  const specToDraw = (figure, { large = false } = {}) => {
    const small = figure.classList.contains("small") && !large;
    const spec = structuredClone(specOf(figure));
    const meta = spec.usermeta ?? {};
    spec.data = { values: rowsOf(figure) };
    spec.width ??= "container";
    if (small) {
      spec.height = 56;
      for (const { encoding } of [spec, ...(spec.layer ?? [])]) {
        for (const axis of ["x", "y"]) if (encoding?.[axis]) encoding[axis].title = null;
      }
    }
    if (large) spec.height = Math.max(360, Number(spec.height) || 0);
    if (figure.dataset.log) withLog(spec, meta.log, meta.constant);
    if (large && meta.zoom) {
      const zoomed = spec.layer ? spec.layer[0] : spec;
      zoomed.params = [...(zoomed.params ?? []), { name: "zoom", select: "interval", bind: "scales" }];
    }
    return [spec, small];
  };

  // Vega-Lite writes the ends of a time as {data: datetime(N)}, of which Vega's interpreter makes no
  // field: the scale would have no ends, so they are written as numbers.
  const END = /^\{data: datetime\((-?\d+)\)\}$/;
  const withEnds = (compiled) => {
    for (const scale of compiled.scales ?? []) {
      const ends = (scale.domain?.fields ?? []).map((field) => END.exec(field.signal ?? "")?.[1]);
      if (ends.length && ends.every((end) => end !== undefined)) scale.domain = ends.map(Number);
    }
    return compiled;
  };

  const embed = async (element, figure, options) => {
    const [spec, small] = specToDraw(figure, options);
    // Its own interpreter of expressions: a page's host may forbid scripts to make code (unsafe-eval).
    const embedded = await (await library())(element, spec, {
      mode: "vega-lite", actions: false, renderer: "svg", ast: true, patch: withEnds,
      config: config(small, element.clientWidth),
    });
    embedded.view.runAsync();
    return embedded;
  };

  const draw = async (figure) => {
    const drawn = await embed(figure.querySelector(".plot"), figure);
    views.get(figure)?.finalize?.();
    views.set(figure, drawn);
  };

  const logBox = (figures) => {
    const input = make("input", { type: "checkbox" });
    input.onchange = () => {
      for (const figure of figures()) {
        if (input.checked) figure.dataset.log = "1";
        else delete figure.dataset.log;
        if (views.has(figure)) draw(figure);
      }
    };
    return make("label", {}, input, " log scale");
  };

  const legend = (names) => {
    const colors = ["a", "b", "d", "e", "f", "c"];
    return make("p", { className: "legend" }, ...names.map((name, place) => {
      const mark = make("i");
      mark.style.background = `var(--${colors[place % colors.length]})`;
      return make("span", {}, mark, name);
    }));
  };

  const enlarge = async (figure) => {
    const meta = specOf(figure).usermeta ?? {};
    const plot = make("div", { className: "plot" });
    const close = make("button", { type: "button", textContent: "close" });
    const title = figure.querySelector("figcaption")?.textContent ?? figure.closest("tbody")?.rows[0].cells[0].innerText ?? "";
    const header = make("header", {}, make("b", { textContent: title.split("\n")[0] }));
    if (meta.names) header.append(legend(meta.names));
    if (meta.log) {
      const again = logBox(() => [figure]);
      again.firstChild.checked = Boolean(figure.dataset.log);
      again.addEventListener("change", () => embed(plot, figure, { large: true }));
      header.append(again);
    }
    header.append(close);
    const dialog = make("dialog", {}, header, plot);
    if (meta.zoom) dialog.append(make("p", { className: "note", textContent: "Wheel: zoom. Drag: move. Double click: as before." }));
    close.onclick = () => dialog.close();
    dialog.onclose = () => dialog.remove();
    document.body.append(dialog);
    dialog.showModal();
    await embed(plot, figure, { large: true });
  };

  const prepare = (figure) => {
    const plot = make("div", { className: "plot" });
    figure.querySelector("details").before(plot);
    if (figure.classList.contains("small")) {
      plot.title = "enlarge";
      plot.onclick = () => enlarge(figure);
      return;
    }
    const bar = make("div", { className: "bar" });
    if (specOf(figure).usermeta?.log) bar.append(logBox(() => [figure]));
    bar.append(make("button", { type: "button", textContent: "enlarge", onclick: () => enlarge(figure) }));
    plot.before(bar);
  };

  // --- The page -------------------------------------------------------------------------------
  const figures = [...document.querySelectorAll("figure.chart")];
  for (const box of document.querySelectorAll("div.table")) {
    makeSortable(box.querySelector("table"));
    makeTools(box);
  }
  figures.forEach(prepare);
  // A number that was rounded is told whole to who points at it.
  document.addEventListener("mouseover", ({ target }) => {
    const rounded = target.closest("td.number[data-value]");
    if (rounded) rounded.title = rounded.dataset.value;
  });
  const watching = new IntersectionObserver(
    (seen) => {
      for (const { isIntersecting, target } of seen) {
        if (!isIntersecting) continue;
        watching.unobserve(target);
        draw(target);
      }
    },
    { rootMargin: "400px" },
  );
  figures.forEach((figure) => watching.observe(figure));
  window.addEventListener("beforeprint", () => figures.filter((figure) => !views.has(figure)).forEach(draw));
})();
