/** Which way a spec of the project names its test functions. */
export type Runner = 'Jest' | 'Vitest' | 'node:test';

const heads: Readonly<Record<Runner, string>> = {
  Jest: '',
  Vitest: "import { describe, expect, it } from 'vitest';\n",
  'node:test': "import { describe, it } from 'node:test';\n",
};

/** How a spec gets its test functions, where they are not global. */
export const headOf = (runner: Runner): string => heads[runner];

/**
 * The spec that every project runs: the README's example of the guard, asked over HTTP with the test kit's tokens, and the README's example of the
 * verifier.
 * @param example the file of the README's example, as the project imports it
 * @param globals whether the test functions are global
 */
export function ordersSpec(runner: Runner, example: string, globals: boolean): string {
  return `import * as assert from 'node:assert/strict';
${globals ? '' : headOf(runner)}import { type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { assertOpenRoutes, RouteReport, TOKEN_VERIFIER } from '@countersign/auth';
import { bearerTokenOf, createVerifier, requireScopes, TokenError } from '@countersign/auth-core';
import { badTokens, ${runner === 'node:test' ? '' : 'countersignMatchers, '}createTestIssuer } from '@countersign/test-kit';
import { OrdersModule } from '${example}';

${runner === 'node:test' ? '' : 'expect.extend(countersignMatchers);\n'}// By text: in Jest an answer's objects are of another realm.
const same = (found: unknown, expected: unknown): void => assert.equal(JSON.stringify(found), JSON.stringify(expected));

describe('orders', () => {
  it('lets in who has the scope, and answers all others as the RFCs say', async () => {
    const issuer = await createTestIssuer({ audience: 'orders', issuer: 'https://issuer.internal' });
    const verifier = await createVerifier({ issuer: issuer.issuer, audience: 'orders', fetch: issuer.fetch });
    const made = await Test.createTestingModule({ imports: [OrdersModule] })
      .overrideProvider(TOKEN_VERIFIER)
      .useValue(verifier)
      .compile();
    const app: INestApplication = made.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    const ask = async (path: string, token?: string): Promise<[number, string | null, any]> => {
      const answer = await fetch(url + path, { headers: token === undefined ? {} : { authorization: 'Bearer ' + token } });
      return [answer.status, answer.headers.get('content-type'), await answer.json()];
    };
    try {
      const token = await issuer.mint({ subject: 'ada', scopes: ['orders:read'] });
      for (let look = 0; look < 2; look += 1) {
        const [status, , body] = await ask('/orders/7', token);
        same([status, body], [200, { id: '7', readBy: 'ada' }]);
      }
      const [missing, type, problem] = await ask('/orders/7');
      same([missing, type, problem.code], [401, 'application/problem+json; charset=utf-8', 'TOKEN_MISSING']);
      same((await ask('/orders/7', await issuer.mint()))[2].code, 'SCOPE_MISSING');
${runner === 'node:test' ? '' : "      await expect(fetch(url + '/orders/7')).toBeRefusedWith('TOKEN_MISSING');\n"}      same(await ask('/orders/status'), [200, 'application/json; charset=utf-8', { open: true }]);
      assertOpenRoutes(app, ['GET /orders/status']);
      assert.ok(app.get(RouteReport).lines().length > 0);
      for (const { name, token: bad, code } of await badTokens(issuer)) {
        if (bad !== '') same([name, (await ask('/orders/7', bad))[2].code], [name, code]);
        assert.throws(() => verifier.verify(bad), (error: unknown) => error instanceof TokenError && error.code === code);
      }
      const caller = await verifier.verifyWithRefresh(bearerTokenOf('Bearer ' + token));
      requireScopes(caller, 'orders:read');
      assert.equal(caller.subject, 'ada');
    } finally {
      await app.close();
    }
  }${runner === 'node:test' ? '' : ', 60_000'});
});
`;
}
