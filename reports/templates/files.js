// What leaves the page: a file that is saved, a text that is copied. Nothing is sent anywhere.
function saveFile(name, content, type) {
  const link = el("a", { href: URL.createObjectURL(new Blob([content], { type })), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// A cell that no spreadsheet takes for a formula, and no reader of CSV for two cells.
function csvCell(value) {
  const text = value === null || value === undefined ? "" : String(value);
  const isFormula = typeof value === "string" && /^[\s\u0000]*[=+\-@＝＋－＠\t\r]/.test(text);
  return `"${(isFormula ? `'${text}` : text).replace(/"/g, '""')}"`;
}

// With a byte order mark: without one Excel takes Japanese for another encoding.
function csv(rows) {
  return `\ufeff${rows.map((row) => row.map(csvCell).join(",")).join("\r\n")}\r\n`;
}

function fileName(what, ending) {
  return `${data.run.replace(/[^\p{L}\p{N}._-]+/gu, "_").slice(0, 60) || "run"}-${what}.${ending}`;
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    tell(say("copied"));
    return true;
  } catch {
    return copyOldWay(text);
  }
}

function copyOldWay(text) {
  const area = el("textarea", { value: text, className: "hidden", readOnly: true });
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  tell(say(done ? "copied" : "not_copied"));
  return done;
}

// The list as it is filtered, with both answers and every judge's score of them.
function saveList() {
  const judges = data.judges.map((_, place) => place).filter((place) => boardOf(state.task, place) >= 0);
  const scores = (letter) => judges.map((judge) => `score ${letter}: ${data.judges[judge].name}`);
  const head = ["task_set", "task_id", "tags", "input", "model A", "answer A", ...scores("A"), "model B", "answer B", ...scores("B"), "flagged", "note"];
  const lines = listed.map((sample) => {
    const [id, input, , , tags] = samplesNow()[sample], kept = noteOf(sample);
    const side = (row) => [data.rows[row], textOf(sample, row), ...judges.map((judge) => score(sample, row, boardOf(state.task, judge)))];
    return [data.tasks[state.task].name, id, tags.join(" "), texts[input], ...side(state.a), ...side(state.b), kept.flag ? 1 : 0, kept.note];
  });
  saveFile(fileName("tasks", "csv"), csv([head, ...lines]), "text/csv;charset=utf-8");
}
