// The glossary: a term's link leads to its words at the end of the page, and with a script opens them in place.
function openDialog(dialog) {
  if (!dialog.open) dialog.showModal();
}

function showTerm(key) {
  const entry = byId(`term-${key}`);
  byId("term-title").textContent = entry.querySelector("dt").textContent;
  byId("term-text").textContent = entry.querySelector("dd").textContent;
  openDialog(byId("term-dialog"));
}

function startTerms() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a.term");
    if (link) { event.preventDefault(); event.stopPropagation(); showTerm(link.dataset.term); }
  }, true);
  for (const dialog of document.querySelectorAll("dialog")) {
    for (const close of dialog.querySelectorAll(".close, a")) close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  }
}
