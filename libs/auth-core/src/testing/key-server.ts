import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';

/** A server of issuers' metadata and keys on this machine, for any issuer name: `fetch` calls it instead of their hosts. Everything else is a 404. */
export class KeyServer {
  readonly #answers = new Map<string, unknown>();
  readonly #server: Server;
  /** The requested URLs, in order. */
  readonly asked: string[] = [];

  private constructor() {
    this.#server = createServer((request, response) => {
      const url = (request.url ?? '').replace(/^\/(https?)\//, '$1://');
      this.asked.push(url);
      const answer = this.#answers.get(url);
      response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer ?? {}));
    });
  }

  static async start(): Promise<KeyServer> {
    const server = new KeyServer();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  /** The server's origin. */
  get origin(): string {
    const address: AddressInfo | string | null = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return `http://127.0.0.1:${String(address.port)}`;
  }

  readonly fetch: typeof globalThis.fetch = (input, init) => {
    const url = String(input instanceof Request ? input.url : input);
    return fetch(`${this.origin}/${url.replace('://', '/')}`, init);
  };

  /** @param answer JSON; undefined for a 404 */
  answer(url: string, answer: unknown): void {
    this.#answers.set(url, answer);
  }

  /** Publishes an issuer's keys as the issuer would: metadata for OpenID Connect Discovery, and our own issuer's path. */
  publish(issuer: string, keys: readonly unknown[]): void {
    const base = issuer.replace(/\/$/, '');
    this.answer(`${base}/.well-known/openid-configuration`, { issuer, jwks_uri: `${base}/keys` });
    this.answer(`${base}/keys`, { keys });
    this.answer(`${base}/.well-known/jwks.json`, { keys });
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }
}
