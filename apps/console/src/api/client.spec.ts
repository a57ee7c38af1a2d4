import * as z from 'zod/mini';
import { serverLog } from '../proof/log-source.js';
import { ask } from './client.js';
import { signOut } from './session.js';

const answering = (response: Response) => jest.spyOn(globalThis, 'fetch').mockResolvedValue(response);

/** An answer that begins, and whose connection is then lost. */
const cutOff = (): Response =>
  new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"a":'));
        controller.error(new TypeError('network error'));
      },
    }),
  );

afterEach(() => {
  jest.restoreAllMocks();
});

describe('an answer', () => {
  it('that is truncated means an unreachable server, not another version', async () => {
    answering(cutOff());
    expect(await ask(z.object({}), '/x')).toMatchObject({ ok: false, problem: { status: 0, code: 'UNREACHABLE' } });
    answering(cutOff());
    await expect(serverLog.bytes('tile/0/000')).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });

  it('that is no JSON, or other JSON than was expected, cannot be read', async () => {
    for (const text of ['<html>', '{"b":1}']) {
      answering(new Response(text));
      const problem = { code: 'ANSWER_UNREADABLE' };
      expect(await ask(z.object({ a: z.number() }), '/x')).toMatchObject({ ok: false, problem });
    }
  });
});

describe('signing out', () => {
  it('redirects only if the session has ended', async () => {
    answering(Response.json({ next: 'https://issuer.test/sign-out' }));
    expect(await signOut()).toBe('https://issuer.test/sign-out');
    answering(Response.json({ code: 'SESSION_OVER' }, { status: 401 }));
    expect(await signOut()).toBe('/console/sign-in?return_to=%2F');
    answering(Response.json({ code: 'DATABASE_AWAY', detail: 'Try again.' }, { status: 503 }));
    await expect(signOut()).rejects.toMatchObject({ code: 'DATABASE_AWAY' });
  });
});
