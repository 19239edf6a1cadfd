// Markdown as elements, after CommonMark 0.31 with tables and strikethrough; a line break stays one. What an answer
// writes becomes text nodes in elements of this list alone: no address is ever followed, no picture loaded, no HTML read.
const PUNCTUATION = /[!-\/:-@[-`{-~\p{P}\p{S}]/u;
const ESCAPED = /[!-\/:-@[-`{-~]/;
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', nbsp: "\u00a0", copy: "©", times: "×", hellip: "…", mdash: "—", ndash: "–" };
const MOST_NESTED = 20;
const MOST_MARKS = 4000;  // a text with more is an attack on the reader's patience, and stays as it is

const isSpace = (character) => character === "" || /\s/u.test(character);

// Blocks ---------------------------------------------------------------------------------------------------------------

const FENCE = /^( {0,3})(`{3,}(?=[^`]*$)|~{3,})(.*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*$/;
const RULE = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(?=[ \t]|$)([ \t]*)/;
const DELIMITERS = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const indentOf = (line) => /^ */.exec(line)[0].length;
const isBlank = (line) => /^[ \t]*$/.test(line);

// Whether a line ends a paragraph above it.
function interrupts(line) {
  if (FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line)) return true;
  const item = ITEM.exec(line);
  return Boolean(item) && line.length > item[0].length && (!/^\d/.test(item[2]) || /^1[.)]$/.test(item[2]));
}

