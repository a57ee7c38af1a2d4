import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';

/** An application's `backchannel_logout_uri`, for specs. */
export interface LogoutReceiver {
  readonly url: string;
  /** The logout tokens that came, also those that were not taken. */
  readonly tokens: string[];
  /** The most requests that were open at once. */
  readonly peak: () => number;
  /** Answers the next ones with this status. */
  answer(status: number): void;
  /** Leaves the next ones without an answer. */
  hang(): void;
  /** The next token. */
  next(): Promise<string>;
  close(): Promise<void>;
}

export async function startLogoutReceiver(): Promise<LogoutReceiver> {
  const tokens: string[] = [];
  let [open, peak] = [0, 0];
  let status: number | undefined = 200;
  let came: () => void = () => undefined;
  const server = createServer((request, response) => {
    open += 1;
    peak = Math.max(peak, open);
    response.on('close', () => (open -= 1));
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const token = new URLSearchParams(Buffer.concat(parts).toString()).get('logout_token');
      if (token !== null) tokens.push(token);
      if (status !== undefined) response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
      came();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${String(address.port)}/logout`,
    tokens,
    peak: () => peak,
    answer: (next) => (status = next),
    hang: () => (status = undefined),
    async next() {
      const known = tokens.length;
      while (tokens.length === known) await new Promise<void>((resolve) => (came = resolve));
      return tokens.at(-1) ?? '';
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
