import { type TokenClient } from '../client/token-client.js';
import { type AccessToken } from '../client/token-request.js';
import { jest } from '@jest/globals';
import { ReportRefused, reportsOf, reportToIssuer } from './report-to-issuer.js';

const tokenOf = (token: string): AccessToken => ({ token, expiresAt: 0, scopes: [], tokenType: 'Bearer' });

describe('a report to the issuer', () => {
  it('is sent with another token after one that the issuer refuses', async () => {
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

  const tokens: Pick<TokenClient, 'getToken' | 'forget'> = {
    getToken: () => Promise.resolve(tokenOf('good')),
    forget: () => true,
  };
  const reportOf = (count: number) => ({
    uses: [
      { api_key_id: 'a', hour: '2026-11-26T12:00:00.000Z', route_class: 'read', outcome: 'allowed' as const, count },
    ],
    networks: [],
  });

  it.each([
    [400, true],
    [413, true],
    [422, true],
    [401, false],
    [403, false],
    [404, false],
    [429, false],
    [503, false],
  ])('that gets %d is refused for its content: %s', async (status, isRefused) => {
    const fetch = () => Promise.resolve(new Response(null, { status }));
    const sent = reportToIssuer({ issuer: 'https://issuer.test', tokens, fetch }).usage([
      { ...reportOf(1), id: 'one' },
    ]);
    const error: unknown = await sent.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(error instanceof ReportRefused ? error.status : undefined).toBe(isRefused ? status : undefined);
  });

  it('that is refused for its content, and waits only in memory, is dropped with a warning, and later ones continue', async () => {
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    try {
      const counted: number[] = [];
      const { onUsage } = reportsOf({
        issuer: 'https://issuer.test',
        tokens,
        fetch: (_url, init) => {
          const count = Number(/"count":(\d+)/.exec(typeof init?.body === 'string' ? init.body : '')?.[1]);
          if (count === 2) return Promise.resolve(new Response(null, { status: 400 }));
          counted.push(count);
          return Promise.resolve(new Response(null, { status: 204 }));
        },
      });
      for (const count of [1, 2, 3]) await onUsage(reportOf(count));
      expect(counted).toEqual([1, 3]);
      expect(warnings).toHaveBeenCalledTimes(1);
      expect(warnings).toHaveBeenCalledWith(expect.stringContaining('(400)'), { code: 'COUNTERSIGN_API_KEY_REPORT' });
    } finally {
      warnings.mockRestore();
    }
  });
});