function proseNodes(text) {
  if ((text.match(/[*_~[`]/g) ?? []).length > MOST_MARKS) return [el("p", { className: "as-it-is" }, text)];
  return blocks(text.replace(/\r\n?/g, "\n").replace(/^\t+/gm, (tabs) => "    ".repeat(tabs.length)).split("\n"), 0);
}

function blocks(lines, depth) {
  const made = [];
  if (depth > MOST_NESTED) return [document.createTextNode(lines.join("\n"))];
  for (let at = 0; at < lines.length;) {
    if (isBlank(lines[at])) { at++; continue; }
    const reader = [fenced, indented, heading, rule, quoted, listed_, tabled].find((one) => (one.found = one(lines, at, depth)));
    const [node, next] = reader ? reader.found : paragraph(lines, at);
    if (node) made.push(node);
    at = next;
  }
  return made;
}

function fenced(lines, at) {
  const found = FENCE.exec(lines[at]);
  if (!found) return null;
  const [, indent, mark] = found, closing = new RegExp(`^ {0,3}\\${mark[0]}{${mark.length},}[ \\t]*$`);
  let end = at + 1;
  while (end < lines.length && !closing.test(lines[end])) end++;
  const code = lines.slice(at + 1, end).map((line) => line.slice(Math.min(indentOf(line), indent.length)));
  return [codeBlock(code), end + 1];
}

function indented(lines, at) {
  if (indentOf(lines[at]) < 4) return null;
  let end = at;
  while (end < lines.length && (indentOf(lines[end]) >= 4 || isBlank(lines[end]))) end++;
  while (isBlank(lines[end - 1])) end--;
  return [codeBlock(lines.slice(at, end).map((line) => line.slice(4))), end];
}

function codeBlock(lines) {
  const code = el("pre", { tabIndex: 0 }, el("code", {}, lines.map((line) => `${line}\n`).join("")));
  return code;
}

function heading(lines, at) {
  const found = HEADING.exec(lines[at]);
  return found && [el("p", { className: `heading-${found[1].length}` }, ...inline((found[2] ?? "").trim())), at + 1];
}

function rule(lines, at) {
  return RULE.test(lines[at]) ? [el("hr"), at + 1] : null;
}

function quoted(lines, at, depth) {
  if (!QUOTE.test(lines[at])) return null;
  const inner = [];
  let end = at;
  for (; end < lines.length; end++) {
    if (QUOTE.test(lines[end])) inner.push(lines[end].replace(QUOTE, ""));
    else if (!isBlank(lines[end]) && !interrupts(lines[end]) && inner.length && isOpen(inner)) inner.push(lines[end]);
    else break;
  }
  return [el("blockquote", {}, ...blocks(inner, depth + 1)), end];
}

// Whether the last of these lines belongs to a paragraph that a further line may go on without its marks.
function isOpen(lines) {
  const last = lines[lines.length - 1];
  return !inFence(lines) && !isBlank(last) && !HEADING.test(last) && !RULE.test(last) && !FENCE.test(last) && indentOf(last) < 4;
}

function listed_(lines, at, depth) {
  const first = ITEM.exec(lines[at]);
  if (!first) return null;
  const kind = first[2].slice(-1), items = [];
  let end = at, isLoose = false;
  while (end < lines.length) {
    const mark = ITEM.exec(lines[end]);
    if (!mark || mark[2].slice(-1) !== kind || RULE.test(lines[end])) break;
    const [inner, next, isSpaced] = itemLines(lines, end, mark);
    let after = next;
    while (after < lines.length && isBlank(lines[after])) after++;
    const more = after < lines.length && ITEM.exec(lines[after])?.[2].slice(-1) === kind && !RULE.test(lines[after]);
    isLoose ||= isSpaced || (more && after > next);
    items.push(blocks(inner, depth + 1));
    end = more ? after : next;
    if (!more) break;
  }
  const start = Number.parseInt(first[2], 10);
  const list = Number.isNaN(start) ? el("ul") : el("ol", { start });
  for (const nodes of items) {
    const shown_ = isLoose ? nodes : nodes.flatMap((node) => (node.nodeName === "P" && !node.className ? [...node.childNodes] : [node]));
    list.append(el("li", {}, ...shown_));
  }
  return [list, end];
}

// The lines of one item without their indent, the line after it, and whether a blank line stands between its blocks.
function itemLines(lines, at, mark) {
  const rest = lines[at].slice(mark[0].length), padding = mark[3].length;
  const width = mark[1].length + mark[2].length + (rest === "" || padding > 4 ? 1 : padding);
  const inner = [rest === "" ? "" : lines[at].slice(width)];
  let end = at + 1, blank = 0, isSpaced = false;
  for (; end < lines.length; end++) {
    const line = lines[end];
    if (isBlank(line)) { blank++; continue; }
    const isInside = indentOf(line) >= width;
    if (!isInside && (blank || interrupts(line) || ITEM.test(line) || !isOpen(inner))) break;
    if (isInside && blank && inner.length === 1 && rest === "") break;
    if (blank && isInside && !(isNested(inner) && (indentOf(line) >= width + 2 || inFence(inner)))) isSpaced = true;
    for (; blank; blank--) inner.push("");
    inner.push(isInside ? line.slice(width) : line.trimStart());
  }
  return [inner, end - blank, isSpaced];
}

const inFence = (inner) => inner.filter((line) => FENCE.test(line)).length % 2 === 1;

// Whether the end of an item's lines lies within a list or code of its own, whose blank lines are not the item's.
function isNested(inner) {
  return inFence(inner) || (indentOf(inner[inner.length - 1]) >= 2 && inner.some((line, place) => place > 0 && ITEM.test(line)));
}

function cells(line) {
  const found = [];
  let cell = "";
  const inner = line.trim().replace(/^\|/, "");
  for (let at = 0; at < inner.length; at++) {
    if (inner[at] === "\\" && inner[at + 1] === "|") { cell += "|"; at++; } else if (inner[at] === "|") { found.push(cell); cell = ""; } else cell += inner[at];
  }
  if (cell.trim() !== "") found.push(cell);
  return found.map((one) => one.trim());
}

function tabled(lines, at) {
  const rules = lines[at + 1];
  if (rules === undefined || !lines[at].includes("|") || !DELIMITERS.test(rules) || !/[|:]/.test(rules)) return null;
  const head = cells(lines[at]), width = head.length;
  if (cells(rules).length !== width) return null;
  let end = at + 2;
  while (end < lines.length && !isBlank(lines[end]) && !interrupts(lines[end]) && indentOf(lines[end]) < 4) end++;
  const row = (line, tag) => el("tr", {}, ...Array.from({ length: width }, (_, place) => el(tag, {}, ...inline(line[place] ?? ""))));
  const table = el("table", {}, el("thead", {}, row(head, "th")));
  if (end > at + 2) table.append(el("tbody", {}, ...lines.slice(at + 2, end).map((line) => row(cells(line), "td"))));
  return [el("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: say("view_prose") }, table), end];
}

function paragraph(lines, at) {
  let end = at + 1;
  while (end < lines.length && !isBlank(lines[end]) && !interrupts(lines[end])) {
    const underline = /^ {0,3}(=+|-+)[ \t]*$/.exec(lines[end]);
    if (underline) {
      const text = lines.slice(at, end).map((line) => line.trim()).join("\n");
      return [el("p", { className: underline[1][0] === "=" ? "heading-1" : "heading-2" }, ...inline(text)), end + 1];
    }
    if (tabled(lines, end)) break;
    end++;
  }
  if (end < lines.length && /^ {0,3}-+[ \t]*$/.test(lines[end])) {
    const text = lines.slice(at, end).map((line) => line.trim()).join("\n");
    return [el("p", { className: "heading-2" }, ...inline(text)), end + 1];
  }
  const text = lines.slice(at, end).map((line) => line.trimStart()).join("\n").trimEnd();
  return [el("p", {}, ...inline(text)), end];
}

// Text within a block --------------------------------------------------------------------------------------------------

// Returns nodes. Runs of marks are put on a list first, and joined to emphasis when the text is read (CommonMark 6.2).
function inline(text) {
  const parts = [];  // text, a node, or {mark, count, opens, closes}
  let plain = "";
  const flush = () => { if (plain) parts.push(plain); plain = ""; };
  for (let at = 0; at < text.length;) {
    const character = text[at];
    const found = readers[character]?.(text, at);
    if (found) {
      flush();
      parts.push(...[found[0]].flat());
      at = found[1];
    } else {
      // a run of backticks that nothing closes is text as a whole
      const run = character === "`" ? /^`+/.exec(text.slice(at))[0] : character;
      plain += run;
      at += run.length;
    }
  }
  flush();
  return emphasised(parts);
}

const readers = {
  "\\": (text, at) => {
    if (text[at + 1] === "\n") return [el("br"), at + 2];
    return ESCAPED.test(text[at + 1] ?? "") ? [text[at + 1], at + 2] : null;
  },
  "\n": (text, at) => [el("br"), at + 1 + /^ */.exec(text.slice(at + 1))[0].length],
  " ": (text, at) => {
    const found = /^ +\n */.exec(text.slice(at));
    return found && [el("br"), at + found[0].length];
  },
  "`": (text, at) => {
    const mark = /^`+/.exec(text.slice(at))[0];
    for (const closing of text.slice(at + mark.length).matchAll(/`+/g)) {
      if (closing[0].length !== mark.length) continue;
      const inner = text.slice(at + mark.length, at + mark.length + closing.index).replace(/\n/g, " ");
      const isPadded = /^ .* $/s.test(inner) && inner.trim() !== "";
      return [el("code", {}, isPadded ? inner.slice(1, -1) : inner), at + 2 * mark.length + closing.index];
    }
    return null;
  },
  "&": (text, at) => {
    const found = /^&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([a-zA-Z]+));/.exec(text.slice(at, at + 40));
    if (!found) return null;
    const code = found[1] ? Number(found[1]) : found[2] ? Number.parseInt(found[2], 16) : null;
    // a character that steers a terminal or turns text around does not come in by its number
    const isPlain = code >= 32 && code <= 0x10ffff && !/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u.test(String.fromCodePoint(code));
    const character = code === null ? ENTITIES[found[3]] : isPlain ? String.fromCodePoint(code) : "\ufffd";
    return character === undefined ? null : [character, at + found[0].length];
  },
  "<": (text, at) => {
    const found = /^<([a-zA-Z][a-zA-Z\d+.-]{1,31}:[^\s<>]*|[\w.+-]+@[\w.-]+)>/.exec(text.slice(at));
    return found && [el("span", { className: "address" }, found[1]), at + found[0].length];
  },
  "!": (text, at) => (text[at + 1] === "[" ? linked(text, at + 1, at) : null),
  "[": (text, at) => linked(text, at, at),
  "*": (text, at) => marks(text, at),
  "_": (text, at) => marks(text, at),
  "~": (text, at) => marks(text, at),
};

