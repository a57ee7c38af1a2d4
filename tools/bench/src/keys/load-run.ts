import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { type Order, type Report } from './order.js';

/** Milliseconds before the first request, in which the connections open. */
const OPENING_MS = 200;

/**
 * Carries out one order, from its first connection until its report. At a rate it sends whether or not answers come; unbounded, each connection sends
 * again as soon as it is answered. A connection that the server closes is opened again.
 */
export class Run {
  readonly #answered: Report = { times: [], early: [], late: [], statuses: {}, asked: 0, sentInTime: 0 };
  readonly #connections: readonly Connection[];
  readonly #startedAt = performance.now() + OPENING_MS;
  readonly #measuredFrom: number;
  readonly #end: number;
  readonly #count: number;
  #sent = 0;
  /** Those that were answered, or were on connections that the server closed. */
  #over = 0;

  constructor(
    private readonly order: Order,
    private readonly done: (report: Report) => void,
  ) {
    this.#measuredFrom = this.#startedAt + order.settleMs;
    this.#end = this.#measuredFrom + order.seconds * 1_000;
    this.#count =
      order.rate === 'unbounded' ? Infinity : Math.round((order.rate * (this.#end - this.#startedAt)) / 1_000);
    const request = requestOf(order);
    this.#connections = Array.from({ length: order.connections }, () => new Connection(order.url, request, this));
    this.#turn();
  }

  get isUnbounded(): boolean {
    return this.order.rate === 'unbounded';
  }

  get isOver(): boolean {
    return performance.now() >= this.#end;
  }

  /** @returns when the request was due: a slow answer delays no other, and a request that is sent late counts from when it should have been */
  sending(): number {
    const now = performance.now();
    const due =
      this.order.rate === 'unbounded' ? now : this.#startedAt + (this.#sent * 1_000) / Number(this.order.rate);
    this.#sent += 1;
    if (due >= this.#measuredFrom && due < this.#end) {
      this.#answered.asked += 1;
      if (now < this.#end) this.#answered.sentInTime += 1;
      if (!this.order.floods) this.#answered.late.push(now - due);
    }
    return due;
  }

  answered(status: string, due: number): void {
    this.#over += 1;
    const { statuses, times, early } = this.#answered;
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (!this.order.floods) (due < this.#measuredFrom ? early : times).push(performance.now() - due);
  }

  lost(count: number): void {
    this.#over += count;
  }

  #turn(): void {
    const now = performance.now();
    if (!this.isUnbounded) this.#sendDue(now);
    else if (this.#sent === 0 && now >= this.#startedAt) for (const connection of this.#connections) connection.send();
    const isDone = now >= this.#end && (this.isUnbounded || this.#sent >= this.#count) && this.#over >= this.#sent;
    if (isDone || now > this.#end + this.order.afterMs) this.#report();
    else this.#rest(now);
  }

  #sendDue(now: number): void {
    const due = Math.min(this.#count, (now - this.#startedAt) * (Number(this.order.rate) / 1_000));
    while (this.#sent < due) this.#connections[this.#sent % this.#connections.length]?.send();
  }

  /**
   * A timer of Node's is late by up to a millisecond, which would be most of what is measured: the last part of a wait is spent awake. Only a part: a
   * program that runs first and never rests is stopped by the system for 50 ms of each second.
   */
  #rest(now: number): void {
    const nextDue = this.#startedAt + (this.#sent * 1_000) / Number(this.order.rate);
    const ms = this.order.floods || this.#sent >= this.#count ? 1 : Math.floor(nextDue - now - 1);
    const again = (): void => {
      this.#turn();
    };
    if (ms > 0) setTimeout(again, ms);
    else setImmediate(again);
  }

  #report(): void {
    for (const connection of this.#connections) connection.close();
    this.done(this.#answered);
  }
}

/** One connection, on which answers come in the order of the requests. */
class Connection {
  /** When each request that is not answered was due. */
  #due: number[] = [];
  #socket: Socket;
  #text = '';
  #isClosed = false;

  constructor(
    private readonly url: string,
    private readonly request: string,
    private readonly run: Run,
  ) {
    this.#socket = this.#open();
  }

  #open(): Socket {
    const { hostname, port } = new URL(this.url);
    const socket = connect(Number(port), hostname).setNoDelay(true).setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      this.#read(chunk);
    });
    // 'close' follows.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.run.lost(this.#due.length);
      if (!this.#isClosed && !this.run.isOver) this.#reopen();
    });
    return socket;
  }

  #reopen(): void {
    this.#due = [];
    this.#text = '';
    this.#socket = this.#open();
    if (this.run.isUnbounded) this.send();
  }

  send(): void {
    this.#due.push(this.run.sending());
    this.#socket.write(this.request);
  }

  #read(chunk: string): void {
    this.#text += chunk;
    for (;;) {
      const head = this.#text.indexOf('\r\n\r\n');
      if (head === -1) return;
      const length = Number(/content-length: (\d+)/i.exec(this.#text.slice(0, head))?.[1] ?? 0);
      if (this.#text.length < head + 4 + length) return;
      this.run.answered(this.#text.slice(9, 12), this.#due.shift() ?? Number.NaN);
      this.#text = this.#text.slice(head + 4 + length);
      if (this.run.isUnbounded && !this.run.isOver) this.send();
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }
}

function requestOf({ url, file }: Order): string {
  const { hostname, pathname } = new URL(url);
  const key = readFileSync(file, 'utf8').trim();
  return `GET ${pathname} HTTP/1.1\r\nhost: ${hostname}\r\nx-api-key: ${key}\r\n\r\n`;
}
