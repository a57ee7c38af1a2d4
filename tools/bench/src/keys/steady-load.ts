// A child process of the keys benchmark: sends requests to one route with one key, and prints how long each answer took:
// `steady-load.js <url> <file with a key> <requests per second, or `unbounded`> <seconds> <connections> <milliseconds to wait for answers>`.
// At a rate it sends whether or not answers come; unbounded, each connection sends again as soon as it is answered. A connection that the server
// closes is opened again.
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { percentile } from '../statistics.js';

const [url = '', file = '', rate = '0', seconds = '0', connectionCount = '0', afterMs = '0'] = process.argv.slice(2);
const { hostname, port, pathname } = new URL(url);
const key = readFileSync(file, 'utf8').trim();
const request = `GET ${pathname} HTTP/1.1\r\nhost: ${hostname}\r\nx-api-key: ${key}\r\n\r\n`;
const isUnbounded = rate === 'unbounded';
/** Milliseconds before the first request, in which the connections open, and after the last, in which answers may still come. */
const BEFORE_MS = 200;
const AFTER_MS = Number(afterMs);

const times: number[] = [];
const statuses = new Map<string, number>();
let sent = 0;
/** Those of the time that was asked for; a program that is late sends the rest afterwards. */
let sentInTime = 0;
/** Those on connections that the server closed. */
let unanswered = 0;

/** One connection, on which answers come in the order of the requests. */
class Connection {
  #sent: number[] = [];
  #socket = this.#open();
  #text = '';

  #open(): Socket {
    const socket = connect(Number(port), hostname).setNoDelay(true).setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      this.#read(chunk);
    });
    // 'close' follows.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      unanswered += this.#sent.length;
      if (performance.now() < end) this.#reopen();
    });
    return socket;
  }

  #reopen(): void {
    this.#sent = [];
    this.#text = '';
    this.#socket = this.#open();
    if (isUnbounded) this.send();
  }

  /** From now on it is timed: that this program was late to send is not the server's doing, and it never waits for an answer at a rate. */
  send(): void {
    sent += 1;
    if (performance.now() < end) sentInTime += 1;
    this.#sent.push(performance.now());
    this.#socket.write(request);
  }

  #read(chunk: string): void {
    this.#text += chunk;
    for (;;) {
      const head = this.#text.indexOf('\r\n\r\n');
      if (head === -1) return;
      const length = Number(/content-length: (\d+)/i.exec(this.#text.slice(0, head))?.[1] ?? 0);
      if (this.#text.length < head + 4 + length) return;
      const status = this.#text.slice(9, 12);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      times.push(performance.now() - (this.#sent.shift() ?? Number.NaN));
      this.#text = this.#text.slice(head + 4 + length);
      if (isUnbounded && performance.now() < end) this.send();
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

const connections = Array.from({ length: Number(connectionCount) }, () => new Connection());
const startedAt = performance.now() + BEFORE_MS;
const end = startedAt + Number(seconds) * 1_000;
const count = isUnbounded ? Infinity : Number(rate) * Number(seconds);

function sendDue(): void {
  const due = Math.min(count, (performance.now() - startedAt) * (Number(rate) / 1_000));
  while (sent < due) connections[sent % connections.length]?.send();
}

function report(): void {
  const asked = isUnbounded ? sent : count;
  const took = { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
  const counted = { answered: times.length, count: asked, sentInTime, statuses: Object.fromEntries(statuses) };
  process.stdout.write(`${JSON.stringify({ ...took, ...counted })}\n`);
  for (const connection of connections) connection.close();
}

// A timer, not a loop without rest: the programs that measure share a core, and must not take it from each other.
function turn(): void {
  const now = performance.now();
  if (!isUnbounded) sendDue();
  else if (sent === 0 && now >= startedAt) for (const connection of connections) connection.send();
  const isDone = now >= end && (isUnbounded || sent >= count) && times.length + unanswered >= sent;
  if (isDone || now > end + AFTER_MS) report();
  else setTimeout(turn, 1);
}
turn();
