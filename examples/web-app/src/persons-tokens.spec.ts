import { ResponseBodyError } from 'openid-client';
import { NotAllowed, PersonsTokens } from './persons-tokens.js';
import { newSession, type Allowed } from './session.js';

const who = { subject: 'person:ada', name: 'Ada', sid: 's' };
const tokens = (name: string, expiresAt: number): Allowed => ({ accessToken: name, refreshToken: name, expiresAt });
const ended = () =>
  new ResponseBodyError('ended', { cause: { error: 'invalid_grant' }, response: new Response(null, { status: 400 }) });

/** An issuer that answers a renewal when the test says so. */
function slowIssuer() {
  const answer = Promise.withResolvers<Allowed>();
  return { answer, persons: new PersonsTokens({ refresh: () => answer.promise }, () => 1_000) };
}

describe('a renewal of a person’s tokens', () => {
  it('does not take the place of what the person allowed again while it was in progress', async () => {
    const { answer, persons } = slowIssuer();
    const session = newSession(who);
    session.allowed.set('payments', tokens('old', 0));
    const asked = persons.of(session, 'payments');
    session.allowed.set('payments', tokens('stepped up', 9_000));
    answer.resolve(tokens('renewed', 9_000));
    expect([await asked, session.allowed.get('payments')?.accessToken]).toEqual(['stepped up', 'stepped up']);
  });

  it('that is refused does not end what the person allowed again, and else it does', async () => {
    for (const again of [tokens('stepped up', 9_000), undefined]) {
      const { answer, persons } = slowIssuer();
      const session = newSession(who);
      session.allowed.set('payments', tokens('old', 0));
      const asked = persons.of(session, 'payments');
      if (again !== undefined) session.allowed.set('payments', again);
      answer.reject(ended());
      if (again === undefined) await expect(asked).rejects.toBeInstanceOf(NotAllowed);
      else expect(await asked).toBe('stepped up');
      expect(session.allowed.get('payments')).toBe(again);
    }
  });

  it('reaches the session that took the place of the one it began in: its refresh token works once', async () => {
    const { answer, persons } = slowIssuer();
    const session = newSession(who);
    session.allowed.set('accounts', tokens('old', 0));
    const asked = persons.of(session, 'accounts');
    const next = newSession(who, session);
    answer.resolve(tokens('renewed', 9_000));
    await asked;
    expect(next.allowed.get('accounts')?.refreshToken).toBe('renewed');
  });
});
