"use strict";
// Which two tries are compared, and what is not the same in them. Foreign text only ever becomes the text of an element.
const data = JSON.parse(document.getElementById("data").textContent);
const say = (key, values = {}) => ((values.count === 1 && data.words[`${key}_one`]) || data.words[key]).replace(/\{(\w+)\}/g, (_, name) => values[name]);

function element(tag, text, name) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
}

function row(cells, head) {
  const line = element("tr");
  const first = element("th", head);
  first.scope = "row";
  line.append(first, ...cells.map((text) => element("td", text)));
  return line;
}

function changes(before, after) {
  const left = new Map(before.facts.map(([key, , value]) => [key, value])), right = new Map(after.facts.map(([key, , value]) => [key, value]));
  const names = new Map([...before.facts, ...after.facts].map(([key, name]) => [key, name]));
  const unlike = [...names.keys()].filter((key) => left.get(key) !== right.get(key));
  return { unlike: unlike.map((key) => [names.get(key), left.get(key) ?? "–", right.get(key) ?? "–"]), same: names.size - unlike.length };
}

function notes(tries) {
  return tries.filter((one) => one.state !== "known").map((one) => say(one.state, { name: one.name, run: one.run }));
}

function show(panel, tries) {
  const [before, after] = ["before", "after"].map((name) => tries[Number(panel.querySelector(`[name=${name}]`).value)]);
  const body = panel.querySelector("tbody"), said = panel.querySelector(".said");
  const figures = [
    [say("difference"), `${before.difference} (${before.bounds})`, `${after.difference} (${after.bounds})`],
    [say("shows"), before.shows, after.shows], [say("mean"), before.mean, after.mean],
    [say("run"), before.run, after.run], [say("date"), before.date, after.date],
  ];
  const { unlike, same } = before.state === "known" && after.state === "known" ? changes(before, after) : { unlike: [], same: 0 };
  body.replaceChildren(...[...figures, ...unlike].map(([name, ...cells]) => row(cells, name)));
  body.querySelectorAll("tr").forEach((line, place) => { if (place >= figures.length) line.className = "changed"; });
  const missing = notes(before === after ? [before] : [before, after]);
  const lines = before === after ? [say("same_try")] : missing.length ? missing : [unlike.length ? say("changed_facts", { count: unlike.length, same }) : say("nothing_changed", { same })];
  said.replaceChildren(...lines.map((text) => element("p", text)));
}

for (const panel of document.querySelectorAll(".compare")) {
  const tries = data.sets[Number(panel.dataset.set)];
  panel.hidden = false;
  panel.addEventListener("change", () => show(panel, tries));
  panel.querySelector(".swap").addEventListener("click", () => {
    const [before, after] = ["before", "after"].map((name) => panel.querySelector(`[name=${name}]`));
    [before.value, after.value] = [after.value, before.value];
    show(panel, tries);
  });
  show(panel, tries);
}
