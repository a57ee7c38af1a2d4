import { once } from 'node:events';
import { createServer } from 'node:http';
import { interact } from './interaction.js';
import { createProvider, type ProviderOptions } from './provider.js';

export interface PeopleProviderOptions extends Omit<ProviderOptions, 'issuer'> {
  /** Default: the address that it listens on. */
  readonly issuer?: string | undefined;
  readonly host: string;
  readonly port: number;
}

export interface PeopleProvider {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts the provider and waits until it listens. */
export async function startPeopleProvider(options: PeopleProviderOptions): Promise<PeopleProvider> {
  const { host, port, clients } = options;
  const url = (options.issuer ?? `http://${host}:${String(port)}`).replace(/\/$/, '');
  const provider = await createProvider({ issuer: url, clients });
  const standard = provider.callback();
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    if (path.startsWith('/interaction/')) {
      interact(provider, request, response).catch((error: unknown) => {
        console.error(error);
        response.writeHead(500).end();
      });
    } else if (path.startsWith('/health/')) {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ok"}');
    } else {
      void standard(request, response);
    }
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    url,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
