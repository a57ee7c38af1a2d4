import { once } from 'node:events';
import { request as ask, type IncomingMessage } from 'node:http';
import { generateSigningKey } from '@countersign/auth-core';
import { byBrowser } from './code-flow.js';

describe('a login through the browser', () => {
  async function get(port: string, path: string): Promise<number | undefined> {
    const sent = ask({ host: '127.0.0.1', port, path }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  }

  it('continues whatever others on this machine send to it, until the browser delivers the response', async () => {
    const shown = Promise.withResolvers<URL>();
    const issuer = { issuer: 'https://issuer.test', url: 'https://issuer.test' };
    const login = byBrowser(
      issuer,
      { clientId: 'cli', scope: 'openid', audience: undefined },
      await generateSigningKey(),
      (url) => {
        shown.resolve(new URL(url));
      },
    );
    const ended = expect(login).rejects.toMatchObject({ code: 'access_denied' });
    const { searchParams } = await shown.promise;
    const { port } = new URL(searchParams.get('redirect_uri') ?? '');
    for (const path of ['//', '/callback', '/other']) expect(await get(port, path)).toBeGreaterThanOrEqual(400);
    const state = searchParams.get('state') ?? '';
    expect(await get(port, `/callback?state=${state}&iss=https://issuer.test&error=access_denied`)).toBe(200);
    await ended;
  });
});
