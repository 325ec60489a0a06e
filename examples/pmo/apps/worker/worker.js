"use strict";

// A job every few seconds. TERM lets the job in hand finish, then ends.
const { setTimeout: sleep } = require("node:timers/promises");

const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => stop.abort());

async function job(number) {
  await sleep(250); // the work; not ended by a signal
  console.log(`job ${number} done (${(process.env.PMO_COMMIT ?? "by hand").slice(0, 7)})`);
}

async function main() {
  for (let number = 1; !stop.signal.aborted; number++) {
    await job(number);
    await sleep(3000, null, { signal: stop.signal }).catch(() => {});
  }
  console.log("worker stopped");
}

main();
