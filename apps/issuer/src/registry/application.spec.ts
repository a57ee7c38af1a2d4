import { mayUseGrant } from './application.js';
import { clientSchema } from './client.js';

const people = { payments: ['payments:create'] };
const application = {
  client_id: 'planner',
  client_name: 'Planner',
  publisher: 'Planner Ltd',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: ['https://planner.example/signed-in'],
  policy: { people },
};
const faultsOf = (change: object): string =>
  clientSchema
    .safeParse({ ...application, ...change })
    .error?.issues.map(({ path, message }) => [...path, message].join(' '))
    .join('; ') ?? 'none';

describe('the registration of an application that people use', () => {
  it('may be public: PKCE and redirect URIs, no credentials and no rights for itself', () => {
    expect(faultsOf({})).toBe('none');
  });

  it('may be confidential, with its own rights in addition', () => {
    const policy = { audiences: { payments: ['payments:read'] }, people };
    const grant_types = ['authorization_code', 'client_credentials'];
    expect(faultsOf({ token_endpoint_auth_method: 'client_secret_basic', grant_types, policy })).toBe('none');
  });

  it.each([
    [{ grant_types: ['authorization_code', 'client_credentials'] }, 'must not use client_credentials'],
    [{ grant_types: undefined, redirect_uris: undefined, policy: {} }, 'must declare grant_types'],
    [{ policy: { people, audiences: { payments: ['payments:read'] } } }, 'must not have policy.audiences'],
    [{ jwks_uri: 'https://planner.example/jwks' }, 'none must not have keys'],
    [{ redirect_uris: undefined }, 'needs redirect_uris'],
    [{ redirect_uris: ['http://planner.example/'] }, 'redirect_uris: http://planner.example/ must be https'],
    [{ redirect_uris: ['com.planner:/cb'] }, 'must be https'],
    [{ redirect_uris: [] }, 'redirect_uris'],
    [{ backchannel_logout_uri: 'http://planner.example/' }, 'backchannel_logout_uri'],
    [{ post_logout_redirect_uris: ['https://planner.example/#x'] }, 'post_logout_redirect_uris'],
    [{ client_uri: 'javascript:alert(1)' }, 'client_uri'],
    [{ policy: {} }, 'needs policy.people'],
    [{ publisher: undefined }, 'needs a publisher'],
    [{ client_name: undefined }, 'needs a client_name'],
    [{ client_name: 'Plan\u0000ner' }, 'client_name must not contain control characters'],
    [{ grant_types: ['password'] }, 'grant_types'],
    [{ grant_types: ['implicit'] }, 'grant_types'],
    [{ token_endpoint_auth_method: 'client_secret_post' }, 'token_endpoint_auth_method'],
  ])('is refused when it contradicts itself: %j', (change, fault) => {
    expect(faultsOf(change)).toContain(fault);
  });

  it('has no name that could be mistaken for a person', () => {
    expect(faultsOf({ client_id: 'person:01970000-0000-7000-8000-000000000000' })).toContain(
      'must not begin with person:',
    );
  });

  it('needs no publisher when it is a trusted first party', () => {
    expect(faultsOf({ publisher: undefined, trusted: true })).toBe('none');
  });

  it('keeps people out of a client that acts only for itself', () => {
    const service = { grant_types: undefined, token_endpoint_auth_method: 'client_secret_basic' };
    expect(faultsOf({ ...service })).toContain('redirect_uris need the grant type authorization_code');
    expect(faultsOf({ ...service, redirect_uris: undefined })).toContain('policy.people needs the grant type');
    const refresh = { grant_types: ['refresh_token'], redirect_uris: undefined, policy: {} };
    expect(faultsOf({ ...service, ...refresh })).toContain('refresh_token needs the grant type');
  });
});

describe('the grants of a client', () => {
  it('default to its own: never those for people', () => {
    expect(mayUseGrant({}, 'client_credentials')).toBe(true);
    expect(mayUseGrant({}, 'urn:ietf:params:oauth:grant-type:token-exchange')).toBe(true);
    expect(mayUseGrant({}, 'authorization_code')).toBe(false);
    expect(mayUseGrant({}, 'refresh_token')).toBe(false);
  });

  it('are those that it declares, and no others', () => {
    expect(mayUseGrant({ grant_types: ['authorization_code'] }, 'authorization_code')).toBe(true);
    expect(mayUseGrant({ grant_types: ['authorization_code'] }, 'client_credentials')).toBe(false);
  });
});
