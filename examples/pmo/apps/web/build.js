"use strict";

// Writes dist/: assets whose names carry a hash of their content, and an index.html that names them.
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");

const source = path.join(__dirname, "src");
const dist = path.join(__dirname, "dist");
const version = fs.readFileSync(path.join(__dirname, "../../version.txt"), "utf8").trim();

fs.rmSync(dist, { recursive: true, force: true });
fs.mkdirSync(path.join(dist, "assets"), { recursive: true });

function asset(name) {
  const content = fs.readFileSync(path.join(source, name));
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 10);
  const { name: stem, ext } = path.parse(name);
  const hashed = `assets/${stem}.${hash}${ext}`;
  fs.writeFileSync(path.join(dist, hashed), content);
  console.log(`dist/${hashed}  ${content.length} bytes`);
  return `/${hashed}`;
}

const values = { style: asset("style.css"), script: asset("app.js"), version: version.replace(/[&<>"]/g, "") };
const page = fs.readFileSync(path.join(source, "index.html"), "utf8").replace(/%(\w+)%/g, (_, name) => {
  if (!(name in values)) throw new Error(`index.html: no value for %${name}%`);
  return values[name];
});
fs.writeFileSync(path.join(dist, "index.html"), page);
console.log(`dist/index.html  version ${version}`);
