import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { afterAll, expect } from '@jest/globals';
import { createTokenClient } from '@countersign/auth-core';
import { newPkce } from '@countersign/people-provider';
import { walk, type World } from './world.js';

const HOME = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Home</title><link rel="icon" href="data:,"></head>
  <body><main><h1>Home of the broker</h1></main></body></html>`;

const servers: Server[] = [];

/** Applications whose callback leads to another host: every identity broker is one. @param question the heading of the page that asks */
export function walkBroker(world: () => World, question: string): void {
  afterAll(() => {
    for (const server of servers) server.close();
  });

  walk(world, 'come back to an application whose callback leads on to another host', async () => {
    const serve = async (listener: RequestListener): Promise<string> => {
      const server = createServer(listener).listen(0, '127.0.0.1');
      servers.push(server);
      await once(server, 'listening');
      const address = server.address();
      return `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : 0)}`;
    };
    const home = await serve((_request, response) => {
      response.setHeader('content-type', 'text/html').end(HOME);
    });
    const broker = await serve((_request, response) => response.writeHead(302, { location: `${home}/` }).end());
    const { urls, identities } = world().stack;
    const operator = createTokenClient({
      issuer: urls.issuer,
      clientId: 'operator',
      key: identities.clients.operator,
    });
    const { token } = await operator.getToken({ audience: 'issuer', scopes: ['issuer:admin'] });
    const registered = await fetch(`${urls.issuer}/admin/clients`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{ client_id: 'broker', client_name: 'Broker', publisher: 'Broker Ltd' },
        ...{ token_endpoint_auth_method: 'none', grant_types: ['authorization_code'] },
        redirect_uris: [`${broker}/cb`],
        policy: { people: { issuer: ['openid'] } },
      }),
    });
    expect([registered.status, await registered.text()]).toEqual([201, expect.any(String)]);

    const window = await world().open();
    const asked = new URLSearchParams({
      ...{ client_id: 'broker', redirect_uri: `${broker}/cb`, scope: 'openid' },
      ...{ response_type: 'code', code_challenge: newPkce().challenge, code_challenge_method: 'S256' },
    });
    await window.goto(`${urls.issuer}/oauth2/authorize?${asked.toString()}`);
    await window.see('Who are you?');
    await window.click('button', /Carol Diaz/);
    await window.see(question);
    await window.click('button', 'Allow');
    await window.see('Home of the broker');
  });
}
