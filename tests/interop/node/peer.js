// The ws library as a peer: node peer.js client|server OPTIONS
//
// A client takes commands as lines of JSON on its standard input; both sides print what
// happens as lines of JSON. Payloads travel as base64 (`data`), with `binary` beside.
// The server behaves as every server of tests/interop/peer_servers.py does.

import { readFileSync } from "node:fs";
import { createServer as createPlain } from "node:http";
import { createServer as createTls } from "node:https";
import { createInterface } from "node:readline";
import { WebSocket, WebSocketServer } from "ws";

const [side, text] = process.argv.slice(2);
const options = JSON.parse(text);
const common = {
  maxPayload: 64 * 1024 * 1024,
  perMessageDeflate: options.compress ? { threshold: 0 } : false,
};

function say(event, facts = {}) {
  process.stdout.write(JSON.stringify({ event, ...facts }) + "\n");
}

function client() {
  const socket = new WebSocket(options.url, options.subprotocols, {
    ...common,
    ca: options.ca ? readFileSync(options.ca) : undefined,
  });
  const commands = {
    send: ({ data, binary, fin }) => socket.send(Buffer.from(data, "base64"), { binary, fin }),
    ping: ({ data }) => socket.ping(data),
    close: ({ code, reason }) => socket.close(code, reason),
    terminate: () => socket.terminate(),
  };
  socket.on("open", () =>
    say("open", { subprotocol: socket.protocol, extensions: socket.extensions })
  );
  socket.on("message", (data, binary) =>
    say("message", { data: data.toString("base64"), binary })
  );
  socket.on("pong", (data) => say("pong", { data: data.toString() }));
  socket.on("error", (error) => say("error", { message: error.message }));
  socket.on("close", (code, reason) => say("close", { code, reason: reason.toString() }));
  createInterface({ input: process.stdin }).on("line", (line) => {
    const command = JSON.parse(line);
    commands[command.do](command);
  });
}

function answer(socket, data, binary) {
  const message = binary ? "" : data.toString("utf8", 0, 200);
  if (message.startsWith("close ")) {
    const [, code, reason] = /^close (\d+) (.*)$/.exec(message);
    socket.close(Number(code), reason);
  } else if (message === "fragments") {
    socket.send("three ", { fin: false });
    socket.send("", { fin: false });
    socket.send("fragments", { fin: true });
  } else {
    socket.send(data, { binary });
  }
}

function server() {
  const http = options.cert
    ? createTls({ cert: readFileSync(options.cert), key: readFileSync(options.key) })
    : createPlain();
  const sockets = new WebSocketServer({
    ...common,
    server: http,
    handleProtocols: (offered) => options.subprotocols.find((name) => offered.has(name)) ?? false,
  });
  sockets.on("connection", (socket) => {
    say("open", { subprotocol: socket.protocol, extensions: socket.extensions });
    socket.on("message", (data, binary) => answer(socket, data, binary));
    socket.on("error", (error) => say("error", { message: error.message }));
    socket.on("close", (code, reason) => say("close", { code, reason: reason.toString() }));
  });
  http.listen(0, "127.0.0.1", () => say("listening", { port: http.address().port }));
}

(side === "client" ? client : server)();
// The test that started this process is its only user: it ends with it.
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
