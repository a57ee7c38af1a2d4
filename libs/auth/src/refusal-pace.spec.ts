import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { PROMPT_REFUSALS } from './flooding-keys.js';
import { HELD_LIMIT, HELD_MS, HELD_OF_A_KEY, PACE_MS } from './held-answers.js';
import { RefusalPace } from './refusal-pace.js';

async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + 20_000;
  for (; !isSo(); await turn()) if (performance.now() > end) throw new Error('it never happened');
}

/** A pace whose time is moved, and a key that floods. */
function flooded() {
  let now = 0;
  let waiting: (() => void) | undefined;
  const pace = new RefusalPace({
    now: () => now,
    after: (_ms, run) => {
      waiting = run;
    },
  });
  for (let n = 0; n < PROMPT_REFUSALS; n += 1) pace.answer('flood', {}, () => undefined);
  return {
    pace,
    /** Lets the time pass after which all that wait are answered. */
    passHeld() {
      now += HELD_MS + HELD_LIMIT * PACE_MS;
      for (let run = waiting; run !== undefined; run = waiting) {
        waiting = undefined;
        run();
      }
    },
  };
}

interface Answerer {
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
  statusCode: number;
}

/** Refuses everything except `/polite`, as the gate and the guard do. */
function answering(pace: RefusalPace, seen: string[]) {
  return (request: { readonly url?: string | undefined }, response: Answerer) => {
    const { url = '' } = request;
    seen.push(url);
    setImmediate(() => {
      if (url === '/polite') {
        response.end('served');
        return;
      }
      pace.answer('flood', request, (isLast) => {
        response.statusCode = 429;
        if (isLast) response.setHeader('connection', 'close');
        response.end('refused');
      });
    });
  };
}

const portOf = (server: { address(): ReturnType<Server['address']> }): number => {
  const address: string | AddressInfo | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
};

describe('refusals of a flooding key', () => {
  let { pace, passHeld } = flooded();
  const seen: string[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    answering(pace, seen)(request, response);
  });
  const sockets: Socket[] = [];
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  beforeEach(() => {
    seen.length = 0;
    ({ pace, passHeld } = flooded());
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });

  async function client() {
    const socket = connect(portOf(server), '127.0.0.1');
    sockets.push(socket);
    await once(socket, 'connect');
    const state = { text: '', isClosed: false };
    socket.setEncoding('latin1').on('data', (chunk: string) => (state.text += chunk));
    socket.on('close', () => (state.isClosed = true));
    return {
      socket,
      state,
      statuses: () => [...state.text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
      send: (path: string) => socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`),
    };
  }

  it('wait, while a request on another connection is served', async () => {
    const [flood, other] = [await client(), await client()];
    flood.send('/one');
    await until(() => pace.waiting === 1);
    other.send('/polite');
    await until(() => other.statuses().length === 1);
    expect(flood.state.text).toBe('');
    passHeld();
    await until(() => flood.statuses().length === 1);
    expect(flood.state.text).not.toMatch(/connection: close/i);
    expect(pace.waiting).toBe(0);
    flood.send('/polite');
    await until(() => flood.statuses().length === 2);
    expect(flood.statuses()).toEqual(['429', '200']);
  });

  it('close a connection that sends more without waiting, and what it sends then is not read', async () => {
    const [flood, other] = [await client(), await client()];
    flood.send('/first');
    await until(() => seen.length === 1);
    flood.send('/second');
    await until(() => seen.length === 2);
    for (let n = 0; n < 10; n += 1) {
      flood.send('/unread');
      other.send('/polite');
      await until(() => other.statuses().length > n);
    }
    expect(seen.filter((url) => url !== '/polite')).toEqual(['/first', '/second']);
    expect(pace.waiting).toBe(1);
    passHeld();
    await until(() => flood.state.isClosed);
    expect(flood.statuses()).toEqual(['429', '429']);
    expect(flood.state.text.match(/connection: close/gi)).toHaveLength(1);
    expect(seen).not.toContain('/unread');
  });

  it('delay a request of another key that follows on the same connection, and do not lose it', async () => {
    const proxy = await client();
    proxy.send('/flood');
    await until(() => pace.waiting === 1);
    proxy.send('/polite');
    await until(() => seen.length === 2);
    passHeld();
    await until(() => proxy.statuses().length === 2);
    expect(proxy.statuses()).toEqual(['429', '200']);
    expect(proxy.state.isClosed).toBe(false);
  });

  it('take no place once the caller has gone', async () => {
    const flood = await client();
    flood.send('/one');
    await until(() => pace.waiting === 1);
    flood.socket.destroy();
    await until(() => pace.waiting === 0);
  });

  it('are sent immediately on connections that are closed, when too many wait', async () => {
    const flood = await client();
    for (let n = 0; n < HELD_OF_A_KEY; n += 1) pace.answer('flood', {}, () => undefined);
    flood.send('/one');
    await until(() => flood.state.isClosed);
    expect(flood.statuses()).toEqual(['429']);
    expect(flood.state.text).toMatch(/connection: close/i);
    passHeld();
  });

  it('wait on their own streams of HTTP/2, whose connection stays open', async () => {
    const own: string[] = [];
    const http2 = createHttp2Server((request, response) => {
      answering(pace, own)(request, response);
    });
    http2.listen(0, '127.0.0.1');
    await once(http2, 'listening');
    const session = connectHttp2(`http://127.0.0.1:${String(portOf(http2))}`);
    const statuses: number[] = [];
    const get = (path: string): void => {
      const stream = session.request({ ':path': path });
      stream.on('response', ({ ':status': status = 0 }) => statuses.push(status));
      stream.resume().end();
    };
    get('/one');
    get('/two');
    await until(() => pace.waiting === 2);
    get('/polite');
    await until(() => statuses.length === 1);
    passHeld();
    await until(() => statuses.length === 3);
    expect(statuses).toEqual([200, 429, 429]);
    expect(session.closed).toBe(false);
    session.close();
    http2.close();
    await once(http2, 'close');
  });

  it('that wait are sent when the application stops, and none waits afterwards', async () => {
    const [one, two] = [await client(), await client()];
    one.send('/one');
    await until(() => pace.waiting === 1);
    pace.close();
    two.send('/two');
    await until(() => one.statuses().length === 1 && two.statuses().length === 1);
    expect(pace.waiting).toBe(0);
  });
});
