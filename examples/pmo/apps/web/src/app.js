"use strict";

const field = (id) => document.getElementById(id);

async function ask(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
  return answer.json();
}

async function refresh() {
  try {
    const [health, env] = await Promise.all([ask("/api/health"), ask("/api/env")]);
    field("api").textContent = health.version;
    field("status").textContent = health.status;
    field("status").dataset.state = health.status === "ok" ? "ok" : "down";
    field("instance").textContent = env.instance;
    field("greeting").textContent = env.greeting;
  } catch (error) {
    field("status").textContent = error.message;
    field("status").dataset.state = "down";
  }
}

refresh();
setInterval(refresh, 3000);
