import { personIdSchema } from '../people/person.js';
import { clientSchema } from '../registry/client.js';
import { sessionIdSchema } from '../sessions/session.js';
import { afterSignOut, mayEndUnasked } from './end-session.js';

const application = (type: 'web' | 'native', post: string[]) =>
  clientSchema.parse({
    client_id: 'planner',
    client_name: 'Planner',
    publisher: 'Example',
    token_endpoint_auth_method: 'none',
    application_type: type,
    grant_types: ['authorization_code'],
    redirect_uris: ['https://planner.example/callback'],
    post_logout_redirect_uris: post,
    policy: { people: { issuer: ['openid'] } },
  });

describe('signing out for an application', () => {
  it('redirects to a URL that it registered, with its state', () => {
    const client = application('web', ['https://planner.example/bye?x=1']);
    expect(afterSignOut(client, 'https://planner.example/bye?x=1', 'a&b')).toEqual({
      clientName: 'Planner',
      url: 'https://planner.example/bye?x=1&state=a%26b',
      native: false,
    });
    expect(afterSignOut(client, undefined, 's')).toBeUndefined();
  });

  it.each([
    'https://planner.example/bye/',
    'https://planner.example/BYE',
    'https://planner.example/bye#x',
    'https://planner.example.evil.example/bye',
    'https://planner.example@evil.example/bye',
    'https://evil.example/?https://planner.example/bye',
    'http://planner.example/bye',
    'javascript:alert(1)',
    '//planner.example/bye',
    '',
  ])('never redirects to %j', (asked) => {
    expect(afterSignOut(application('web', ['https://planner.example/bye']), asked, undefined)).toBe('refused');
    expect(afterSignOut(undefined, asked, undefined)).toBe('refused');
  });

  it("skips the question only with this person's ID token, and this session's if it names one", () => {
    const person = {
      id: personIdSchema.parse('person:0190a000-0000-7000-8000-000000000000'),
      name: 'A',
      roles: [],
      provider: 'p',
    };
    const id = sessionIdSchema.parse('0190a000-0000-7000-8000-000000000001');
    const session = { id, person, authenticatedAt: new Date(0), acr: undefined, amr: [] };
    const hint = { clientId: 'planner', subject: person.id, sessionId: id };
    expect(mayEndUnasked(session, hint)).toBe(true);
    expect(mayEndUnasked(session, { ...hint, sessionId: undefined })).toBe(true);
    expect(mayEndUnasked(session, undefined)).toBe(false);
    expect(mayEndUnasked(session, { ...hint, sessionId: 'another' })).toBe(false);
    expect(mayEndUnasked(session, { ...hint, subject: 'person:another' })).toBe(false);
  });
});
