// What two texts share, word by word: the shortest edit script by Myers' greedy algorithm (1986), between the first and
// the last word on which they differ. Texts too unlike to be worth marking are given up at MOST_EDITS.
const MOST_EDITS = 3000;

function wordsOf(text) {
  if (!("Segmenter" in Intl)) return [...text];
  const segmenter = new Intl.Segmenter(data.language === "ja" ? "ja" : undefined, { granularity: "word" });
  return Array.from(segmenter.segment(text), (part) => part.segment);
}

// Returns [runs of a, runs of b]: pairs of text and whether it stands in that text alone; null if given up.
function diff(textA, textB) {
  const a = wordsOf(textA), b = wordsOf(textB);
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let endA = a.length, endB = b.length;
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) { endA--; endB--; }
  const common = matches(a.slice(start, endA), b.slice(start, endB));
  if (common === null) return null;
  const inA = new Uint8Array(a.length).fill(1), inB = new Uint8Array(b.length).fill(1);
  inA.fill(0, start, endA);
  inB.fill(0, start, endB);
  for (const [i, j] of common) { inA[start + i] = 1; inB[start + j] = 1; }
  return [runs(a, inA), runs(b, inB)];
}

// The pairs of places that the shortest edit script leaves as they are.
function matches(a, b) {
  const limit = Math.min(a.length + b.length, MOST_EDITS);
  const trace = [];
  let furthest = new Int32Array(2 * limit + 2);
  const middle = limit;
  for (let edits = 0; edits <= limit; edits++) {
    trace.push(furthest.slice(middle - edits, middle + edits + 2));
    for (let k = -edits; k <= edits; k += 2) {
      const down = k === -edits || (k !== edits && furthest[middle + k - 1] < furthest[middle + k + 1]);
      let x = down ? furthest[middle + k + 1] : furthest[middle + k - 1] + 1;
      let y = x - k;
      while (x < a.length && y < b.length && a[x] === b[y]) { x++; y++; }
      furthest[middle + k] = x;
      if (x >= a.length && y >= b.length) return walkBack(trace, a.length, b.length);
    }
  }
  return null;
}

function walkBack(trace, x, y) {
  const pairs = [];
  for (let edits = trace.length - 1; edits >= 0; edits--) {
    const at = (k) => trace[edits][k + edits];
    const k = x - y;
    const down = k === -edits || (k !== edits && at(k - 1) < at(k + 1));
    const before = edits === 0 ? 0 : down ? at(k + 1) : at(k - 1);
    const beforeY = edits === 0 ? 0 : before - (down ? k + 1 : k - 1);
    while (x > before && y > beforeY && x > 0 && y > 0) {
      const fromX = edits === 0 ? 0 : down ? before : before + 1;
      if (x <= fromX) break;
      pairs.push([--x, --y]);
    }
    x = before;
    y = beforeY;
  }
  return pairs;
}

function runs(words, shared) {
  const found = [];
  words.forEach((word, place) => {
    const only = !shared[place];
    if (found.length && found[found.length - 1][1] === only) found[found.length - 1][0] += word;
    else found.push([word, only]);
  });
  return found;
}
