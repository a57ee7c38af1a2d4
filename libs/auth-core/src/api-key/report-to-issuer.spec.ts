import { type TokenClient } from '../client/token-client.js';
import { type AccessToken } from '../client/token-request.js';
import { reportToIssuer } from './report-to-issuer.js';

const tokenOf = (token: string): AccessToken => ({ token, expiresAt: 0, scopes: [], tokenType: 'Bearer' });

describe('a report to the issuer', () => {
  it('is sent under another token after one that the issuer does not take', async () => {
    const issued = ['revoked', 'good'];
    const tokens: Pick<TokenClient, 'getToken' | 'forget'> = {
      getToken: () => Promise.resolve(tokenOf(issued[0] ?? '')),
      forget: ({ token }) => {
        if (token === issued[0]) issued.shift();
        return true;
      },
    };
    const sent: (string | null)[] = [];
    const reporter = reportToIssuer({
      issuer: 'https://issuer.test',
      tokens,
      fetch: (_url, init) => {
        const authorization = new Headers(init?.headers).get('authorization');
        sent.push(authorization);
        return Promise.resolve(new Response(null, { status: authorization === 'Bearer good' ? 204 : 401 }));
      },
    });
    await expect(reporter.exposed('key')).rejects.toThrow('401');
    await reporter.exposed('key');
    expect(sent).toEqual(['Bearer revoked', 'Bearer good']);
  });
});
