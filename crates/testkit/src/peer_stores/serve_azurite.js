// The blob service of Azurite on a free port, with one container, in memory: prints where it listens, and runs until its input ends.
// Arguments: the program (azurite/dist/src/blob/main.js), and the name and key of the account.
"use strict";

const crypto = require("crypto");
const http = require("http");

const [program, account, key] = process.argv.slice(-3);

// As the documentation of Azure has it for a request without content.
function signed(method, path, query) {
  const headers = { "x-ms-date": new Date().toUTCString(), "x-ms-version": "2021-12-02", "content-length": "0" };
  const ours = Object.keys(headers).filter((name) => name.startsWith("x-ms-")).sort();
  const text = [
    method, ...Array(11).fill(""),
    ...ours.map((name) => `${name}:${headers[name]}`),
    `/${account}/${account}/${path}`,
    ...Object.keys(query).sort().map((name) => `${name}:${query[name]}`),
  ].join("\n");
  const signature = crypto.createHmac("sha256", Buffer.from(key, "base64")).update(text, "utf8").digest("base64");
  return { ...headers, authorization: `SharedKey ${account}:${signature}` };
}

function makeContainer(endpoint, name) {
  const query = { restype: "container" };
  const url = `${endpoint}/${name}?${new URLSearchParams(query)}`;
  http.request(url, { method: "PUT", headers: signed("PUT", name, query) }, (answer) => {
    if (answer.statusCode !== 201) {
      console.error(`the container could not be made: ${answer.statusCode} ${answer.statusMessage}`);
      process.exit(1);
    }
    answer.resume();
    process.stdout.write(`${endpoint}\n`);
  }).end();
}

// Beside the account that is given, the one that Azurite has by itself.
const OWN = "devstoreaccount1:Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
process.env.AZURITE_ACCOUNTS = `${account}:${key};${OWN}`;
process.stdin.on("end", () => process.exit(0)).resume();
// What it says at its start has the port that it was given.
console.log = (line) => {
  const address = /listens on (\S+)/.exec(line);
  if (address) {
    makeContainer(`${address[1]}/${account}`, "bucket");
  }
};
process.argv = [
  process.argv[0], program,
  "--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--silent", "--disableTelemetry",
];
require(program);
