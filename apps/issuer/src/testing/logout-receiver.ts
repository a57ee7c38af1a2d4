import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';

/** An application's `backchannel_logout_uri`, for specs. */
export interface LogoutReceiver {
  readonly url: string;
  /** The logout tokens that came, also those that were not taken. */
  readonly tokens: string[];
  /** Answers the next ones with this status; a redirect leads to a place that counts as taken. */
  answer(status: number): void;
  /** The next token. */
  next(): Promise<string>;
  close(): Promise<void>;
}

export async function startLogoutReceiver(): Promise<LogoutReceiver> {
  const tokens: string[] = [];
  let status = 200;
  let came: () => void = () => undefined;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const token = new URLSearchParams(Buffer.concat(parts).toString()).get('logout_token');
      if (token !== null) tokens.push(token);
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
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
    answer: (next) => (status = next),
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
