import { providedSignIn } from './provided-sign-in.js';
import { providersFileSchema, type Provider } from './provider.js';

const declared = { name: 'people', title: 'People', issuer: 'https://people.example', client_id: 'countersign' };

function provider(): Provider {
  const [only] = providersFileSchema.parse({ providers: [{ ...declared, client_secret_file: 'secret' }] }).providers;
  if (only === undefined) throw new Error('one is declared');
  return only;
}

describe('what a provider says of a sign-in', () => {
  const startedAt = new Date(1_700_000_000_000);
  const now = new Date(startedAt.getTime() + 4_000);
  const claims = (further: object) => ({ iss: declared.issuer, sub: 'olga', iat: 1_700_000_000, ...further });
  const signIn = (authTime: number, forced: boolean) =>
    providedSignIn(claims({ auth_time: authTime }), {}, provider(), { startedAt, forced }, now).proof.authenticatedAt;

  it('is no earlier than its request, by any clock: otherwise the same sign-in would be requested again and again', () => {
    expect(signIn(1_700_000_003 - 20, true)).toEqual(startedAt);
    expect(signIn(1_700_000_003, true)).toEqual(new Date(1_700_000_003_000));
    expect(signIn(1_700_000_003 - 20, false)).toEqual(new Date(1_699_999_983_000));
    expect(() => signIn(1_700_000_000 - 31, true)).toThrow('could not be verified');
  });

  it.each([{ sub: 'ol\u0000ga' }, { sid: 'x\ud800' }, { acr: 'strong\n' }, { amr: ['pwd', 'o\u0007tp'] }])(
    'is refused with text that cannot be stored: %j',
    (odd) => {
      const read = () =>
        providedSignIn(claims({ auth_time: 1_700_000_003, ...odd }), {}, provider(), { startedAt, forced: false }, now);
      expect(read).toThrow('could not be verified');
    },
  );

  it('has an email address only if the same answer calls it verified', () => {
    const emailOf = (idToken: object, userinfo: object) =>
      providedSignIn(
        claims({ auth_time: 1_700_000_003, ...idToken }),
        { ...userinfo },
        provider(),
        { startedAt, forced: false },
        now,
      ).person.email;
    const own = { email: 'olga@people.example', email_verified: true };
    expect(emailOf({ email: 'boss@people.example' }, own)).toBe('olga@people.example');
    expect(emailOf(own, { email: 'boss@people.example' })).toBe('olga@people.example');
    expect(emailOf({ email: 'boss@people.example' }, { email_verified: true })).toBeUndefined();
  });
});
