// Single keys, for whoever reads hundreds of answers; they can be switched off, and never act in a field.
const KEYS = [["j →", "keys_next"], ["k ←", "keys_next"], ["m", "keys_view"], ["c", "keys_copy"], ["f", "keys_flag"], ["n", "keys_note"], ["/", "keys_search"], ["← →", "keys_tabs"], ["?", "keys_help"]];
const VIEWS = ["prose", "raw", "diff"];

const acts = {
  j: () => stepTask(1),
  ArrowRight: () => stepTask(1),
  k: () => stepTask(-1),
  ArrowLeft: () => stepTask(-1),
  m: () => setView(VIEWS[(VIEWS.indexOf(state.view) + 1) % VIEWS.length]),
  c: () => { if (state.sample >= 0) copyText(textOf(state.sample, state.b)); },
  f: () => byId("flag")?.click(),
  n: () => byId("note")?.focus(),
  "/": () => byId("task-search").focus(),
};

function startKeys() {
  const list = document.querySelector("#keys-dialog .keys");
  list.append(el("div", {}, el("dt", {}, el("kbd", {}, "j"), " ", el("kbd", {}, "→"), " / ", el("kbd", {}, "k"), " ", el("kbd", {}, "←")), el("dd", {}, say("keys_next"))));
  for (const [key, words] of KEYS.slice(2)) list.append(el("div", {}, el("dt", {}, el("kbd", {}, key)), el("dd", {}, say(words))));
  byId("show-keys").addEventListener("click", () => openDialog(byId("keys-dialog")));
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing || !byId("keys-on").checked) return;
    if (document.querySelector("dialog[open]") || event.target.closest?.("input, select, textarea, [role=tablist], .scroll, .matrix")) return;
    if (event.key === "?") { event.preventDefault(); openDialog(byId("keys-dialog")); return; }
    if (panelNow?.id !== "answers" || !acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  });
}
