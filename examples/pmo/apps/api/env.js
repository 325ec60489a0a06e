"use strict";

const escapes = { n: "\n", r: "\r", t: "\t" };

// Reads the text of a `.env` file: `KEY=plain`, `KEY='as it stands'` or `KEY="with \n \" \\ \$ escapes"`.
function parse(text) {
  const values = {};
  const line = /^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*(?:"((?:\\[^]|[^"\\])*)"|'([^']*)'|([^\r\n]*))/gm;
  for (const [, key, double, single, plain] of text.matchAll(line)) {
    values[key] = double?.replace(/\\([^])/g, (_, c) => escapes[c] ?? c) ?? single ?? plain.trim();
  }
  return values;
}

module.exports = { parse };