// A link or picture: its words, and its address in words; nothing to choose.
function linked(text, at, from) {
  let depth = 0, end = at;
  for (; end < text.length; end++) {
    if (text[end] === "\\") end++;
    else if (text[end] === "`") end += Math.max(0, (readers["`"](text, end)?.[1] ?? end + 1) - end - 1);
    else if (text[end] === "[") depth++;
    else if (text[end] === "]" && --depth === 0) break;
  }
  if (end >= text.length) return null;
  const found = /^\(\s*(?:<([^<>\n]*)>|((?:[^\s()\\]|\\.|\([^\s()]*\))*))(?:\s+(?:"[^"]*"|'[^']*'|\([^()]*\)))?\s*\)/.exec(text.slice(end + 1));
  if (!found) return null;
  const address = found[1] ?? found[2];
  const said = inline(text.slice(at + 1, end));
  const words = from === at ? said : [said.map((node) => node.textContent ?? node).join("")];  // of a picture, its name
  const parts = address ? [el("span", { className: "address" }, address)] : [];
  return [el("span", { className: "link" }, ...words, ...parts), end + 1 + found[0].length];
}

// A run of marks, with whether it may open and whether it may close what stands between.
function marks(text, at) {
  const character = text[at];
  let end = at;
  while (text[end] === character) end++;
  const before = at ? String.fromCodePoint(lastCodePoint(text, at)) : "", after = end < text.length ? String.fromCodePoint(text.codePointAt(end)) : "";
  const isLeft = !isSpace(after) && (!PUNCTUATION.test(after) || isSpace(before) || PUNCTUATION.test(before));
  const isRight = !isSpace(before) && (!PUNCTUATION.test(before) || isSpace(after) || PUNCTUATION.test(after));
  const isWithin = character === "_";
  if (character === "~" && end - at < 2) return ["~", end];
  return [{
    mark: character, count: end - at, length: end - at,
    opens: isLeft && (!isWithin || !isRight || PUNCTUATION.test(before)),
    closes: isRight && (!isWithin || !isLeft || PUNCTUATION.test(after)),
  }, end];
}

function lastCodePoint(text, at) {
  const isPair = at > 1 && /[\udc00-\udfff]/.test(text[at - 1]) && /[\ud800-\udbff]/.test(text[at - 2]);
  return text.codePointAt(at - (isPair ? 2 : 1));
}

// Joins runs of marks to elements, innermost first.
function emphasised(parts) {
  for (let at = 0; at < parts.length; at++) {
    const closer = parts[at];
    if (!closer.mark || !closer.closes) continue;
    let from = at - 1;
    for (; from >= 0; from--) if (fits(parts[from], closer)) break;
    if (from < 0) continue;
    const opener = parts[from];
    const used = closer.mark === "~" ? 2 : opener.count >= 2 && closer.count >= 2 ? 2 : 1;
    const tag = closer.mark === "~" ? "s" : used === 2 ? "strong" : "em";
    const inner = parts.slice(from + 1, at).map(asText);
    opener.count -= used;
    closer.count -= used;
    const left = [...(opener.count ? [opener] : []), el(tag, {}, ...inner), ...(closer.count ? [closer] : [])];
    parts.splice(from, at - from + 1, ...left);
    at = from + (opener.count ? 1 : 0);  // what is left of the closer is looked at next
  }
  return parts.map(asText);
}

function fits(opener, closer) {
  if (opener.mark !== closer.mark || !opener.opens) return false;
  if (closer.mark === "~") return opener.count >= 2 && closer.count >= 2;
  const both = opener.closes || closer.opens;
  return !(both && (opener.length + closer.length) % 3 === 0 && !(opener.length % 3 === 0 && closer.length % 3 === 0));
}

const asText = (part) => (part.mark ? part.mark.repeat(part.count) : part);
