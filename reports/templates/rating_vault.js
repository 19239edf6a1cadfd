// A browser writes localStorage to the disk some seconds later, and a crash in between loses them. A database it writes at
// once. Both are kept, since not every browser gives a page from a file a database; the one that was written last counts.
const VAULT = "harness-rating", SHELF = "kept";

const vault = new Promise((resolve) => {
  try {
    const asked = indexedDB.open(VAULT, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(SHELF);
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = asked.onblocked = () => resolve(null);
  } catch { resolve(null); }
});

async function vaultWrite(text) {
  const base = await vault;
  if (!base) return;
  try { base.transaction(SHELF, "readwrite", { durability: "strict" }).objectStore(SHELF).put(text, KEPT); } catch { /* localStorage has it */ }
}

async function vaultRead() {
  const base = await vault;
  if (!base) return null;
  return new Promise((resolve) => {
    try {
      const asked = base.transaction(SHELF, "readonly").objectStore(SHELF).get(KEPT);
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => resolve(null);
    } catch { resolve(null); }
  });
}

// Takes what a crash kept out of localStorage; what was rated since the page was opened stays. Returns whether there was any.
async function recoverFromVault() {
  const before = state.turn, kept = parsed(await vaultRead());
  if (!kept || !(Number.isInteger(kept.turn) && kept.turn > before)) return false;
  const own = Object.fromEntries([...touched].map((id) => [id, state.ratings[id]]));
  adopt(kept);
  for (const [id, rating] of Object.entries(own)) {
    if (rating) state.ratings[id] = rating;
    else delete state.ratings[id];
  }
  return true;
}
