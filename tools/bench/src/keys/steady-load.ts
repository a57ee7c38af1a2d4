// A child process of the keys benchmark: asks one route at a steady rate, whether or not the answers come, and says how long each took from
// when it was due: `steady-load.js <url> <file with a key> <requests a second> <seconds>`.
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { percentile } from '../statistics.js';

const [url = '', file = '', rate = '0', seconds = '0'] = process.argv.slice(2);
const { hostname, port, pathname } = new URL(url);
const key = readFileSync(file, 'utf8').trim();
const request = `GET ${pathname} HTTP/1.1\r\nhost: ${hostname}\r\nx-api-key: ${key}\r\n\r\n`;
const CONNECTIONS = 20;

const times: number[] = [];
const statuses = new Map<string, number>();

/** One connection, on which answers come in the order of the requests. */
class Connection {
  readonly #due: number[] = [];
  readonly #socket: Socket;
  #text = '';

  constructor() {
    this.#socket = connect(Number(port), hostname).setNoDelay(true).setEncoding('latin1');
    this.#socket.on('data', (chunk: string) => {
      this.#read(chunk);
    });
  }

  send(due: number): void {
    this.#due.push(due);
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
      times.push(performance.now() - (this.#due.shift() ?? Number.NaN));
      this.#text = this.#text.slice(head + 4 + length);
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

const connections = Array.from({ length: CONNECTIONS }, () => new Connection());
const begun = performance.now() + 100;
const count = Number(rate) * Number(seconds);
let sent = 0;

function sendDue(): void {
  const now = performance.now();
  while (sent < count) {
    const due = begun + (sent * 1_000) / Number(rate);
    if (due > now) break;
    connections[sent % CONNECTIONS]?.send(due);
    sent += 1;
  }
  if (sent < count || times.length < count) {
    if (now < begun + Number(seconds) * 1_000 + 10_000) {
      setImmediate(sent < count && Number(rate) > 500 ? sendDue : () => setTimeout(sendDue, 1));
      return;
    }
  }
  const report = { p50: percentile(times, 0.5), p99: percentile(times, 0.99), answered: times.length, count };
  process.stdout.write(`${JSON.stringify({ ...report, statuses: Object.fromEntries(statuses) })}\n`);
  for (const connection of connections) connection.close();
}
sendDue();
