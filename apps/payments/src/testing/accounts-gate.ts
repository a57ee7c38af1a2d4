import { createServer } from 'node:http';
import { once } from 'node:events';

/** The network between payments and accounts, in the test's hands: it counts requests and can keep one, or its answer, for a while. */
export interface AccountsGate {
  readonly url: string;
  /** Requests that came here so far. */
  seen(): number;
  /** Where accounts really is. */
  leadTo(url: string): void;
  /** Keeps the next POST, before it reaches accounts or before its answer goes back. */
  keepNext(what: 'request' | 'answer'): Kept;
  close(): Promise<void>;
}

export interface Kept {
  /** Once it is kept here. */
  readonly reached: Promise<void>;
  release(): void;
}

interface Keeping {
  readonly what: 'request' | 'answer';
  readonly reach: () => void;
  readonly released: Promise<void>;
}

export async function startGate(): Promise<AccountsGate> {
  const keeping: Keeping[] = [];
  let accounts = '';
  let count = 0;
  const server = createServer((request, response) => {
    void (async () => {
      count += 1;
      const kept = request.method === 'POST' ? keeping.shift() : undefined;
      const stop = async (what: Keeping['what']): Promise<void> => {
        if (kept?.what !== what) return;
        kept.reach();
        await kept.released;
      };
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(Buffer.from(chunk));
      await stop('request');
      const { authorization = '', traceparent = '' } = request.headers;
      const answer = await fetch(`${accounts}${request.url ?? ''}`, {
        method: request.method ?? 'GET',
        headers: {
          authorization,
          traceparent: traceparent.toString(),
          ...(chunks.length === 0 ? {} : { 'content-type': 'application/json' }),
        },
        ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks).toString() }),
      });
      const body = await answer.text();
      await stop('answer');
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(body);
    })().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the system gave no port');
  return {
    url: `http://127.0.0.1:${String(address.port)}`,
    seen: () => count,
    leadTo(url) {
      accounts = url;
    },
    keepNext(what) {
      const reached = Promise.withResolvers<undefined>();
      const released = Promise.withResolvers<undefined>();
      keeping.push({
        what,
        reach: () => {
          reached.resolve(undefined);
        },
        released: released.promise,
      });
      return {
        reached: reached.promise,
        release: () => {
          released.resolve(undefined);
        },
      };
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
